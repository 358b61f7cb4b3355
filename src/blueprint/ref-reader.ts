/**
 * Looks refs up in the cascade and reads what they name, once each, within limits.
 */
import { createHash } from "node:crypto";
import { isAbsolute, join, win32 } from "node:path";
import type { Diagnostic } from "./diagnostic.ts";
import { type DocumentFiles, decodeText, type FileRead, sizeText } from "./document-files.ts";
import { describeDirectory, type IncludeDirectory, isBelow } from "./include-cascade.ts";
import { diagnose, type LintKind } from "./lint-registry.ts";

/** Bounds on what refs may read. */
export interface RefLimits {
  /** Bytes of one file. Default 1 MiB. */
  readonly maxFileBytes: number;
  /** Bytes of all files together, each counted once. Default 16 MiB. */
  readonly maxTotalBytes: number;
  /** Refs in one document. Default 10 000. */
  readonly maxRefs: number;
}

/** What holds where nothing is said. */
export const refLimits: RefLimits = Object.freeze({
  maxFileBytes: 1024 * 1024,
  maxTotalBytes: 16 * 1024 * 1024,
  maxRefs: 10_000,
});

/** A file a ref names. */
export interface RefFile {
  /** Where it was found: the include directory as it was named, and the ref. */
  readonly path: string;
  readonly directory: IncludeDirectory;
  readonly text: string;
  readonly bytes: number;
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
}

/** Why a ref could not be read. */
export interface RefFailure {
  readonly kind: LintKind;
  readonly message: string;
  readonly notes?: readonly string[];
  readonly help?: string;
}

/** Reads refs of one document. */
export class RefReader {
  readonly #files: DocumentFiles;
  readonly #directories: readonly IncludeDirectory[];
  readonly #limits: RefLimits;
  readonly #known = new Map<string, RefFile | RefFailure>();
  #total = 0;

  constructor(files: DocumentFiles, directories: readonly IncludeDirectory[], limits: RefLimits) {
    this.#files = files;
    this.#directories = directories;
    this.#limits = limits;
  }

  /** The file `ref` names, or why there is none. The same ref is read once. */
  async read(ref: string): Promise<RefFile | RefFailure> {
    const known = this.#known.get(ref);
    if (known !== undefined) return known;
    const found = refProblem(ref) ?? (await this.#lookUp(ref));
    this.#known.set(ref, found);
    return found;
  }

  async #lookUp(ref: string): Promise<RefFile | RefFailure> {
    const searched: string[] = [];
    for (const directory of this.#directories) {
      const read = await this.#files.read(join(directory.realPath, ref), this.#limits.maxFileBytes);
      if (read.kind !== "missing" && read.kind !== "not_a_file") return this.#judge(ref, directory, read);
      const where = describeDirectory(directory);
      searched.push(read.kind === "missing" ? where : `${where}: not a file there`);
    }
    return {
      kind: "unresolved-ref",
      message: `${ref} is in no include directory`,
      notes: searched.length === 0 ? ["no directory was searched"] : searched.map((where) => `searched ${where}`),
      help: "put the file there, or name its directory with --include or SWARM_HOST_INCLUDES",
    };
  }

  #judge(
    ref: string,
    directory: IncludeDirectory,
    read: Exclude<FileRead, { kind: "missing" | "not_a_file" }>,
  ): RefFile | RefFailure {
    const path = join(directory.path, ref);
    if (read.kind === "unreadable")
      return { kind: "unreadable-ref", message: `${path} cannot be read: ${read.reason}` };
    if (!isBelow(read.realPath, directory.realPath)) {
      const help = "copy the file there instead of linking to it, or make its own directory an include directory";
      return { kind: "ref-escapes", message: `${path} leads out of ${describeDirectory(directory)}`, help };
    }
    if (read.kind === "too_large") {
      const { maxFileBytes } = this.#limits;
      return {
        kind: "limit-exceeded",
        message: `${path} has ${sizeText(read.size)}; a ref may have ${sizeText(maxFileBytes)}`,
      };
    }
    const text = decodeText(read.bytes);
    if (text === undefined) return { kind: "unreadable-ref", message: `${path} is no UTF-8 text` };
    this.#total += read.bytes.length;
    if (this.#total > this.#limits.maxTotalBytes) {
      const allowed = sizeText(this.#limits.maxTotalBytes);
      return { kind: "limit-exceeded", message: `with ${path} the refs of this document have more than ${allowed}` };
    }
    const sha256 = createHash("sha256").update(read.bytes).digest("hex");
    return { path, directory, text, bytes: read.bytes.length, sha256 };
  }
}

/** What is wrong with a ref before any lookup. Both separators count on every system: documents travel. */
function refProblem(ref: string): RefFailure | undefined {
  const problem =
    ref === ""
      ? "is empty"
      : ref.includes("\0")
        ? "contains a NUL character"
        : isAbsolute(ref) || win32.isAbsolute(ref) || /^[a-zA-Z]:/.test(ref)
          ? "is absolute"
          : ref.split(/[/\\]/).includes("..")
            ? "climbs out with `..`"
            : undefined;
  if (problem === undefined) return undefined;
  return {
    kind: "invalid-ref",
    message: `the ref \`${ref.slice(0, 200)}\` ${problem}`,
    help: "write a path relative to an include directory",
  };
}

/** The diagnostic of a failure at the ref's place. */
export function refDiagnostic(failure: RefFailure, pointer: string): Diagnostic {
  const { kind, ...finding } = failure;
  return diagnose(kind, { stage: "link", pointer, ...finding });
}
