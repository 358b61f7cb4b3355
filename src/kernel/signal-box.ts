/**
 * The signals of one run: who waits for which name, and what came before anybody did.
 *
 * S1  A signal id is admitted once. S2  Waiters of a name are served in the order they began to wait, kept values in the
 * order they came. S3  A name never has waiters and kept values at the same time.
 */
import type { Json, StepKey } from "../flow/index.ts";

/** A box as JSON. */
export interface SavedSignals {
  readonly seen: readonly string[];
  readonly waiting: readonly (readonly [name: string, keys: readonly StepKey[]])[];
  readonly kept: readonly (readonly [name: string, values: readonly Json[]])[];
}

/** Waiters and kept values, by name. */
export class SignalBox {
  readonly #seen = new Set<string>();
  readonly #waiting = new Map<string, StepKey[]>();
  readonly #kept = new Map<string, Json[]>();

  /** Whether this signal is new (S1). */
  admit(id: string): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    return true;
  }

  /** The step that gets the next signal of this name. */
  waiterOf(name: string): StepKey | undefined {
    return this.#waiting.get(name)?.[0];
  }

  /** A step begins to wait. */
  wait(name: string, key: StepKey): void {
    const keys = this.#waiting.get(name);
    if (keys === undefined) this.#waiting.set(name, [key]);
    else keys.push(key);
  }

  /** A step no longer waits. */
  stopWaiting(key: StepKey): void {
    for (const [name, keys] of this.#waiting) {
      const rest = keys.filter((waiting) => waiting !== key);
      if (rest.length === 0) this.#waiting.delete(name);
      else this.#waiting.set(name, rest);
    }
  }

  /** Keeps a value nobody waits for. */
  keep(name: string, value: Json): void {
    const values = this.#kept.get(name);
    if (values === undefined) this.#kept.set(name, [value]);
    else values.push(value);
  }

  /** Takes the oldest kept value of a name. */
  take(name: string): { readonly value: Json } | undefined {
    const values = this.#kept.get(name);
    if (values === undefined) return undefined;
    const [value] = values.splice(0, 1);
    if (values.length === 0) this.#kept.delete(name);
    return { value: value as Json };
  }

  /** The box as JSON. */
  save(): SavedSignals {
    return { seen: [...this.#seen], waiting: [...this.#waiting], kept: [...this.#kept] };
  }

  /** Fills an empty box with what `save` gave. */
  load(saved: SavedSignals): void {
    for (const id of saved.seen) this.#seen.add(id);
    for (const [name, keys] of saved.waiting) this.#waiting.set(name, [...keys]);
    for (const [name, values] of saved.kept) this.#kept.set(name, [...values]);
  }
}
