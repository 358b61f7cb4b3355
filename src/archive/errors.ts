/** The errors of run archives. Whatever is refused has changed nothing. */

/**
 * Stable codes.
 * - `archive_foreign`: the file is not an archive of a run.
 * - `archive_newer`: a newer swarm-host wrote the archive.
 * - `archive_truncated`: the archive ends before its last line: it was not written or copied to its end.
 * - `archive_damaged`: something in the archive is not what was written; the message names the line.
 * - `archive_too_large`: the archive, or one value in it, is larger than archives may be.
 * - `document_missing`: the run cannot be exported: its Blueprint is no longer in the store.
 */
export type ArchiveErrorCode =
  | "archive_foreign"
  | "archive_newer"
  | "archive_truncated"
  | "archive_damaged"
  | "archive_too_large"
  | "document_missing";

/** The one error class of archives. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
  readonly code: ArchiveErrorCode;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: ArchiveErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly details?: Record<string, string | number> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
