/**
 * What a thread is asked to execute and what it answers: plain data that crosses threads.
 *
 * Owns: the shapes. Does not own: executing (vm.ts), sending (protocol.ts).
 *
 * X1  A script that calls the host stops being an execution: its memory travels to the host with the call, and the
 *     answer starts a new stretch on whichever thread is free. So a waiting script holds no thread and dies with none.
 */
import type { Json } from "../flow/index.ts";
import type { LuaErrorCode, LuaErrorPlace } from "./error.ts";
import type { LuaPosition } from "./invocation.ts";
import type { LuaLimits } from "./limits.ts";
import type { MemoryImage } from "./memory-image.ts";

/** A script that waits for the host. */
export interface Parked {
  /** What it changed in its image: images of one script are the same on all threads. */
  readonly memory: MemoryImage;
  /** CPU milliseconds used so far. */
  readonly usedMs: number;
  /** Bytes printed so far. */
  readonly printedBytes: number;
  /** The last failure the script was told of: uncaught, it decides the error's code. */
  readonly told?: ToldFailure;
}

/** A failure raised in the script by the host. */
export interface ToldFailure {
  readonly code: LuaErrorCode;
  readonly message: string;
}

/** A fresh start. */
export interface Start {
  readonly globals?: Readonly<Record<string, Json>>;
  readonly seed?: string;
}

/** The host's answer to a call. */
export type Answer = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

/** One stretch to execute: from the start or from a host call's answer, to the end or to the next host call. */
export type Stretch = {
  readonly limits: LuaLimits;
  /** What the script is told the time is. */
  readonly nowMs: number;
} & ({ readonly start: Start } | { readonly parked: Parked; readonly answer: Answer });

/** A LuaError as plain data. */
export interface Failure extends LuaErrorPlace {
  readonly code: LuaErrorCode;
  readonly message: string;
}

/** How a stretch ended; `printed` is what it printed. */
export type StretchEnd = { readonly printed: readonly string[] } & (
  | {
      readonly kind: "value";
      readonly value: Json;
      readonly positions?: Readonly<Record<string, LuaPosition>>;
      readonly warnings?: readonly string[];
    }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "call"; readonly name: string; readonly argument: Json; readonly parked: Parked }
);
