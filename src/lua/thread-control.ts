/**
 * What the pool and a thread tell each other while the thread is busy: one word a slot, in shared memory.
 *
 * Owns: the states of a slot and who may change them.
 * Does not own: what the pool makes of them (pool-thread.ts).
 *
 *     free --pool--> waiting --thread--> running --thread--> ended --pool--> free
 *                       |                   |
 *                      pool: taken         pool: cancelling --thread--> ended
 *
 * S1  The pool sends a task only for a slot it has set to waiting, and reuses a slot only after the thread has reported
 *     its end; a task that was taken back is reported too.
 * S2  At most one slot is running or cancelling: it names the task a hung or dead thread is held to account for.
 */

const STATE = { free: 0, waiting: 1, running: 2, taken: 3, cancelling: 4, ended: 5 } as const;

/** Tasks a thread may hold at once. */
export const SLOTS = 256;

/** Bytes of the start time and the count of batches, before the slots. */
const HEAD = 16;

/** Either side's view of the shared memory. */
export class ThreadControl {
  readonly memory: SharedArrayBuffer;
  readonly #startedAt: Float64Array;
  readonly #posted: Int32Array;
  readonly #slots: Int32Array;
  /** Thread side: the slot it is executing. */
  #current = 0;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(HEAD + 4 * SLOTS)) {
    this.memory = memory;
    this.#startedAt = new Float64Array(memory, 0, 1);
    this.#posted = new Int32Array(memory, 8, 1);
    this.#slots = new Int32Array(memory, HEAD, SLOTS);
  }

  /** Pool: another batch has been posted. */
  countPosted(): void {
    Atomics.add(this.#posted, 0, 1);
    Atomics.notify(this.#posted, 0);
  }

  /** Thread: sleeps until more batches have been posted than it has handled. False where that takes longer than `ms`. */
  awaitPosted(handled: number, ms: number): boolean {
    // Counts wrap around together.
    return Atomics.wait(this.#posted, 0, handled | 0, ms) !== "timed-out";
  }

  /** Pool: offers a task in a free slot. */
  offer(slot: number): void {
    Atomics.store(this.#slots, slot, STATE.waiting);
  }

  /** Pool: takes back a task the thread has not begun. False where it has. */
  takeBack(slot: number): boolean {
    return Atomics.compareExchange(this.#slots, slot, STATE.waiting, STATE.taken) === STATE.waiting;
  }

  /** Pool: asks for the running task to stop. No effect where it is not running. */
  cancel(slot: number): void {
    Atomics.compareExchange(this.#slots, slot, STATE.running, STATE.cancelling);
  }

  /** Pool: which slot is running (S2), and since when by `monotonicMs`. */
  running(): { readonly slot: number; readonly since: number } | undefined {
    for (let slot = 0; slot < SLOTS; slot++) {
      const state = Atomics.load(this.#slots, slot);
      if (state === STATE.running || state === STATE.cancelling) return { slot, since: this.#startedAt[0] as number };
    }
    return undefined;
  }

  /** Pool: the slot's end was reported. */
  free(slot: number): void {
    Atomics.store(this.#slots, slot, STATE.free);
  }

  /** Thread: begins a task. False where it was taken back. */
  begin(slot: number, now: number): boolean {
    this.#current = slot;
    this.#startedAt[0] = now;
    return Atomics.compareExchange(this.#slots, slot, STATE.waiting, STATE.running) === STATE.waiting;
  }

  /** Thread: whether the task it executes is to stop. */
  cancelled(): boolean {
    return Atomics.load(this.#slots, this.#current) === STATE.cancelling;
  }

  /** Thread: the task it executed has ended. */
  end(slot: number): void {
    Atomics.store(this.#slots, slot, STATE.ended);
  }
}

/** A clock that all threads of the process share, in milliseconds. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
