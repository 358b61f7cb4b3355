/** Bytes to lines: bounded, and each with the digest of everything before it. */
import { createHash } from "node:crypto";
import { ArchiveError } from "./errors.ts";
import type { ArchiveLimits } from "./format.ts";

const NEWLINE = 0x0a;

/** One line of an archive, without its newline. */
export interface ArchiveLine {
  readonly text: string;
  /** Counted from 1. */
  readonly number: number;
  /** SHA-256 of all bytes before the line. */
  readonly digestBefore: () => string;
}

/**
 * The lines of an archive. One that does not end with a newline was cut off.
 * @throws ArchiveError `archive_too_large`, `archive_truncated` or `archive_damaged`.
 */
export async function* archiveLines(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
): AsyncGenerator<ArchiveLine> {
  const whole = createHash("sha256");
  let parts: Uint8Array[] = [];
  let pending = 0;
  let total = 0;
  let number = 0;
  const keep = (part: Uint8Array): void => {
    parts.push(part);
    pending += part.length;
    if (pending > limits.lineBytes) throw tooLarge(`line ${number + 1}`, limits.lineBytes);
  };
  for await (const chunk of source) {
    total += chunk.length;
    if (total > limits.bytes) throw tooLarge("the archive", limits.bytes);
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      number += 1;
      const bytes = Buffer.concat(parts);
      parts = [];
      pending = 0;
      yield { text: decoded(bytes, number), number, digestBefore: () => whole.copy().digest("hex") };
      whole.update(bytes).update("\n");
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  if (pending > 0) throw truncated(number + 1);
}

/** The archive ends before its last line. */
export function truncated(line: number): ArchiveError {
  return new ArchiveError(
    "archive_truncated",
    `the archive ends in line ${line}, before its end line: it was not copied whole; export the run again`,
    { details: { line } },
  );
}

/** A line that is not what was written. */
export function damaged(line: number, why: string, cause?: unknown): ArchiveError {
  return new ArchiveError("archive_damaged", `line ${line} of the archive is not what was written: ${why}`, {
    details: { line },
    ...(cause === undefined ? {} : { cause }),
  });
}

function decoded(bytes: Uint8Array, line: number): string {
  try {
    // A mark at the start of a line is a character of it: what is hashed and what is read are the same.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damaged(line, "it is not UTF-8 text", cause);
  }
}

function tooLarge(what: string, limit: number): ArchiveError {
  return new ArchiveError("archive_too_large", `${what} is longer than ${limit} bytes, the most an archive may have`, {
    details: { limit },
  });
}
