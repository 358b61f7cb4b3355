/**
 * The body of a submission as text: decoded, trimmed, and read from the file it names where it names one.
 *
 * Owns: what bytes are text, and which files may stand in for a body. Does not own: what the text must say.
 *
 * T1  Bytes that are not UTF-8 are refused, never replaced: what is stored is what was sent. White space at the end goes.
 * T2  `@file:<path>` is read only where the step allows it, only below its work directory, and only if the file that was
 *     opened is the one that stands there: a link or a directory swapped in meanwhile gives nothing away.
 */
import { constants } from "node:fs";
import { type FileHandle, open, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { OperatorError } from "./errors.ts";
import type { RequestTerms } from "./request-body.ts";

/** The longest body, and the largest file in place of one, in bytes. */
export const MAX_TEXT_BYTES: number = 2 * 1024 * 1024;

const SENTINEL = "@file:";

/**
 * The text of a body (T1, T2).
 * @throws OperatorError `submission_too_large`, `submission_not_text`, `file_refused`, `file_invalid`, `file_missing`.
 */
export async function submittedText(body: Uint8Array, terms: RequestTerms): Promise<string> {
  const text = decoded(body, "the body");
  if (!text.startsWith(SENTINEL)) return text;
  return decoded(await grantedFile(text.slice(SENTINEL.length), terms), "the file");
}

function decoded(bytes: Uint8Array, what: string): string {
  if (bytes.byteLength > MAX_TEXT_BYTES) throw tooLarge(what);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).trimEnd();
  } catch (cause) {
    throw new OperatorError("submission_not_text", `${what} is not UTF-8: send text, or encode what is none`, {
      cause,
    });
  }
}

async function grantedFile(path: string, { allowFileSubmit, workDir }: RequestTerms): Promise<Uint8Array> {
  if (allowFileSubmit !== true) {
    throw refused("this step takes no files: its context does not set allow_file_submit to true; send the text itself");
  }
  if (workDir === undefined || !isAbsolute(workDir)) {
    throw refused("this step has no work directory that files could be in: send the text itself");
  }
  if (!isAbsolute(path) || /[\0\r\n]/u.test(path)) {
    throw new OperatorError("file_invalid", `after ${SENTINEL} comes one absolute path and nothing else`);
  }
  // Judged as text first, so that whether a file exists elsewhere is not answered.
  if (!isBelow(resolve(workDir), resolve(path)) && !isBelow(await realRoot(workDir), resolve(path))) throw outside();
  try {
    return await readBelow(await realpath(workDir), path);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new OperatorError("file_missing", "there is no such file below the work directory", { cause });
    }
    throw new OperatorError("file_invalid", `the file cannot be read: ${code ?? "it is no file"}`, { cause });
  }
}

async function realRoot(workDir: string): Promise<string> {
  try {
    return await realpath(workDir);
  } catch (cause) {
    throw new OperatorError("file_missing", "the step's work directory is not there", { cause });
  }
}

/** Opens, and only then asks what was opened (T2). */
async function readBelow(root: string, path: string): Promise<Uint8Array> {
  const real = await realpath(path);
  if (!isBelow(root, real)) throw outside();
  // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever.
  const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const opened = await handle.stat();
    if (!opened.isFile()) throw new OperatorError("file_invalid", "the path names something that is not a file");
    const there = await stat(real);
    if ((await realpath(real)) !== real || there.ino !== opened.ino || there.dev !== opened.dev) {
      throw refused("the file changed its place while it was opened: submit again");
    }
    return await readUpTo(handle, MAX_TEXT_BYTES);
  } finally {
    await handle.close();
  }
}

/** Reads to the end, whatever the size said before: files grow, and some have none. */
async function readUpTo(handle: FileHandle, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.alloc(64 * 1024);
    const { bytesRead } = await handle.read(chunk);
    if (bytesRead === 0) return Buffer.concat(chunks);
    length += bytesRead;
    if (length > limit) throw tooLarge("the file");
    chunks.push(chunk.subarray(0, bytesRead));
  }
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function tooLarge(what: string): OperatorError {
  return new OperatorError(
    "submission_too_large",
    `${what} is longer than ${MAX_TEXT_BYTES} bytes: stage what is large as parts, or submit where it is`,
    { details: { limit: MAX_TEXT_BYTES } },
  );
}

function refused(message: string): OperatorError {
  return new OperatorError("file_refused", message);
}

function outside(): OperatorError {
  return refused("the file is not below the step's work directory");
}
