/** Child processes that use a store on their own, for what one process cannot show: ownership, kills, full disks. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A script of spec/stores/children. */
export type ChildScript =
  | "hold"
  | "append-until-killed"
  | "collect-until-killed"
  | "claim-until-killed"
  | "fill-disk"
  | "open-unprivileged";

/** Where a script is. */
export function scriptPath(script: ChildScript): string {
  return fileURLToPath(new URL(`./children/${script}.ts`, import.meta.url));
}

/** A running child: its lines as they come, and its end. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Lines of standard output. Ends with it. */
  readonly lines: AsyncIterable<string>;
  /** The first line. */
  readonly said: Promise<string>;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts a script. Its standard error is ours. */
export function startChild(script: ChildScript, ...args: readonly string[]): Child {
  return watch(spawn(process.execPath, [scriptPath(script), ...args], { stdio: ["pipe", "pipe", "inherit"] }));
}

/** Starts any command in the same way. */
export function startCommand(command: string, args: readonly string[]): Child {
  return watch(spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] }));
}

function watch(child: ChildProcess): Child {
  const lines = createInterface({ input: child.stdout! });
  const said = Promise.race([once(lines, "line"), once(lines, "close")]).then(([line]) => String(line ?? ""));
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  return { process: child, pid: child.pid!, lines, said, ended };
}
