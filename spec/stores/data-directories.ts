/** Temporary data directories, removed when the tests of their file have ended; and what is in a directory. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Call once at the top of a spec file. Gives a function that makes a new empty directory. */
export function temporaryDirectories(): () => string {
  const made: string[] = [];
  afterAll(() => {
    for (const path of made) rmSync(path, { recursive: true, force: true });
  });
  return () => {
    const path = mkdtempSync(join(tmpdir(), "swarm-host-stores-"));
    made.push(path);
    return path;
  };
}

/**
 * Sizes, times, modes and bytes of the files of a directory, to see that nothing has touched them. Never call it while
 * this process has a store open there: reading a file and closing it drops the locks SQLite holds on it.
 */
export function snapshot(directory: string): Record<string, unknown> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => {
      const path = join(directory, name);
      const { size, mtimeNs, mode } = statSync(path, { bigint: true });
      return [name, { size, mtimeNs, mode, bytes: readFileSync(path).toString("base64") }];
    }),
  );
}
