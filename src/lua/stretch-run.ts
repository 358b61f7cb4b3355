/**
 * One stretch of an invocation on a VM whose memory has been restored: start or resume, then whatever comes of it.
 *
 * Owns: the conversation with the script's root coroutine.
 * Does not own: restoring memory, limits, what tears a script off (vm.ts).
 */
import type { Json } from "../flow/index.ts";
import type { BaseImage } from "./base-image.ts";
import type { Budget } from "./budget.ts";
import { LuaError } from "./error.ts";
import type { Answer, Failure, Start, StretchEnd } from "./execution.ts";
import { raisedFailure } from "./failure.ts";
import type { CallStack } from "./frames.ts";
import type { LuaPosition } from "./invocation.ts";
import type { MemoryImage } from "./memory-image.ts";
import type { Running } from "./natives.ts";
import type { Reading } from "./reader.ts";
import { seedIntegers } from "./seed.ts";
import type { LuaState } from "./state.ts";
import { LUA_STATUS, LUA_TYPE, type LuaThread } from "./wasm.ts";

/** What a stretch needs of the VM. */
export interface StretchGround {
  readonly state: LuaState;
  readonly stack: CallStack;
  readonly budget: Budget;
  readonly base: BaseImage;
  /** The script's image, which its memory was restored from. */
  readonly image: MemoryImage;
  readonly running: Running;
}

/** Runs a script from its beginning. */
export function startScript(ground: StretchGround, start: Start): StretchEnd {
  const { state, base, running } = ground;
  const { exports } = state;
  const { main, kept } = base;
  state.pushKept(main, kept.globals);
  for (const [name, value] of Object.entries(start.globals ?? {})) {
    state.pushString(main, name);
    running.writer.push(main, value, `global ${name}`, running.limits.maxDepth);
    exports.lua_rawset(main, -3);
  }
  exports.lua_settop(main, -2);
  if (start.seed !== undefined) {
    state.pushKept(main, kept.randomSeed);
    for (const integer of seedIntegers(start.seed)) exports.lua_pushinteger(main, integer);
    exports.lua_callk(main, 2, 0, 0, 0);
  }
  return settle(ground, exports.lua_resume(base.root, main, 0, state.cell));
}

/** Lets a parked script go on with the host's answer. */
export function resumeScript(ground: StretchGround, answer: Answer): StretchEnd {
  return settle(ground, answerCall(ground, answer));
}

function answerCall({ state, base, running }: StretchGround, answer: Answer): number {
  const { exports } = state;
  exports.lua_checkstack(base.root, 4);
  exports.lua_pushboolean(base.root, answer.ok ? 1 : 0);
  if (answer.ok) {
    running.writer.push(base.root, answer.value, "the host's answer", running.limits.maxDepth);
  } else {
    running.told = { code: "lua_host", message: answer.message };
    state.pushString(base.root, answer.message);
  }
  return exports.lua_resume(base.root, base.main, 2, state.cell);
}

/** Makes a StretchEnd of what `lua_resume` came back with. */
function settle(ground: StretchGround, resumed: number): StretchEnd {
  const { state, base, running } = ground;
  let status = resumed;
  while (status === LUA_STATUS.yield) {
    // What is yielded is (a tag, the host function's name, its argument): sandbox/coroutine.lua lets nothing else out.
    const below = state.exports.lua_gettop(base.root) - 3;
    const name = state.text(base.root, -2);
    const argument = readArgument(ground, name);
    state.exports.lua_settop(base.root, below);
    if (!(argument instanceof LuaError)) return park(ground, name, argument);
    status = answerCall(ground, { ok: false, message: argument.message });
  }
  if (status === LUA_STATUS.ok) return finish(ground);
  return { kind: "failure", failure: raised(ground, status), printed: running.log.take() };
}

function bounds(running: Running, subject: string): Reading {
  return { subject, maxDepth: running.limits.maxDepth, maxBytes: running.limits.outputBytes };
}

/** The argument of a host call, or why it cannot leave the VM: the script is told. */
function readArgument({ base, running }: StretchGround, name: string): Json | LuaError {
  try {
    return running.reader.read(base.root, -1, bounds(running, `the argument of host.${name}`));
  } catch (error) {
    if (error instanceof LuaError) return error;
    throw error;
  }
}

function park({ state, budget, image, running }: StretchGround, name: string, argument: Json): StretchEnd {
  const parked = {
    usedMs: budget.usedMs(),
    memory: state.instance.memory.capture(image),
    printedBytes: running.log.bytes,
    ...(running.told !== undefined && { told: running.told }),
  };
  return { kind: "call", name, argument, parked, printed: running.log.take() };
}

function finish(ground: StretchGround): StretchEnd {
  const { state, base, running } = ground;
  const { reader, log } = running;
  const count = state.cellValue;
  const reading = bounds(running, "the result");
  if (base.kept.warnings === undefined) {
    const value = count === 0 ? null : reader.read(base.root, -count, reading);
    return { kind: "value", value, printed: log.take() };
  }
  const positions = new Map<string, LuaPosition>();
  const value = count === 0 ? null : reader.read(base.root, -count, { ...reading, positions });
  const warnings = authoringWarnings(ground, base.kept.warnings);
  return { kind: "value", value, positions: Object.fromEntries(positions), warnings, printed: log.take() };
}

/** What the authoring modules noted (sandbox/require.lua). */
function authoringWarnings(ground: StretchGround, kept: bigint): readonly string[] {
  const { state, base, running } = ground;
  state.pushKept(base.main, kept);
  if (state.exports.lua_pcallk(base.main, 0, 1, 0, 0, 0) !== LUA_STATUS.ok) {
    throw new LuaError("lua_error", `the authoring modules failed to tell their warnings: ${describe(ground)}`);
  }
  const value = running.reader.read(base.main, -1, bounds(running, "the authoring warnings"));
  return Array.isArray(value) ? value.map((item) => (typeof item === "string" ? item : JSON.stringify(item))) : [];
}

function raised(ground: StretchGround, status: number): Failure {
  const { state, stack, base, running } = ground;
  state.exports.lua_xmove(base.root, base.main, 1);
  const value = errorTable(ground, base.main);
  const message = describe(ground);
  return raisedFailure({ status, message, told: running.told, value }, stack, base.root);
}

/** The error value on top of the stack as JSON where it is a table that JSON can carry; its message is kept anyway. */
function errorTable({ state, running }: StretchGround, L: LuaThread): Json | undefined {
  if (state.exports.lua_type(L, -1) !== LUA_TYPE.table) return undefined;
  const top = state.exports.lua_gettop(L);
  try {
    return running.reader.read(L, -1, bounds(running, "the error"));
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    state.exports.lua_settop(L, top);
    return undefined;
  }
}

/** Takes an error value off the main stack and puts it in words, which may run the script's `__tostring`. */
function describe({ state, base }: StretchGround): string {
  const { exports } = state;
  state.pushKept(base.main, base.kept.describe);
  exports.lua_rotate(base.main, -2, 1);
  exports.lua_pcallk(base.main, 1, 1, 0, 0, 0);
  const message = state.display(base.main, -1);
  exports.lua_settop(base.main, -2);
  return message;
}
