/**
 * What the host and its helper process say to each other over their channel, and the limits of one child.
 *
 * Messages cross by structured clone; bytes stay bytes. `id` is the host's number of a child, never reused.
 */

/** Bounds of one child process. Sizes in bytes, times in milliseconds. */
export interface ChildLimits {
  /** What it may print on standard output in all; past it, it is stopped. */
  readonly stdoutBytes: number;
  /** How much of the end of its standard error is kept. */
  readonly stderrBytes: number;
  /** How long its process group has to end after SIGTERM, before SIGKILL. */
  readonly graceMs: number;
}

/** One child to start. */
export interface ChildOrder {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to standard input, then end of file. Absent: end of file at once. */
  readonly stdin?: string;
  /** Whether standard output is passed on as it comes instead of being collected. */
  readonly streamed: boolean;
  readonly limits: ChildLimits;
}

/** How a child ended. */
export interface ChildReport {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Empty where the child was streamed. */
  readonly stdout: Uint8Array;
  /** The end of it. */
  readonly stderr: Uint8Array;
  /** Bytes of standard error that were dropped before `stderr`. */
  readonly stderrDropped: number;
  /** Whether it was stopped for printing too much. */
  readonly overflow: boolean;
}

/** From host to helper. */
export type HelperRequest =
  | { readonly type: "start"; readonly id: number; readonly order: ChildOrder }
  | { readonly type: "stop"; readonly id: number };

/** From helper to host. Every `start` is answered by one `refused` or one `ended`; nothing follows that. */
export type HelperReply =
  | { readonly type: "started"; readonly id: number; readonly pid: number }
  | { readonly type: "refused"; readonly id: number; readonly code: string; readonly message: string }
  | { readonly type: "data"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "ended"; readonly id: number; readonly report: ChildReport };
