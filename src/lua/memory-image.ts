/**
 * Memory images: linear memory at rest, taken out of one instance and put into another (or the same).
 *
 * Owns: what is copied, and that putting an image back leaves nothing of what was there before.
 * Does not own: when images are taken (image.ts, execution.ts).
 *
 * M1  An image is taken only while no C function runs, so the C stack holds nothing alive and is not part of it.
 * M2  After `restore`, every byte below the break is what it was at `capture`, every byte the VM could have touched
 *     above it is zero, and the stack pointer is at its base. With W2 that is the whole state of the VM.
 * M3  Instances of one module that added the same host functions in the same order are interchangeable.
 */
import { BREAK_POINTER, HEAP_BASE, type LuaExports, STACK_BASE, STACK_END } from "./wasm.ts";

const PAGE = 4_096;
const ZEROS = new Uint8Array(PAGE);

/** Consecutive untouched pages after which the rest of the C stack is untouched too: no C frame is that large. */
const CLEAN_STACK_PAGES = 4;

/** Linear memory at rest: the pages that are not zero. Plain data, so that it crosses threads. */
export interface MemoryImage {
  /** The pages, one after the other. Shared where the image is to cross threads. */
  readonly bytes: Uint8Array;
  /** Where they belong: start and end of each run of pages. */
  readonly runs: readonly number[];
  /** The break at capture. */
  readonly end: number;
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
    const runs: number[] = [];
    let size = 0;
    for (let page = 0; page < end; page += PAGE) {
      if (isZero(memory, page)) continue;
      if (runs.at(-1) === page) runs[runs.length - 1] = page + PAGE;
      else runs.push(page, page + PAGE);
      size += PAGE;
    }
    const bytes = new Uint8Array(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
    let at = 0;
    eachRun(runs, (start, stop) => {
      bytes.set(memory.subarray(start, stop), at);
      at += stop - start;
    });
    return { bytes, runs, end };
  }

  /** Puts an image in the place of whatever is there (M2). */
  restore(image: MemoryImage): void {
    const memory = this.#buffer();
    const touched = Math.max(breakOf(memory), image.end);
    clearStack(memory);
    let clean = 0;
    let at = 0;
    eachRun(image.runs, (start, stop) => {
      clear(memory, clean, start);
      memory.set(image.bytes.subarray(at, at + stop - start), start);
      at += stop - start;
      clean = stop;
    });
    clear(memory, clean, Math.min(touched, memory.length));
    this.#exports.stackRestore(STACK_BASE);
  }

  #buffer(): Buffer {
    return Buffer.from(this.#exports.memory.buffer);
  }
}

function breakOf(memory: Buffer): number {
  return memory.readUInt32LE(BREAK_POINTER);
}

function eachRun(runs: readonly number[], visit: (start: number, stop: number) => void): void {
  for (let i = 0; i + 1 < runs.length; i += 2) visit(runs[i] as number, runs[i + 1] as number);
}

/** Zeroes from `start` to `stop`, sparing the C stack, which `clearStack` has done. */
function clear(memory: Buffer, start: number, stop: number): void {
  if (start < STACK_END) memory.fill(0, start, Math.min(stop, STACK_END));
  if (stop > HEAP_BASE) memory.fill(0, Math.max(start, HEAP_BASE), stop);
}

/** Zeroes what the C stack has used, from its base down. */
function clearStack(memory: Buffer): void {
  let clean = 0;
  memory.fill(0, STACK_BASE - (STACK_BASE % PAGE), STACK_BASE);
  for (let page = STACK_BASE - (STACK_BASE % PAGE) - PAGE; page > STACK_END && clean < CLEAN_STACK_PAGES; page -= PAGE) {
    if (isZero(memory, page)) {
      clean += 1;
    } else {
      memory.fill(0, page, page + PAGE);
      clean = 0;
    }
  }
  if (clean < CLEAN_STACK_PAGES) memory.fill(0, STACK_END, STACK_END + PAGE);
}

function isZero(memory: Buffer, page: number): boolean {
  return memory.compare(ZEROS, 0, PAGE, page, page + PAGE) === 0;
}
