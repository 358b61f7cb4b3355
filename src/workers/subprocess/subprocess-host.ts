/**
 * The host's one door to child processes: limits, the base environment, and the helper process behind it.
 *
 * S1  The helper is started when the first child is wanted, and again for the first child after it died.
 * S2  At most `maxChildren` run at once; the others wait in a fair queue, where people can see them.
 */
import type { FairQueues, Ticket } from "../../engine/index.ts";
import { baseEnvironment } from "./environment.ts";
import { type ChildEnd, HelperLink } from "./helper-link.ts";
import type { ChildLimits, ChildOrder } from "./protocol.ts";

/** Bounds of child processes. Sizes in bytes, times in milliseconds. */
export interface SubprocessLimits extends ChildLimits {
  /** What a streaming child may print in all, in place of `stdoutBytes`. */
  readonly streamBytes: number;
  /** Longest frame of a stream. */
  readonly frameBytes: number;
  /** Children at once. */
  readonly maxChildren: number;
}

const MIB = 1024 * 1024;

/** The defaults. */
export const SUBPROCESS_LIMITS: SubprocessLimits = {
  stdoutBytes: 8 * MIB,
  stderrBytes: MIB,
  streamBytes: 64 * MIB,
  frameBytes: 16 * MIB,
  graceMs: 2_000,
  maxChildren: 64,
};

/** What a host says about its child processes. */
export interface SubprocessOptions {
  /** The host's own environment; children get the allow-listed part of it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where children run that are given no other directory. Absolute. */
  readonly cwd: string;
  /** Where those wait that would be too many, in the queue `subprocesses`. */
  readonly places: FairQueues;
  readonly limits?: Partial<SubprocessLimits>;
}

/** A child to run, without what the host decides. */
export interface ChildRequest extends Omit<ChildOrder, "limits"> {}

/** Runs child processes. */
export class SubprocessHost implements AsyncDisposable {
  readonly limits: SubprocessLimits;
  /** What every child's environment begins with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly #places: FairQueues;
  #link: HelperLink | undefined;
  #closed = false;

  constructor({ environment, cwd, places, limits }: SubprocessOptions) {
    this.environment = baseEnvironment(environment);
    this.cwd = cwd;
    this.#places = places;
    this.limits = { ...SUBPROCESS_LIMITS, ...limits };
  }

  /** Process id of the helper, where one is alive. */
  get helperPid(): number | undefined {
    return this.#link?.alive === true ? this.#link.pid : undefined;
  }

  /** Runs one child. An aborted signal stops it; the promise resolves when nothing of it is left. */
  async run(
    request: ChildRequest,
    options: {
      /** Who waits, where others are first. */
      readonly ticket: Ticket;
      readonly signal: AbortSignal;
      readonly onData?: (bytes: Uint8Array) => void;
    },
  ): Promise<ChildEnd> {
    const { stdoutBytes, streamBytes, stderrBytes, graceMs, maxChildren } = this.limits;
    const queue = this.#places.queue("subprocesses", { concurrency: maxChildren });
    const leave = await queue.wait(options.ticket, options.signal);
    if (leave === undefined) return { kind: "lost", reason: "it was given up before it started" };
    try {
      if (this.#closed) return { kind: "lost", reason: "the host is shutting down" };
      if (this.#link?.alive !== true) this.#link = new HelperLink();
      const limits = { stdoutBytes: request.streamed ? streamBytes : stdoutBytes, stderrBytes, graceMs };
      return await this.#link.run({ ...request, limits }, options);
    } finally {
      leave();
    }
  }

  /** Ends every child and the helper. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#link?.close();
  }
}
