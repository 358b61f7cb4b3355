/** The public face of retention. */
export type { CollectedStores, Collection } from "./collection.ts";
export { collect } from "./collection.ts";
export type { RetentionErrorCode } from "./errors.ts";
export { RetentionError } from "./errors.ts";
export type { Retention, RetentionClass, RetentionRule } from "./policy.ts";
export { CLASSES, parseRetention } from "./policy.ts";
