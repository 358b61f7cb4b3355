/** Checks of what a machine must have: Node.js, SQLite, git, a terminal, a data directory that can be used. */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { damageOf } from "../../store-files.ts";
import { count, usesColour } from "../style.ts";
import type { Surface } from "../surface.ts";
import { reason } from "../text-file.ts";
import type { CheckResult } from "./check.ts";

/** The oldest Node.js that works. */
const NODE_MAJOR = 24;

/** The database's file in a data directory; stores/sqlite owns the layout. */
const DATABASE_FILE = "swarm-host.db";

/** Whether this Node.js is new enough. `version` is without the `v`. */
export function checkNode(version: string): CheckResult {
  if (Number.parseInt(version, 10) >= NODE_MAJOR) return { status: "ok", detail: version };
  return { status: "fail", detail: `${version} is too old`, hint: `install Node.js ${NODE_MAJOR} or newer` };
}

/** Which SQLite there is. */
export async function checkSqlite(): Promise<CheckResult> {
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(":memory:");
  try {
    const row = db.prepare("SELECT sqlite_version() AS version").get();
    return { status: "ok", detail: String(row?.["version"]) };
  } finally {
    db.close();
  }
}

/** Whether git answers. Not every Blueprint needs it. */
export async function checkGit(env: Surface["env"]): Promise<CheckResult> {
  try {
    const { stdout } = await promisify(execFile)("git", ["--version"], { env: { ...env }, timeout: 10_000 });
    return { status: "ok", detail: stdout.trim().replace(/^git version /u, "") };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no git on the PATH" : reason(error);
    return { status: "warn", detail: why, hint: "install git: Blueprints that read a repository need it" };
  }
}

/** What kind of terminal there is. */
export function checkTerminal({ stderr, env }: Pick<Surface, "stderr" | "env">): CheckResult {
  if (stderr.isTTY !== true) return { status: "ok", detail: "none: plain lines" };
  const size = `${stderr.columns ?? "?"}x${stderr.rows ?? "?"}`;
  return {
    status: "ok",
    detail: `${env["TERM"] ?? "unknown"}, ${size}, ${usesColour(stderr, env) ? "colours" : "no colours"}`,
  };
}

/** Whether the data directory, or the nearest directory above it, can be written. */
export async function checkDataDirectory(path: string): Promise<CheckResult> {
  let nearest = path;
  for (;;) {
    try {
      const found = await stat(nearest);
      if (!found.isDirectory()) {
        return { status: "fail", detail: `${nearest} is not a directory`, hint: "choose another with --data-dir" };
      }
      await access(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
      return { status: "ok", detail: nearest === path ? `${path} can be written` : `${path} can be made` };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(nearest) === nearest) {
        return { status: "fail", detail: `${nearest}: ${reason(error)}`, hint: "choose another with --data-dir" };
      }
      nearest = dirname(nearest);
    }
  }
}

/**
 * Whether the database of a data directory is sound. Changes nothing, and may run beside a host. With `full` everything is
 * read: indexes, and what must hold between runs, journals and blobs; without, the structure alone.
 */
export async function checkDatabase(path: string, full = false): Promise<CheckResult> {
  const file = join(path, DATABASE_FILE);
  try {
    await access(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      return { status: "skip", detail: "no runs are kept there yet" };
    return { status: "fail", detail: `${file}: ${reason(error)}`, hint: "check its permissions" };
  }
  const { DatabaseSync } = await import("node:sqlite");
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    const problems = db
      .prepare("PRAGMA quick_check(5)")
      .all()
      .map((row) => String(row["quick_check"]));
    if (problems.length !== 1 || problems[0] !== "ok")
      return { status: "fail", detail: problems.join("; "), hint: RESTORE };
    const runs = count(Number(db.prepare("SELECT count(*) AS runs FROM runs").get()?.["runs"]), "run");
    if (!full) return { status: "ok", detail: `sound, ${runs}` };
    const damage = await damageOf(path);
    if (damage.length > 0) return { status: "fail", detail: damage.slice(0, 5).join("; "), hint: RESTORE };
    return { status: "ok", detail: `read whole and sound, ${runs}` };
  } catch (error) {
    return { status: "fail", detail: `${file}: ${(error as Error).message}`, hint: RESTORE };
  } finally {
    db?.close();
  }
}

const RESTORE = "restore the data directory with `swarm-host restore`, or use another with --data-dir";
