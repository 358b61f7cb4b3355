/** The public face of run archives. */
export type { ArchiveErrorCode } from "./errors.ts";
export { ArchiveError } from "./errors.ts";
export { exportRun } from "./export.ts";
export type { ArchiveLimits } from "./format.ts";
export { ARCHIVE_LIMITS, ARCHIVE_VERSION } from "./format.ts";
export type { ImportPorts } from "./import.ts";
export { importRun } from "./import.ts";
