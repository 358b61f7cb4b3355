/**
 * Externs as a run sees them: pure ones are called, impure ones are called once and journaled.
 *
 * Time, randomness and ids reach a flow only through impure externs, so a replay reads them back (architecture,
 * section 4). A value is addressed by the site that asked: the step key of the node and the ordinal of the call there.
 */
import type { Externs, Json, StepKey } from "../flow/index.ts";
import type { ValuelessBody } from "./journal-chain.ts";

/** Wraps the host's externs for one run. */
export class JournaledExterns implements Externs {
  readonly #inner: Externs;
  readonly #impure: ReadonlySet<string>;
  readonly #append: (body: ValuelessBody, value: Json) => void;
  readonly #recorded: ReadonlyMap<string, Json>;

  /** @param recorded values of earlier lives of this run, by `siteId`. */
  constructor(
    inner: Externs,
    impure: ReadonlySet<string>,
    append: (body: ValuelessBody, value: Json) => void,
    recorded: ReadonlyMap<string, Json> = new Map(),
  ) {
    this.#inner = inner;
    this.#impure = impure;
    this.#append = append;
    this.#recorded = recorded;
  }

  call(ref: string, args: readonly Json[], site: { readonly key: StepKey; readonly ordinal: number }): Json {
    if (!this.#impure.has(ref)) return this.#inner.call(ref, args, site);
    const recorded = this.#recorded.get(siteId(site.key, site.ordinal));
    if (recorded !== undefined) return recorded;
    const value = this.#inner.call(ref, args, site);
    this.#append({ type: "extern_value", key: site.key, ordinal: site.ordinal, ref }, value);
    return value;
  }
}

/** The address of an extern call within a run. */
export function siteId(key: StepKey, ordinal: number): string {
  return `${key}#${ordinal}`;
}
