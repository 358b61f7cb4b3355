/** The real command line as a child process, from its sources. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** The project's own root. */
export const PROJECT: string = fileURLToPath(new URL("../../", import.meta.url));

/** The entry, as source. */
export const MAIN: string = join(PROJECT, "src/cli/main.ts");

/** How it ended and all it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to start it. */
export interface Start extends Pick<SpawnOptions, "cwd" | "stdio" | "detached"> {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A running command line. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the whole of standard error so far, as soon as that matches; rejects when the process ends first. */
  said(pattern: RegExp): Promise<string>;
}

/** Variables every child gets: no colours, compiled sources kept between children, and no data directory of the user's. */
export function childEnvironment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { SWARM_HOST_DATA_DIR: _dataDir, FORCE_COLOR: _force, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: "1", NODE_COMPILE_CACHE: join(tmpdir(), "swarm-host-spec-compiled"), ...env };
}

/** Starts it. It is killed, group and all where it is detached, if the test ends before it does. */
export function start(args: readonly string[], options: Start = {}): Running {
  const { env, stdin, ...spawned } = options;
  const child = spawn(process.execPath, [MAIN, ...args], { ...spawned, env: childEnvironment(env) });
  let stdout = "";
  let stderr = "";
  const watchers = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const watch of [...watchers]) watch();
  });
  child.stdin?.on("error", () => {});
  if (stdin !== undefined) child.stdin?.end(stdin);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null)
      process.kill(options.detached ? -(child.pid as number) : (child.pid as number), "SIGKILL");
  });
  return {
    child,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          if (!pattern.test(stderr)) return;
          watchers.delete(watch);
          resolve(stderr);
        };
        watchers.add(watch);
        watch();
        void ended.then((end) => reject(new Error(`ended with ${end.code} before saying ${pattern}: ${end.stderr}`)));
      }),
  };
}

/** Runs it to its end. */
export function swarmHost(args: readonly string[], options: Start = {}): Promise<Ended> {
  return start(args, { stdin: "", ...options }).ended;
}
