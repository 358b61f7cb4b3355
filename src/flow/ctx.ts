/**
 * The ctx of a scope: a value that is written in place where nobody can see it, and copied where somebody could.
 *
 * Owns: which objects may be changed, and the bound on the ctx's depth. Values are plain JSON; nothing is wrapped.
 *
 * C1  An object is changed in place only if this ctx made it and it is in `owned`. Everything else (the initial value,
 *     outcomes, literals, whatever was handed out) is copied when a write goes through it; the copy is owned.
 * C2  Handing a value out (a read that leaves the machine or is written somewhere else, a snapshot) removes it from
 *     `owned`. What is below it need not be removed: a write reaches it only through the value handed out, and
 * C3  copying an object removes its children from `owned`, because the old object still shows them.
 * C4  So a value handed out never changes, and a write costs the length of its path, plus one copy of each object on the
 *     path that was handed out since it was last written.
 * C5  `depth` is an upper bound of the ctx's nesting, kept without looking at the ctx; when it reaches the limit the
 *     exact depth is measured, and only that can fail.
 */
import { limitExceeded, unwritable } from "./failures.ts";
import { isJsonObject, type Json, type JsonObject, ownValue, setOwn } from "./json.ts";
import { inspectJson } from "./json-inspect.ts";
import type { FlowPath } from "./path.ts";
import type { WorkMeter } from "./work-meter.ts";

/** A ctx and the bound of its depth, as a snapshot keeps them. */
export interface CtxSnapshot {
  readonly value: Json;
  readonly depth: number;
}

type Owned = Record<string, Json>;

/** A ctx that belongs to one scope. */
export class Ctx {
  readonly #maxDepth: number;
  readonly #meter: WorkMeter;
  readonly #owned = new WeakSet<object>();
  #value: Json;
  #depth: number;

  /** Starts from a snapshot, which is never changed. `meter` is told of what is copied and measured. */
  constructor(snapshot: CtxSnapshot, maxDepth: number, meter: WorkMeter) {
    this.#value = snapshot.value;
    this.#depth = snapshot.depth;
    this.#maxDepth = maxDepth;
    this.#meter = meter;
  }

  /** The whole value, to read at once and let go: it may change with the next write. */
  get value(): Json {
    return this.#value;
  }

  /** Upper bound of the nesting of the value. */
  get depth(): number {
    return this.#depth;
  }

  /** Hands out a value that was read from this ctx: from now on it never changes. */
  release(value: Json): Json {
    if (typeof value === "object" && value !== null) this.#owned.delete(value);
    return value;
  }

  /** Hands out the whole value. Costs nothing now, and one copy of the top level at the next write. */
  snapshot(): CtxSnapshot {
    return { value: this.release(this.#value), depth: this.#depth };
  }

  /** Goes back to a snapshot. */
  replace(snapshot: CtxSnapshot): void {
    this.#value = snapshot.value;
    this.#depth = snapshot.depth;
  }

  /**
   * Writes a released or foreign value whose nesting is at most `depth`. All or nothing. Throws FlowError `type_error`
   * (op `path.write`) where a level of the path is neither an object nor null nor absent, `limit_exceeded` where the ctx
   * becomes too deep.
   */
  write(path: FlowPath, value: Json, depth: number): void {
    const { segments } = path;
    const last = segments.length - 1;
    if (last < 0) {
      this.#value = value;
      this.#depth = depth;
    } else {
      let object = this.#enterRoot(path);
      for (let index = 0; index < last; index += 1) {
        object = this.#enter(path, object, segments[index] as string, segments[index + 1] as string);
      }
      setOwn(object, segments[last] as string, value);
      this.#depth = Math.max(this.#depth, last + 1 + depth);
    }
    if (this.#depth > this.#maxDepth) this.#measure();
  }

  #enterRoot(path: FlowPath): Owned {
    const object = this.#writable(this.#value, path, path.segments[0] as string);
    this.#value = object;
    return object;
  }

  // Copies made on the way before a conflict is met change nothing that can be seen (C1), so the write is all or nothing;
  // a fresh level has nothing below it that could conflict.
  #enter(path: FlowPath, object: Owned, key: string, next: string): Owned {
    const found = ownValue(object, key) ?? null;
    const inner = this.#writable(found, path, next);
    if (inner !== found) setOwn(object, key, inner);
    return inner;
  }

  #writable(found: Json, path: FlowPath, next: string): Owned {
    if (found !== null && !isJsonObject(found)) throw unwritable(path, next, found);
    if (found !== null && this.#owned.has(found)) return found as Owned;
    const object: Owned = found === null ? {} : this.#copy(found);
    this.#owned.add(object);
    return object;
  }

  #copy(object: JsonObject): Owned {
    const copy: Owned = { ...object };
    const keys = Object.keys(copy);
    this.#meter.spend(keys.length);
    for (const key of keys) this.release(copy[key] as Json);
    return copy;
  }

  #measure(): void {
    const inspection = inspectJson(this.#value, {
      maxCtxDepth: this.#maxDepth,
      maxValues: Number.POSITIVE_INFINITY,
    });
    if ("problem" in inspection) {
      throw limitExceeded("maxCtxDepth", this.#maxDepth, `the ctx is nested deeper than ${this.#maxDepth} levels`);
    }
    this.#meter.spend(inspection.values);
    this.#depth = inspection.depth;
  }
}
