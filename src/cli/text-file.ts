/** Reading and writing the files a command names: bounded in, all or nothing out, errors that name the file. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-code.ts";

/**
 * The text of a file, or of `stdin` where `file` is `-`.
 * @throws CliError `unreadable`, or `bad_input` where it is longer than `limit` bytes or not UTF-8.
 */
export async function readText(file: string, limit: number, stdin: NodeJS.ReadableStream): Promise<string> {
  const place = file === "-" ? "standard input" : file;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of file === "-" ? stdin : createReadStream(file)) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Buffer);
      size += bytes.length;
      if (size > limit) {
        throw new CliError("bad_input", `more than ${limit} bytes`, { place, hint: "give a smaller input" });
      }
      chunks.push(bytes);
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError("unreadable", `cannot be read: ${reason(cause)}`, {
      place,
      hint: "check the name and the permissions",
      cause,
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new CliError("bad_input", "is not UTF-8 text", { place, hint: "save it as UTF-8", cause });
  }
}

/**
 * Writes a file whole or not at all; an existing one is replaced. Parent directories are made.
 * @throws CliError `unwritable`.
 */
export function writeText(file: string, text: string): Promise<void> {
  return writeLines(file, text);
}

/** As `writeText`, of a text that comes in pieces. What the pieces themselves throw is passed on. */
export async function writeLines(file: string, text: string | AsyncIterable<string>): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await mkdir(dirname(file), { recursive: true });
    if (await isSpecial(file)) await writeFile(file, text);
    else {
      await writeFile(temporary, text, { flush: true });
      await rename(temporary, file);
    }
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    if (!isSystemError(cause)) throw cause;
    throw new CliError("unwritable", `cannot be written: ${reason(cause)}`, {
      place: file,
      hint: "choose another file with -o, or free some space",
      exit: EXIT.failed,
      cause,
    });
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/** Devices and pipes (`-o /dev/stdout`) are written to as they are: they cannot be replaced. */
async function isSpecial(file: string): Promise<boolean> {
  try {
    return !(await stat(file)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is not a directory",
  ENOSPC: "the disk is full",
  EROFS: "the file system is read-only",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
};

/** A system error in words. */
export function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return (Object.hasOwn(REASONS, code) ? REASONS[code] : undefined) ?? (error as Error).message;
}
