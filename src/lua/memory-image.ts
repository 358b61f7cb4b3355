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

/** The C stack is cleared in steps of this size. No C frame has more than 8 976 bytes: an untouched step is the last. */
const STACK_STEP = 3 * PAGE;
const ZERO_STEP = new Uint8Array(STACK_STEP);
const ZERO_PAGE = new Uint8Array(PAGE);

/** Pages that lie within the C stack and nothing else. */
const FIRST_STACK_PAGE = Math.ceil(STACK_END / PAGE) * PAGE;
const LAST_STACK_PAGE = Math.floor(STACK_BASE / PAGE) * PAGE - PAGE;

/** Neighbouring pages that are not as expected: not zero, or not as in the image below. */
export interface MemoryRun {
  readonly start: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Linear memory at rest, or how it differs from an image it was restored from. Plain data: it crosses threads. */
export interface MemoryImage {
  /** In ascending order. All lie in one buffer. */
  readonly runs: readonly MemoryRun[];
  /** The break at capture. */
  readonly end: number;
  /** Bytes in `runs`. */
  readonly size: number;
}

/** The memory of an instance that no invocation uses at the moment. */
export class RestingMemory {
  readonly #exports: LuaExports;
  readonly #grow: (size: number) => void;
  /** Views, made anew when the memory has grown. */
  #bytes = new Uint8Array(0);
  #break = new Uint32Array(0);
  /** The steps of the C stack, from its base down. */
  #stack: readonly Uint8Array[] = [];

  /** `grow` makes the memory at least so many bytes large. */
  constructor(exports: LuaExports, grow: (size: number) => void) {
    this.#exports = exports;
    this.#grow = grow;
  }

  /** Takes an image (M1): of the pages that differ from those of `base`, where it is given. */
  capture(base: MemoryImage = NOTHING): MemoryImage {
    this.#refreshViews();
    this.#clearStack();
    const memory = this.#bytes;
    const end = this.#break[0] as number;
    const spans: { start: number; stop: number }[] = [];
    let size = 0;
    for (let page = 0; page < end; page = nextPage(page)) {
      if (Buffer.compare(memory.subarray(page, page + PAGE), pageOf(base, page)) === 0) continue;
      const last = spans.at(-1);
      if (last?.stop === page) last.stop = page + PAGE;
      else spans.push({ start: page, stop: page + PAGE });
      size += PAGE;
    }
    const buffer = new ArrayBuffer(size);
    let at = 0;
    const runs = spans.map(({ start, stop }) => {
      const bytes = new Uint8Array(buffer, at, stop - start);
      bytes.set(memory.subarray(start, stop));
      at += stop - start;
      return { start, bytes };
    });
    return { runs, end, size };
  }

  /** Puts an image in the place of whatever is there (M2); `changes` are those captured over it. */
  restore(image: MemoryImage, changes: MemoryImage = NOTHING): void {
    // A script parked in an instance that had grown.
    if (changes.end > this.#exports.memory.buffer.byteLength) this.#grow(changes.end);
    this.#refreshViews();
    const touched = Math.min(Math.max(this.#break[0] as number, image.end), this.#bytes.length);
    this.#clearStack();
    let clean = 0;
    for (const { start, bytes } of image.runs) {
      this.#clear(clean, start);
      this.#bytes.set(bytes, start);
      clean = start + bytes.length;
    }
    this.#clear(clean, touched);
    for (const { start, bytes } of changes.runs) this.#bytes.set(bytes, start);
    this.#exports.stackRestore(STACK_BASE);
  }

  #refreshViews(): void {
    const { buffer } = this.#exports.memory;
    if (buffer === this.#bytes.buffer) return;
    const bytes = new Uint8Array(buffer);
    this.#bytes = bytes;
    this.#break = new Uint32Array(buffer, BREAK_POINTER, 1);
    this.#stack = Array.from({ length: Math.ceil((STACK_BASE - STACK_END) / STACK_STEP) }, (_, i) => {
      const stop = STACK_BASE - i * STACK_STEP;
      return bytes.subarray(Math.max(stop - STACK_STEP, STACK_END), stop);
    });
  }

  /** Zeroes from `start` to `stop`, sparing the C stack, which `clearStack` has done. */
  #clear(start: number, stop: number): void {
    if (start < STACK_END) this.#bytes.fill(0, start, Math.min(stop, STACK_END));
    if (stop > HEAP_BASE) this.#bytes.fill(0, Math.max(start, HEAP_BASE), stop);
  }

  /** Zeroes what the C stack has used: the first step always, the rest down to one that is clean. */
  #clearStack(): void {
    for (const [i, step] of this.#stack.entries()) {
      if (i > 0 && step.length === STACK_STEP && Buffer.compare(step, ZERO_STEP) === 0) return;
      step.fill(0);
    }
  }
}

const NOTHING: MemoryImage = { runs: [], end: 0, size: 0 };

/** The page after, past the C stack, which is never part of an image (M1). */
function nextPage(page: number): number {
  return page + PAGE === FIRST_STACK_PAGE ? LAST_STACK_PAGE + PAGE : page + PAGE;
}

/** What the image has at `page`. */
function pageOf(image: MemoryImage, page: number): Uint8Array {
  for (const { start, bytes } of image.runs) {
    if (page >= start && page < start + bytes.length) return bytes.subarray(page - start, page - start + PAGE);
  }
  return ZERO_PAGE;
}
