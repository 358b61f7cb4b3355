/**
 * Memory images: linear memory at rest, taken out of one instance and put into another (or the same).
 *
 * Owns: what is copied, and that putting an image back leaves nothing of what was there before.
 * Does not own: when images are taken (base-image.ts, vm.ts, stretch-run.ts).
 *
 * M1  An image is taken only while no C function runs, so the C stack holds nothing alive and is not part of it.
 * M2  After `restore`, every byte below the break is what it was at `capture`, every byte the VM could have touched
 *     above it is zero, and the stack pointer is at its base. With W2 that is the whole state of the VM.
 * M3  Instances of one module that added the same host functions in the same order are interchangeable.
 */
import { BREAK_POINTER, HEAP_BASE, type LuaExports, STACK_BASE, STACK_END } from "./wasm.ts";

const PAGE = 4_096;

/** The C stack is cleared in steps of this size. The largest C frame has 8 976 bytes, so an untouched step is the last. */
const STACK_STEP = 3 * PAGE;
const ZEROS = new Uint8Array(STACK_STEP);

/** Pages that are not zero. */
export interface MemoryRun {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** Linear memory at rest. Plain data, so that it crosses threads. */
export interface MemoryImage {
  /** In ascending order. All lie in one buffer, which is shared where the image is to cross threads. */
  readonly runs: readonly MemoryRun[];
  /** The break at capture. */
  readonly end: number;
  /** Bytes in `runs`. */
  readonly size: number;
}

/** The memory of an instance that no invocation uses at the moment. */
export class RestingMemory {
  readonly #exports: LuaExports;

  constructor(exports: LuaExports) {
    this.#exports = exports;
  }

  /** Takes an image (M1), into memory other threads can read where `shared`. */
  capture(shared: boolean): MemoryImage {
    const memory = this.#buffer();
    clearStack(memory);
    const end = breakOf(memory);
    const spans: { start: number; stop: number }[] = [];
    let size = 0;
    for (let page = 0; page < end; page += PAGE) {
      if (isZero(memory, page, page + PAGE)) continue;
      const last = spans.at(-1);
      if (last?.stop === page) last.stop = page + PAGE;
      else spans.push({ start: page, stop: page + PAGE });
      size += PAGE;
    }
    const buffer = shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
    let at = 0;
    const runs = spans.map(({ start, stop }) => {
      const bytes = new Uint8Array(buffer, at, stop - start);
      bytes.set(memory.subarray(start, stop));
      at += stop - start;
      return { start, bytes };
    });
    return { runs, end, size };
  }

  /** Puts an image in the place of whatever is there (M2). */
  restore(image: MemoryImage): void {
    const memory = this.#buffer();
    const touched = Math.min(Math.max(breakOf(memory), image.end), memory.length);
    clearStack(memory);
    let clean = 0;
    for (const { start, bytes } of image.runs) {
      clear(memory, clean, start);
      memory.set(bytes, start);
      clean = start + bytes.length;
    }
    clear(memory, clean, touched);
    this.#exports.stackRestore(STACK_BASE);
  }

  #buffer(): Buffer {
    return Buffer.from(this.#exports.memory.buffer);
  }
}

function breakOf(memory: Buffer): number {
  return memory.readUInt32LE(BREAK_POINTER);
}

/** Zeroes from `start` to `stop`, sparing the C stack, which `clearStack` has done. */
function clear(memory: Buffer, start: number, stop: number): void {
  if (start < STACK_END) memory.fill(0, start, Math.min(stop, STACK_END));
  if (stop > HEAP_BASE) memory.fill(0, Math.max(start, HEAP_BASE), stop);
}

/** Zeroes what the C stack has used, from its base down. */
function clearStack(memory: Buffer): void {
  let stop = STACK_BASE;
  do {
    const start = Math.max(stop - STACK_STEP, STACK_END);
    memory.fill(0, start, stop);
    stop = start;
  } while (stop > STACK_END && !isZero(memory, Math.max(stop - STACK_STEP, STACK_END), stop));
}

function isZero(memory: Buffer, start: number, stop: number): boolean {
  return memory.compare(ZEROS, 0, stop - start, start, stop) === 0;
}
