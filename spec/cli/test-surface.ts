/** A Surface in memory: what a command writes is kept, signals are sent by hand, time stands still. */
import { Readable, Writable } from "node:stream";
import { runCli } from "../../src/cli/cli.ts";
import type { CancelSignal } from "../../src/cli/exit-code.ts";
import type { Output } from "../../src/cli/style.ts";
import type { Surface } from "../../src/cli/surface.ts";

/** An output that keeps its text. */
export class TextOutput extends Writable {
  text = "";
  isTTY?: boolean;
  columns?: number;
  rows?: number;

  constructor(terminal?: { readonly columns: number; readonly rows: number }) {
    super({ decodeStrings: false });
    if (terminal !== undefined) Object.assign(this, terminal, { isTTY: true });
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Thrown where the process would have ended. */
export class ExitedNow extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exited with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** A Surface and the strings to pull. */
export interface TestSurface extends Surface {
  readonly stdout: TextOutput & Output;
  readonly stderr: TextOutput & Output;
  send(signal: CancelSignal): void;
  /** How many listen for signals. */
  readonly listeners: number;
}

/** What differs from an empty, plain surface. */
export interface SurfaceOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly terminal?: { readonly columns: number; readonly rows: number };
}

/** A new surface. */
export function testSurface(options: SurfaceOptions = {}): TestSurface {
  const listeners = new Set<(signal: CancelSignal) => void>();
  return {
    stdout: new TextOutput(),
    stderr: new TextOutput(options.terminal),
    stdin: Readable.from(options.stdin === undefined ? [] : [options.stdin]),
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.env },
    cwd: options.cwd ?? process.cwd(),
    now: () => 0,
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exitNow(code) {
      throw new ExitedNow(code);
    },
    send(signal) {
      for (const listener of [...listeners]) listener(signal);
    },
    get listeners() {
      return listeners.size;
    },
  };
}

/** What a command came to. */
export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process. */
export async function cli(args: readonly string[], options: SurfaceOptions = {}): Promise<Ran> {
  const surface = testSurface(options);
  const exit = await runCli(surface, args);
  return { exit, stdout: surface.stdout.text, stderr: surface.stderr.text };
}
