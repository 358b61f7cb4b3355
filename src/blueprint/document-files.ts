/**
 * The port through which documents, refs and agent.md files are read.
 */

/** What reading a file came to. */
export type FileRead =
  | { readonly kind: "file"; readonly realPath: string; readonly bytes: Uint8Array }
  | { readonly kind: "missing" }
  /** A directory, a pipe, a device. */
  | { readonly kind: "not_a_file" }
  | { readonly kind: "too_large"; readonly realPath: string; readonly size: number }
  | { readonly kind: "unreadable"; readonly reason: string };

/** The file system, as far as Blueprints need it. Paths are absolute or relative to the process. */
export interface DocumentFiles {
  /** Reads a regular file of at most `maxBytes`; a larger one is not read at all. Follows symbolic links and says where to. */
  read(path: string, maxBytes: number): Promise<FileRead>;
  /** The directory with symbolic links resolved; undefined where there is no directory. */
  realDirectory(path: string): Promise<string | undefined>;
  /** Names in a directory, unsorted; undefined where it cannot be listed. */
  list(directory: string): Promise<readonly string[] | undefined>;
}

const utf8 = { fatal: true } as const;

/** The text of bytes, without a byte order mark; undefined where they are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", utf8).decode(bytes);
  } catch {
    // The one thing a fatal decoder throws for is what undefined says.
    return undefined;
  }
}

/** `1.5 MiB`, `300 bytes`: sizes in messages. */
export function sizeText(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round((bytes / (1024 * 1024)) * 10) / 10} MiB` : `${bytes} bytes`;
}
