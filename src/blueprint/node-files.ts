/**
 * DocumentFiles over Node's file system.
 *
 * A file is opened once, by its real path and without following a link put there meanwhile, and everything else is asked
 * of what was opened.
 */
import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath, stat } from "node:fs/promises";
import type { DocumentFiles, FileRead } from "./document-files.ts";

const CHUNK_BYTES = 64 * 1024;

/** The real file system. */
export const nodeFiles: DocumentFiles = Object.freeze({ read, realDirectory, list });

async function read(path: string, maxBytes: number): Promise<FileRead> {
  try {
    const realPath = await realpath(path);
    // Without O_NONBLOCK, opening a pipe nobody writes to would wait for ever. The real path has no links left to follow.
    const handle = await open(realPath, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      return await readOpened(handle, realPath, maxBytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return failedRead(error);
  }
}

async function readOpened(handle: FileHandle, realPath: string, maxBytes: number): Promise<FileRead> {
  const stats = await handle.stat();
  if (!stats.isFile()) return { kind: "not_a_file" };
  if (stats.size > maxBytes) return { kind: "too_large", realPath, size: stats.size };
  const bytes = await readUpTo(handle, maxBytes + 1);
  if (bytes.length > maxBytes) return { kind: "too_large", realPath, size: bytes.length };
  return { kind: "file", realPath, bytes };
}

/** Reads to the end or to `limit`, whatever the size said before: files grow, and some have none. */
async function readUpTo(handle: FileHandle, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < limit) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, limit - length));
    const { bytesRead } = await handle.read(chunk);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks);
}

function failedRead(error: unknown): FileRead {
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return { kind: "missing" };
    case "EISDIR":
    case "ENXIO":
      return { kind: "not_a_file" };
    case undefined:
      throw error;
    default:
      return { kind: "unreadable", reason: (error as Error).message };
  }
}

async function realDirectory(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isDirectory() ? real : undefined;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

async function list(directory: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** The system's error code; undefined for anything that is no system error. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
