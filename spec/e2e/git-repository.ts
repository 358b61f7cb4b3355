/** A small git repository of a test's own: no configuration of the user's has a say in it. */
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "../cli/temporary.ts";

/** One commit: its subject and the files it writes. */
export interface Commit {
  readonly subject: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Makes a repository with the commits, oldest first, a day apart, and returns its directory. */
export async function gitRepository(commits: readonly Commit[]): Promise<string> {
  const directory = await temporaryDirectory();
  const git = (at: string, ...args: readonly string[]): void => {
    const identity = ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false"];
    const env = {
      PATH: process.env["PATH"],
      HOME: directory,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_DATE: at,
      GIT_COMMITTER_DATE: at,
    };
    execFileSync("git", [...identity, ...args], { cwd: directory, env, stdio: "pipe" });
  };
  git("", "init", "-q", "-b", "main");
  for (const [day, { subject, files }] of commits.entries()) {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text);
    }
    const at = `2026-01-${String(day + 1).padStart(2, "0")}T12:00:00Z`;
    git(at, "add", "-A");
    git(at, "commit", "-q", "-m", subject);
  }
  return directory;
}
