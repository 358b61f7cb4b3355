/**
 * A command that does a step: the step's payload on its standard input, the answer on its standard output.
 *
 * Owns: the process, its surroundings, and how its end becomes an answer. Does not own: fetching and submitting.
 *
 *   exit 0          pass, with what it printed
 *   any other end   blocked, with `{raw, stderr, exit_code | signal}`
 *
 * X1  It runs in a process group of its own, which ends with it, or when the step needs nothing any more: SIGTERM, and
 *     SIGKILL after GRACE_MS.
 * X2  What it prints is bounded: one that prints more is ended, and the step is blocked.
 */
import { spawn } from "node:child_process";
import type { WorkerAnswer } from "../../client/index.ts";
import type { Json } from "../../flow/index.ts";
import type { Environment } from "../style.ts";

/** How long a command has to end when it is told to, in milliseconds. */
const GRACE_MS = 5_000;
/** Most bytes of an answer: what the host takes as one body. */
const MAX_ANSWER = 2 * 1024 * 1024;
/** Bytes of standard error that are kept: its end. */
const STDERR_KEPT = 16 * 1024;

/** A command and its surroundings. */
export interface StepCommand {
  /** A shell command line, or a program and its arguments. */
  readonly command: string | readonly [program: string, ...args: string[]];
  readonly env: Environment;
  readonly cwd: string;
  /** Aborted: the step needs nothing any more. */
  readonly signal: AbortSignal;
  /** Shown as it comes. */
  readonly stderr: NodeJS.WritableStream;
}

/** Runs the command. Rejects where it cannot be started. */
export async function runStepCommand(
  { command, env, cwd, signal, stderr }: StepCommand,
  payload: Json,
): Promise<WorkerAnswer> {
  const [program, ...args] = typeof command === "string" ? ["sh", "-c", command] : command;
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const ended = Promise.withResolvers<{ readonly code: number | null; readonly signal: string | null }>();
  child.once("error", ended.reject);
  child.once("close", (code, endedBy) => ended.resolve({ code, signal: endedBy }));
  const kill = (how: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch {
      // The group is gone already.
    }
  };
  let last: NodeJS.Timeout | undefined;
  const stop = (): void => {
    kill("SIGTERM");
    last ??= setTimeout(() => kill("SIGKILL"), GRACE_MS);
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const printed: Buffer[] = [];
  let bytes = 0;
  let kept = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_ANSWER) printed.push(chunk);
    else stop();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr.write(chunk);
    kept = Buffer.concat([kept, chunk]).subarray(-STDERR_KEPT);
  });
  // A command that does not read its input is fine.
  child.stdin.on("error", () => {});
  child.stdin.end(`${JSON.stringify(payload)}\n`);
  try {
    const { code, signal: endedBy } = await ended.promise;
    const text = Buffer.concat(printed).toString("utf8").trimEnd();
    if (bytes > MAX_ANSWER) return blocked({ error: `it printed more than ${MAX_ANSWER} bytes` });
    if (code === 0) return { answer: { text } };
    const how = endedBy === null ? { exit_code: code } : { signal: endedBy };
    return blocked({ raw: text, stderr: kept.toString("utf8"), ...how });
  } finally {
    clearTimeout(last);
    signal.removeEventListener("abort", stop);
    // What it left behind in its group goes with it.
    kill("SIGKILL");
  }
}

function blocked(value: Json): WorkerAnswer {
  return { answer: { value }, verdict: "blocked" };
}
