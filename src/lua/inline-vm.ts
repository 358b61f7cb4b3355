/**
 * The inline VM: one on the calling thread, for scripts that are over before a message to another thread would arrive.
 *
 * Owns: the bound on what a script may take there, the images.
 * Does not own: which invocations are tried, and when (inline-lane.ts).
 *
 * Y1  An attempt looks at the clock after at most 100 Lua instructions, before every host function, and every 64 KiB that
 *     are read. At the first look past INLINE_MS, or past MAX_LOOKS looks whatever the clock says, it is torn off.
 * Y2  Its memory is 20 pages and never grows (N4), so what a C function can work on between two looks is some 200 KB.
 * Y3  Y1 and Y2 are no limits a script is told of: an attempt that meets them is no result, and the invocation starts anew
 *     on a thread, under its own limits. Where there is a result, it is byte for byte that of a thread.
 */
import { LRUCache } from "lru-cache";
import { LuaError } from "./error.ts";
import type { Start, StretchEnd } from "./execution.ts";
import type { LuaImage } from "./invocation.ts";
import type { LuaLimits } from "./limits.ts";
import { Overrun } from "./overrun.ts";
import type { ImageId } from "./protocol.ts";
import { LuaVm, type ScriptImage } from "./vm.ts";

/** How long an attempt may take, by the clock on the wall, in milliseconds. */
export const INLINE_MS = 2;

/** Looks at the clock of one attempt, at most. */
export const MAX_LOOKS = 2_000;

/** Images kept, of some 100 KB each. */
const MAX_IMAGES = 64;

/** What an attempt is made with. */
export interface InlineOrder {
  readonly imageId: ImageId;
  readonly image: LuaImage;
  readonly limits: LuaLimits;
  readonly nowMs: number;
  readonly start: Start;
}

/** A VM that gives up early. */
export class InlineVm {
  readonly #vm: LuaVm;
  readonly #clock: () => number;
  readonly #images = new LRUCache<ImageId, ScriptImage>({ max: MAX_IMAGES });
  /** Looks taken by the last attempt. */
  looks = 0;
  /** When the attempt under way is over; infinite while the VM does work of its own. */
  #until = Number.POSITIVE_INFINITY;

  /** `clock` tells milliseconds. */
  constructor(module: WebAssembly.Module, clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#vm = new LuaVm(module, () => this.#look(), true);
  }

  /** Bytes of the VM's memory (Y2). */
  get memoryBytes(): number {
    return this.#vm.memory.length;
  }

  /** Runs a script that has no host functions. Undefined where it took too much, or was torn off otherwise (Y3). */
  attempt(order: InlineOrder): StretchEnd | undefined {
    const script = this.#script(order);
    if (script === undefined) return undefined;
    const { limits, nowMs, start } = order;
    this.looks = 0;
    this.#until = this.#clock() + INLINE_MS;
    try {
      return this.#vm.attempt(script, { limits, nowMs, start });
    } finally {
      this.#until = Number.POSITIVE_INFINITY;
    }
  }

  #script({ imageId, image }: InlineOrder): ScriptImage | undefined {
    const known = this.#images.get(imageId);
    if (known !== undefined) return known;
    try {
      const script = this.#vm.prepare(image);
      this.#images.set(imageId, script);
      return script;
    } catch (error) {
      if (error instanceof LuaError || error instanceof Overrun) return undefined;
      throw error;
    }
  }

  #look(): boolean {
    if (this.#until === Number.POSITIVE_INFINITY) return false;
    this.looks += 1;
    if (this.looks > MAX_LOOKS || this.#clock() > this.#until) throw new Overrun();
    return false;
  }
}
