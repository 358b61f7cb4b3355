/**
 * Externs as a run sees them: pure ones are called, impure ones are called once and journaled.
 *
 * Time, randomness and ids reach a flow only through impure externs, so a replay reads them back (architecture,
 * section 4). A value is addressed by the site that asked: the step key of the node and the ordinal of the call there.
 */
import type { Externs, Json, StepKey } from "../flow/index.ts";
import type { RunDefinition } from "./definition.ts";
import type { ValuelessBody } from "./journal-chain.ts";

/** Values that need no call, by `siteId`. */
export interface KnownExterns {
  /** Of earlier lives of this run: in its journal already. */
  readonly recorded?: ReadonlyMap<string, Json>;
  /** Of another run: journaled where they are asked for. */
  readonly offered?: ReadonlyMap<string, Json>;
}

/** Wraps the host's externs for one run. */
export class JournaledExterns implements Externs {
  readonly #inner: Externs;
  readonly #impure: ReadonlySet<string>;
  readonly #append: (body: ValuelessBody, value: Json) => void;
  readonly #known: KnownExterns;

  constructor(
    { externs, impureExterns }: Pick<RunDefinition, "externs" | "impureExterns">,
    append: (body: ValuelessBody, value: Json) => void,
    known: KnownExterns = {},
  ) {
    this.#inner = externs;
    this.#impure = impureExterns;
    this.#append = append;
    this.#known = known;
  }

  call(ref: string, args: readonly Json[], site: { readonly key: StepKey; readonly ordinal: number }): Json {
    if (!this.#impure.has(ref)) return this.#inner.call(ref, args, site);
    const id = siteId(site.key, site.ordinal);
    const recorded = this.#known.recorded?.get(id);
    if (recorded !== undefined) return recorded;
    const offered = this.#known.offered?.get(id);
    const value = offered === undefined ? this.#inner.call(ref, args, site) : offered;
    this.#append({ type: "extern_value", key: site.key, ordinal: site.ordinal, ref }, value);
    return value;
  }
}

/** The address of an extern call within a run. */
export function siteId(key: StepKey, ordinal: number): string {
  return `${key}#${ordinal}`;
}
