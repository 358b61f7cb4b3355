/** The public face of retention. */
export type { Collection, CollectOrder, CollectPorts, ExpiredRun } from "./collection.ts";
export { collect, expiredRuns } from "./collection.ts";
export type { RetentionErrorCode } from "./errors.ts";
export { RetentionError } from "./errors.ts";
export type { Retention, RetentionClass, RetentionRule } from "./policy.ts";
export { CLASSES, parseRetention } from "./policy.ts";
