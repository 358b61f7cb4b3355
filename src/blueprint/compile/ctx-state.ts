/**
 * What the compiler knows of the ctx at one point of the flow: which writes may have made the value at each path.
 *
 * Owns: the abstract ctx and its algebra: write, weak write, look up, join. Does not own: how control flows (flow-facts.ts).
 *
 * X1  A path without an entry holds what its nearest ancestor with one put there, else what the run started with.
 * X2  Groups (one a top-level key) are never changed in place, so copies share them and a join of equal ones is free.
 * X3  Knowing too little is safe: `unknown` may be anything, and every lint stays silent about it.
 */
import type { Json } from "../../flow/index.ts";

/** What may have made a value. `rest` is the part of it that is meant, as keys below the made value. */
export type Source =
  /** What the run started with: may be absent. */
  | { readonly kind: "initial" }
  /** The output of the step with this index in document order. */
  | { readonly kind: "step"; readonly step: number; readonly rest: readonly string[] }
  | { readonly kind: "literal"; readonly value: Json }
  /** A number, a boolean or a text that the flow computed. */
  | { readonly kind: "scalar" }
  /** The joined lanes of a fanout: an array. `below`: a place below it, where nothing can be. */
  | { readonly kind: "lanes"; readonly below: boolean }
  | { readonly kind: "unknown" };

/** Sources by identity, so that equal ones are one. */
export type Sources = ReadonlyMap<string, Source>;

type Group = ReadonlyMap<string, { readonly path: readonly string[]; readonly sources: Sources }>;

const INITIAL: Sources = sourcesOf({ kind: "initial" });
const UNKNOWN: Sources = sourcesOf({ kind: "unknown" });
// Longer parts of outputs are given up on; it also bounds `x = x.y` in a loop.
const MAX_REST = 16;

function identify(source: Source): string {
  switch (source.kind) {
    case "step":
      return `step ${source.step} ${JSON.stringify(source.rest)}`;
    case "literal":
      return `literal ${JSON.stringify(source.value)}`;
    case "lanes":
      return `lanes ${source.below}`;
    default:
      return source.kind;
  }
}

/** The set of these sources. */
export function sourcesOf(...sources: readonly Source[]): Sources {
  return new Map(sources.map((source) => [identify(source), source]));
}

// Within a group no key of one segment can look like one of several: it would have to contain itself.
const keyOf = (path: readonly string[]): string => (path.length === 1 ? (path[0] ?? "") : JSON.stringify(path));
const startsWith = (path: readonly string[], prefix: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((key, index) => path[index] === key);

/** What lies `rest` below a value of this source. */
function below(source: Source, rest: readonly string[]): Source {
  if (rest.length === 0) return source;
  switch (source.kind) {
    case "initial":
      return source;
    case "step":
      return source.rest.length + rest.length > MAX_REST
        ? { kind: "unknown" }
        : { ...source, rest: [...source.rest, ...rest] };
    case "lanes":
      return { kind: "lanes", below: true };
    default:
      return { kind: "unknown" };
  }
}

const belowAll = (sources: Sources, rest: readonly string[]): Sources =>
  rest.length === 0 ? sources : sourcesOf(...[...sources.values()].map((source) => below(source, rest)));

/** Both sets; one of the two themselves where it holds the other. */
function unite(a: Sources, b: Sources): Sources {
  if (a === b) return a;
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  const added = [...small].filter(([identity]) => !large.has(identity));
  return added.length === 0 ? large : new Map([...large, ...added]);
}

/** The abstract ctx. Mutable, owned by the walk that holds it; `copy` before two ways part. */
export class CtxState {
  /** What the whole ctx is made of, where nothing says more. */
  #root: Sources;
  #groups: Map<string, Group>;
  /** Paths that an `exists` has shown to be there. */
  #present: ReadonlyMap<string, readonly string[]>;

  /** A ctx nothing is known of. `known` are top-level keys every run starts with. */
  constructor(known: readonly string[] = []) {
    this.#root = INITIAL;
    this.#groups = new Map(known.map((key) => [key, new Map([[keyOf([key]), { path: [key], sources: UNKNOWN }]])]));
    this.#present = new Map();
  }

  copy(): CtxState {
    const copy = new CtxState();
    copy.#root = this.#root;
    copy.#groups = new Map(this.#groups);
    copy.#present = this.#present;
    return copy;
  }

  /** Units of work a copy or a join costs: the number of groups. */
  get weight(): number {
    return this.#groups.size + 1;
  }

  /** What may have made the value at `path`. */
  lookUp(path: readonly string[]): Sources {
    const group = this.#groups.get(path[0] ?? "");
    for (let length = path.length; group !== undefined && length > 0; length -= 1) {
      const entry = group.get(keyOf(path.slice(0, length)));
      if (entry !== undefined) return belowAll(entry.sources, path.slice(length));
    }
    return belowAll(this.#root, path);
  }

  /** The value at `path` is now one of `sources`, and nothing that was known below it holds any more. */
  write(path: readonly string[], sources: Sources): void {
    const top = path[0];
    this.#forget(path);
    if (top === undefined) {
      this.#root = sources;
      this.#groups = new Map();
      return;
    }
    const group = [...(this.#groups.get(top) ?? [])].filter(([, entry]) => !startsWith(entry.path, path));
    this.#groups.set(top, new Map([...group, [keyOf(path), { path, sources }]]));
  }

  /** The value at `path` may also be one of `sources`. */
  writePerhaps(path: readonly string[], sources: Sources): void {
    const top = path[0];
    this.#forget(path);
    if (top === undefined) {
      this.#root = unite(this.#root, UNKNOWN);
      this.#groups = new Map();
      return;
    }
    const united = unite(this.lookUp(path), sources);
    this.#groups.set(top, new Map([...(this.#groups.get(top) ?? []), [keyOf(path), { path, sources: united }]]));
  }

  /** Every entry at or below `path`, by its keys below `path`. */
  entriesBelow(path: readonly string[]): readonly { readonly rest: readonly string[]; readonly sources: Sources }[] {
    const groups = path[0] === undefined ? [...this.#groups.values()] : [this.#groups.get(path[0]) ?? new Map()];
    return groups.flatMap((group) =>
      [...group.values()]
        .filter((entry) => startsWith(entry.path, path))
        .map((entry) => ({ rest: entry.path.slice(path.length), sources: entry.sources })),
    );
  }

  /** An `exists` has shown that there is something at `path`. */
  assumePresent(path: readonly string[]): void {
    this.#present = new Map([...this.#present, [keyOf(path), path]]);
  }

  isPresent(path: readonly string[]): boolean {
    // What lies below a present path need not be there; what lies above it must be.
    return [...this.#present.values()].some((known) => startsWith(known, path));
  }

  /** Takes in what holds on another way to the same point. */
  join(other: CtxState): void {
    for (const top of new Set([...this.#groups.keys(), ...other.#groups.keys()])) {
      const mine = this.#groups.get(top);
      const theirs = other.#groups.get(top);
      if (mine === theirs) continue;
      const joined = new Map(mine);
      // Paths of either side; on the side that lacks one, what lies above it says what may be there.
      for (const { path } of [...(mine?.values() ?? []), ...(theirs?.values() ?? [])]) {
        joined.set(keyOf(path), { path, sources: unite(this.lookUp(path), other.lookUp(path)) });
      }
      this.#groups.set(top, joined);
    }
    this.#root = unite(this.#root, other.#root);
    if (this.#present !== other.#present) {
      this.#present = new Map([...this.#present].filter(([key]) => other.#present.has(key)));
    }
  }

  /** What was shown to exist at or below `path` need not exist any more. */
  #forget(path: readonly string[]): void {
    if (this.#present.size === 0) return;
    this.#present = new Map([...this.#present].filter(([, known]) => !startsWith(known, path)));
  }
}
