/**
 * The hook: what Lua calls every so many instructions, and, for authoring scripts, at every line.
 *
 * Owns: when limits are checked while a script runs, and the last line seen.
 * Does not own: the limits themselves (budget.ts, instance.ts).
 *
 * K1  Coroutines inherit the hook of the coroutine that makes them, and the root has it: no script code runs without it.
 * K2  It does not run inside C functions; those a script can reach are either quick for the memory they work on, or host
 *     functions that call `tick` themselves, or Lua (sandbox/table.lua).
 */
import type { Budget } from "./budget.ts";
import { LuaError } from "./error.ts";
import type { CallStack, ScriptPlace } from "./frames.ts";
import type { LuaInstance } from "./instance.ts";
import { HOOK_COUNTERS, LUA_MASK, type LuaThread, STACK_FIELDS } from "./wasm.ts";

/**
 * Instructions between two calls: some microseconds. The same in every VM, because the hook takes a script's stack to
 * grow a little sooner, which shows in the addresses that `tostring` tells.
 */
export const INSTRUCTIONS = 100;

/** Where INSTRUCTIONS take this long, each is large, and the hook is called at every one until that passes. */
const SLOW_MS = 3;

/** Largest Lua stack, at 16 bytes a slot: some 100 000 nested calls. Lua's own limit would take far more memory. */
const MAX_STACK_BYTES = 4 * 1_048_576;

/** `lua_Debug.event` of a line hook. */
const LINE_EVENT = 2;

/** The hook of one instance. */
export class Hook {
  readonly #instance: LuaInstance;
  readonly #stack: CallStack;
  readonly #budget: Budget;
  /** Index in the function table; known only after the function is in it. */
  index = 0;
  /** The coroutine the hook was called in last; 0 before the first call. */
  thread: LuaThread = 0;
  /** The last line of the script, where lines are watched. */
  lastLine: ScriptPlace | undefined;
  #calledAt = 0;
  /** The coroutine whose every instruction is watched. */
  #slowed: LuaThread = 0;

  constructor(instance: LuaInstance, stack: CallStack, budget: Budget) {
    this.#instance = instance;
    this.#stack = stack;
    this.#budget = budget;
  }

  /** Sets the hook on a coroutine, with line events where `lines`. */
  set(L: LuaThread, lines: boolean): void {
    const mask = lines ? LUA_MASK.count | LUA_MASK.line : LUA_MASK.count;
    this.#instance.exports.lua_sethook(L, this.index, mask, INSTRUCTIONS);
  }

  /** Starts anew: before each stretch. `now` is `performance.now()`. */
  reset(now: number): void {
    this.#instance.forgiveHeap();
    this.thread = 0;
    this.lastLine = undefined;
    this.#slowed = 0;
    this.#calledAt = now;
  }

  /** What Lua calls. */
  call(L: LuaThread, record: number): void {
    if (this.#instance.words[record >> 2] === LINE_EVENT) {
      this.lastLine = this.#stack.hooked(L, record) ?? this.lastLine;
      return;
    }
    this.thread = L;
    this.#instance.forgiveHeap();
    const before = this.#calledAt;
    this.tick();
    this.#checkDepth(L);
    if (this.#calledAt - before > SLOW_MS !== (this.#slowed === L)) this.#changePace(L);
  }

  /** Checks the limits; throws where the script is to stop. For the hook and for host functions that take long. */
  tick(): void {
    this.#calledAt = performance.now();
    this.#instance.checkHeap();
    this.#budget.check(this.#calledAt);
  }

  #checkDepth(L: LuaThread): void {
    const { words } = this.#instance;
    const size = (words[(L + STACK_FIELDS.end) >> 2] as number) - (words[(L + STACK_FIELDS.start) >> 2] as number);
    if (size > MAX_STACK_BYTES) {
      throw new LuaError(
        "lua_depth_limit",
        "the script's calls are nested too deeply: a function may call itself for ever",
      );
    }
  }

  /** Writes the interval where `lua_sethook` keeps it, because that function walks the whole call stack. */
  #changePace(L: LuaThread): void {
    const slow = this.#slowed !== L;
    this.#slowed = slow ? L : 0;
    for (const offset of HOOK_COUNTERS) this.#instance.words[(L + offset) >> 2] = slow ? 1 : INSTRUCTIONS;
  }
}
