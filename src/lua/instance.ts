/**
 * An instance of the Lua module: its imports, its memory views, its heap limit and the host functions scripts call.
 *
 * Owns: everything that crosses between WebAssembly and JavaScript.
 * Does not own: Lua values (state.ts), what the host functions do (natives are given).
 *
 * N1  The module reaches nothing: no file, no clock, no environment. Every system call answers "not implemented".
 * N2  A JavaScript exception thrown by an import unwinds through all of Lua, pcall and coroutines included, because
 *     `invoke_vii` lets only Lua's own long jump end at a pcall. Afterwards the instance is fit only to be restored.
 * N3  The heap never grows past `heapLimit`. The first refusal since the last `forgiveHeap` answers "no memory", which
 *     makes Lua collect its garbage and try again; the second ends the invocation, so a script cannot catch it for ever.
 * N4  A confined instance never grows at all: the first time it would have to ends the invocation with an Overrun.
 */
import { LuaError } from "./error.ts";
import { RestingMemory } from "./memory-image.ts";
import { adaptNatives } from "./native-adapter.ts";
import { Overrun } from "./overrun.ts";
import { BREAK_POINTER, HEAP_BASE, type LuaExports, type LuaThread } from "./wasm.ts";

/** A host function called from Lua: reads its arguments from `L`, pushes its results, returns how many. */
export type NativeFunction = (L: LuaThread) => number;

/** What `lua_sethook` calls. `record` is a `lua_Debug*`. */
export type NativeHook = (L: LuaThread, record: number) => void;

/** Indices into the instance's function table, as `lua_pushcclosure` and `lua_sethook` take them. */
export interface NativeTable {
  readonly functions: readonly number[];
  readonly hook: number;
}

const NOT_IMPLEMENTED = -52;
const WASM_PAGE = 65_536;

/** Memory of an instance that is not confined, from its start: most scripts never need it to grow. */
const ROOMY_BYTES = 16 * 1_048_576;

/** Least growth of the memory: each growth replaces the views, so it is done seldom. */
const GROWTH_STEP = 1_048_576;

/** Lua's long jump on its way to the pcall that stops it. */
class LongJump extends Error {}
const LONG_JUMP = new LongJump("a Lua error left its VM");

/** One VM's worth of WebAssembly. Not re-entrant: one thread of control at a time. */
export class LuaInstance {
  readonly exports: LuaExports;
  /** The memory, at rest. */
  readonly memory: RestingMemory;
  /** Views of the memory; replaced whenever it grows, so never kept. */
  bytes: Buffer = Buffer.alloc(0);
  words: Uint32Array = new Uint32Array(0);
  /** Largest heap in bytes (N3). */
  heapLimit = Number.MAX_SAFE_INTEGER;
  #refused = false;
  readonly #isConfined: boolean;
  readonly #initialPages: number;

  /** `confined`: with the module's first pages and no more (N4). */
  constructor(module: WebAssembly.Module, confined = false) {
    this.#isConfined = confined;
    const instance = new WebAssembly.Instance(module, this.#imports());
    this.exports = instance.exports as unknown as LuaExports;
    this.memory = new RestingMemory(this.exports, (size) => this.#grow(size));
    this.#refreshViews();
    if (!confined) this.#grow(ROOMY_BYTES);
    this.#initialPages = this.bytes.length / WASM_PAGE;
    this.exports.emscripten_stack_init();
    this.exports.__wasm_call_ctors();
  }

  /** Bytes the heap takes at the moment. */
  get heapBytes(): number {
    return (this.words[BREAK_POINTER >> 2] as number) - HEAP_BASE;
  }

  /** Whether the memory has grown since the instance was made. It never shrinks again: such an instance is replaced. */
  get grown(): boolean {
    return this.bytes.length / WASM_PAGE > this.#initialPages;
  }

  /** Lets the heap be refused once more before the invocation ends (N3). */
  forgiveHeap(): void {
    this.#refused = false;
  }

  /** Ends the invocation where the heap is over its limit (memory the instance had from the start is not refused). */
  checkHeap(): void {
    if (this.heapBytes > this.heapLimit) throw this.outOfMemory();
  }

  /** Adds host functions to the function table, always in the order given (M3). */
  addNatives(functions: readonly NativeFunction[], hook: NativeHook): NativeTable {
    const table = this.exports.__indirect_function_table;
    const adapted = adaptNatives(functions, hook);
    const first = table.grow(adapted.length);
    adapted.forEach((entry, i) => {
      table.set(first + i, entry);
    });
    return { functions: functions.map((_, i) => first + i), hook: first + functions.length };
  }

  /** The error that says the heap is at its limit. */
  outOfMemory(): LuaError {
    return new LuaError(
      "lua_memory_limit",
      `the script needs more than its ${this.heapLimit} bytes of memory: keep less at a time, or raise memoryBytes`,
    );
  }

  #refreshViews(): void {
    this.bytes = Buffer.from(this.exports.memory.buffer);
    this.words = new Uint32Array(this.exports.memory.buffer);
  }

  /** Answers sbrk: the memory is to have `size` bytes (N3). */
  #resize(size: number): number {
    if (this.#isConfined) throw new Overrun();
    if (size - HEAP_BASE > this.heapLimit) {
      if (this.#refused) throw this.outOfMemory();
      this.#refused = true;
      return 0;
    }
    this.#grow(Math.max(size, Math.min(HEAP_BASE + this.heapLimit, this.bytes.length + GROWTH_STEP)));
    return 1;
  }

  #grow(size: number): void {
    try {
      this.exports.memory.grow(Math.ceil((size - this.bytes.length) / WASM_PAGE));
    } catch {
      throw this.outOfMemory();
    }
    this.#refreshViews();
  }

  #imports(): WebAssembly.Imports {
    const absent = () => NOT_IMPLEMENTED;
    const targets: ((a: number, b: number) => void)[] = [];
    return {
      env: {
        invoke_vii: (index: number, a: number, b: number) => {
          const { exports } = this;
          const stack = exports.stackSave();
          targets[index] ??= exports.__indirect_function_table.get(index) as (a: number, b: number) => void;
          try {
            targets[index](a, b);
          } catch (error) {
            if (error !== LONG_JUMP) throw error;
            exports.stackRestore(stack);
            exports.setThrew(1, 0);
          }
        },
        _emscripten_throw_longjmp: () => {
          throw LONG_JUMP;
        },
        emscripten_resize_heap: (size: number) => this.#resize(size >>> 0),
        abort: () => {
          // Lua panics where an error has no pcall above it. This layer only makes unprotected calls that can fail for
          // want of memory.
          throw this.outOfMemory();
        },
        exit: absent,
        system: absent,
        strftime: () => 0,
        emscripten_date_now: () => 0,
        _emscripten_get_now_is_monotonic: () => 1,
        _mktime_js: () => 0n,
        _localtime_js: absent,
        _gmtime_js: absent,
        _tzset_js: absent,
        __syscall_openat: absent,
        __syscall_fcntl64: absent,
        __syscall_ioctl: absent,
        __syscall_dup3: absent,
        __syscall_unlinkat: absent,
        __syscall_rmdir: absent,
        __syscall_renameat: absent,
        __syscall_readlinkat: absent,
      },
      wasi_snapshot_preview1: {
        fd_write: absent,
        fd_read: absent,
        fd_close: absent,
        fd_seek: absent,
        environ_sizes_get: absent,
        environ_get: absent,
      },
    };
  }
}
