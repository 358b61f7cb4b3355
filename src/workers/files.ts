/**
 * The files workers write: step outputs below a root that the launch names, and scratch files for child processes.
 *
 * Owns: the port, and its implementation on node:fs.
 * Does not own: what is written where (projection.ts, subprocess/launch.ts).
 *
 * W1  A file appears complete or not at all: temporary file, then rename.
 * W2  Nothing is written outside the root: below it no component may be a symbolic link, and the last one is replaced,
 *     never followed.
 */
import { randomUUID } from "node:crypto";
import { lstat, mkdir, mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";

/** A file that is removed when it is disposed. */
export interface ScratchFile extends AsyncDisposable {
  readonly path: string;
}

/** What workers need of the file system. Methods reject with what the file system says. */
export interface WorkerFiles {
  /** Writes `<root>/<path>`, creating directories below the root (W1, W2). `path` is relative, with `/`. */
  write(root: string, path: string, text: string): Promise<void>;
  /** Writes a file that only this user can read, in a directory of its own. */
  scratch(name: string, text: string): Promise<ScratchFile>;
}

/** The port on node:fs. `scratchRoot` is made where it does not exist; the operating system's directory will do. */
export function nodeFiles({ scratchRoot }: { readonly scratchRoot: string }): WorkerFiles {
  return {
    async write(root, path, text) {
      if (!isAbsolute(root)) throw new Error(`the root '${root}' is not an absolute path`);
      const components = path.split("/");
      const name = components.pop();
      if (name === undefined || !isName(name) || !components.every(isName))
        throw new Error(`'${path}' is not a path below the root`);
      let directory = await realpath(root);
      for (const component of components) {
        directory = join(directory, component);
        await ensureDirectory(directory);
      }
      await replaceFile(join(directory, name), text);
    },
    async scratch(name, text) {
      await mkdir(scratchRoot, { recursive: true, mode: 0o700 });
      const directory = await mkdtemp(join(scratchRoot, "swarm-host-"));
      const path = join(directory, basename(name));
      await writeFile(path, text, { mode: 0o600, flag: "wx" });
      return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
    },
  };
}

function isName(component: string): boolean {
  return component !== "" && component !== "." && component !== ".." && !component.includes("\0");
}

async function ensureDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    const found = await lstat(path);
    if (!found.isDirectory())
      throw new Error(`'${path}' is a ${found.isSymbolicLink() ? "symbolic link" : "file"}, not a directory`);
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(path, "..", `.tmp-${randomUUID()}`);
  try {
    await writeFile(temporary, text, { flag: "wx" });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}
