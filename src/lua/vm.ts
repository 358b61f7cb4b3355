/**
 * The VM of one thread: puts images into it and executes stretches of invocations.
 *
 * Owns: the instance, the hook, scripts' images, restoring memory before and cleaning up after a stretch.
 * Does not own: the talk with the script (stretch-run.ts), threads (thread.ts).
 *
 * V1  Every stretch starts by restoring memory: a script's image, and over it what a parked script had changed. Nothing
 *     an earlier stretch did, finished or torn off, is there.
 * V2  A stretch always ends in a StretchEnd, whatever the script does; only the thread's own death prevents it.
 * V3  What `attempt` gives is what `execute` would have given: where the script was torn off, that is for `execute` to say.
 * V4  An instance whose memory has grown is replaced: memory never shrinks, and images fit every instance (M3).
 */
import { type BaseImage, bootBase } from "./base-image.ts";
import { Budget } from "./budget.ts";
import { LuaError } from "./error.ts";
import type { Stretch, StretchEnd } from "./execution.ts";
import { messageLine, shownName, tornFailure } from "./failure.ts";
import { CallStack } from "./frames.ts";
import { Hook } from "./hook.ts";
import { LuaInstance, type NativeFunction } from "./instance.ts";
import type { LuaImage, LuaPosition } from "./invocation.ts";
import type { MemoryImage } from "./memory-image.ts";
import { ModuleFiles } from "./module-files.ts";
import { nativeFunctions, type Running } from "./natives.ts";
import { PrintLog } from "./print-log.ts";
import { JsonReader } from "./reader.ts";
import { LuaState } from "./state.ts";
import { resumeScript, startScript } from "./stretch-run.ts";
import type { LuaThread } from "./wasm.ts";
import { JsonWriter } from "./writer.ts";

/** A compiled script at rest. */
export interface ScriptImage {
  readonly kind: LuaImage["kind"];
  readonly roots: readonly string[];
  readonly memory: MemoryImage;
}

/** An instance with everything that is tied to it. */
interface Parts {
  readonly instance: LuaInstance;
  readonly state: LuaState;
  readonly stack: CallStack;
  /** Memory before any Lua state is in it. */
  readonly blank: MemoryImage;
  readonly natives: ReadonlyMap<string, number>;
  readonly hook: Hook;
  readonly marshals: Map<LuaImage["kind"], Marshal>;
}

/** How values enter and leave VMs of one kind. */
interface Marshal {
  readonly reader: JsonReader;
  readonly writer: JsonWriter;
}

/** Heap for compiling a script: many times what the largest source needs. */
const PREPARE_BYTES = 256 * 1_048_576;

/** One thread's VM. */
export class LuaVm {
  readonly #module: WebAssembly.Module;
  readonly #isConfined: boolean;
  readonly #budget: Budget;
  readonly #modules = new ModuleFiles();
  readonly #bases = new Map<LuaImage["kind"], BaseImage>();
  #parts: Parts;
  #running: Running | undefined;

  /**
   * `attend` is called every few microseconds while a script runs. It says whether the script is to stop, and may do a
   * little work of the thread's own. `confined`: the memory never grows (N4), and every host function attends first.
   */
  constructor(module: WebAssembly.Module, attend: () => boolean, confined = false) {
    this.#module = module;
    this.#isConfined = confined;
    this.#budget = new Budget(attend);
    this.#parts = this.#assemble();
  }

  /** The VM's linear memory, to be looked at (V1). */
  get memory(): Buffer {
    return this.#parts.instance.bytes;
  }

  /** Compiles a script into an image of its own. Throws LuaError: `lua_syntax` mostly. */
  prepare(image: LuaImage): ScriptImage {
    const base = this.#base(image.kind);
    const { state, instance } = this.#parts;
    instance.memory.restore(base.memory);
    instance.heapLimit = PREPARE_BYTES;
    instance.forgiveHeap();
    this.#budget.open(Number.MAX_SAFE_INTEGER, 0, performance.now());
    try {
      for (const name of image.host) {
        state.pushKept(base.main, base.kept.grant);
        state.pushString(base.main, name);
        state.exports.lua_callk(base.main, 1, 0, 0, 0);
      }
      state.compile(base.root, image.source, `@${image.chunkName}`);
      return { kind: image.kind, roots: image.roots ?? [], memory: instance.memory.capture() };
    } catch (error) {
      if (!(error instanceof LuaError)) throw error;
      const line = messageLine(error.message, shownName(image.chunkName));
      throw new LuaError(error.code, error.message, { chunk: image.chunkName, ...(line !== undefined && { line }) });
    } finally {
      this.#replaceGrown();
    }
  }

  /** Executes one stretch (V1, V2). */
  execute(script: ScriptImage, stretch: Stretch): StretchEnd {
    return this.#perform(script, stretch, (error, printed) => {
      const { stack, hook } = this.#parts;
      const failure = tornFailure(error, stack, hook.thread === 0 ? this.#base(script.kind).root : hook.thread);
      return { kind: "failure", failure, printed };
    });
  }

  /** As `execute`, but undefined where the script was torn off, whatever the reason (V3). */
  attempt(script: ScriptImage, stretch: Stretch): StretchEnd | undefined {
    return this.#perform(script, stretch, () => undefined);
  }

  #perform<T>(
    script: ScriptImage,
    stretch: Stretch,
    torn: (error: unknown, printed: readonly string[]) => T,
  ): StretchEnd | T {
    const base = this.#base(script.kind);
    const { state, stack, instance } = this.#parts;
    const parked = "parked" in stretch ? stretch.parked : undefined;
    const now = performance.now();
    const running = this.#begin(script, stretch, now);
    const ground = { state, stack, budget: this.#budget, base, image: script.memory, running };
    try {
      instance.memory.restore(script.memory, parked?.memory);
      this.#budget.open(stretch.limits.cpuMs, parked?.usedMs ?? 0, now);
      return "parked" in stretch ? resumeScript(ground, stretch.answer) : startScript(ground, stretch.start);
    } catch (error) {
      return torn(error, running.log.take());
    } finally {
      this.#running = undefined;
      this.#replaceGrown();
    }
  }

  #begin(script: ScriptImage, stretch: Stretch, now: number): Running {
    const { instance, hook } = this.#parts;
    const { limits, nowMs } = stretch;
    const parked = "parked" in stretch ? stretch.parked : undefined;
    const { reader, writer } = this.#marshal(script.kind);
    const log = new PrintLog(limits.outputBytes, parked?.printedBytes ?? 0);
    const running: Running = { limits, nowMs, log, roots: script.roots, reader, writer };
    if (parked?.told !== undefined) running.told = parked.told;
    // What host functions make outside VM memory is bounded by it, too.
    instance.heapLimit = this.#isConfined ? Math.min(limits.memoryBytes, this.memory.length) : limits.memoryBytes;
    hook.reset(now);
    this.#running = running;
    return running;
  }

  #replaceGrown(): void {
    if (this.#parts.instance.grown) this.#parts = this.#assemble();
  }

  #marshal(kind: LuaImage["kind"]): Marshal {
    const { state, marshals, hook } = this.#parts;
    let marshal = marshals.get(kind);
    if (marshal === undefined) {
      const { markers, markerPointers, kept } = this.#base(kind);
      const { places } = kept;
      const reader = new JsonReader(state, {
        arrayMarker: markerPointers.array,
        objectMarker: markerPointers.object,
        emptyIsArray: kind === "authoring",
        tick: () => hook.tick(),
        ...(places !== undefined && { positionOf: (L) => positionOf(state, L, places) }),
      });
      marshal = { reader, writer: new JsonWriter(state, markers, kind === "authoring") };
      marshals.set(kind, marshal);
    }
    return marshal;
  }

  #base(kind: LuaImage["kind"]): BaseImage {
    let base = this.#bases.get(kind);
    if (base === undefined) {
      const { state, instance, blank, natives, hook } = this.#parts;
      instance.memory.restore(blank);
      instance.heapLimit = Number.MAX_SAFE_INTEGER;
      this.#budget.open(Number.MAX_SAFE_INTEGER, 0, performance.now());
      base = bootBase(state, kind, natives, hook);
      this.#bases.set(kind, base);
    }
    return base;
  }

  #assemble(): Parts {
    const instance = new LuaInstance(this.#module, this.#isConfined);
    const state = new LuaState(instance);
    const stack = new CallStack(state);
    const hook = new Hook(instance, stack, this.#budget);
    const indices = new Map<string, number>();
    const functions = nativeFunctions({
      state,
      modules: this.#modules,
      running: () => this.#running as Running,
      tick: () => hook.tick(),
      place: (L) => stack.caller(L) ?? hook.lastLine,
      indexOf: (name) => indices.get(name) as number,
    });
    const attending = (run: NativeFunction): NativeFunction => {
      return (L) => {
        hook.tick();
        return run(L);
      };
    };
    const natives = this.#isConfined ? [...functions.values()].map(attending) : [...functions.values()];
    const table = instance.addNatives(natives, (L, record) => hook.call(L, record));
    hook.index = table.hook;
    [...functions.keys()].forEach((name, i) => {
      indices.set(name, table.functions[i] as number);
    });
    return {
      instance,
      state,
      stack,
      blank: instance.memory.capture(),
      natives: indices,
      hook,
      marshals: new Map(),
    };
  }
}

/** Where the table on top of the stack was made: sandbox/require.lua keeps `<line>:<file>`. */
function positionOf(state: LuaState, L: LuaThread, places: bigint): LuaPosition | undefined {
  const { exports } = state;
  state.pushKept(L, places);
  exports.lua_pushvalue(L, -2);
  exports.lua_rawget(L, -2);
  const text = state.display(L, -1);
  exports.lua_settop(L, -3);
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { line: Number(text.slice(0, colon)), file: text.slice(colon + 1) };
}
