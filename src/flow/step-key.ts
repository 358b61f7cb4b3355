/**
 * Step keys: the address of one execution of one node, computed from the flow alone and never from data.
 *
 * A key is the node path with `~n` for every enclosing loop turn and `@i` for every fanout lane, for example
 * `2.~3.0.@1`: third child of the root seq, fourth turn of that loop, first child of its body, second lane.
 * The node that is the whole flow has the key `root`.
 */

/** Address of one execution of one node. Unique within a run; the same in every run of the same flow. */
export type StepKey = string & { readonly __brand?: "StepKey" };

/** Key and node path of the node that is the whole flow. */
export const ROOT_KEY: StepKey = "root";

/** Joins two parts of a key or node path, either of which may be empty. */
export const joinKey = (prefix: string, label: string): string =>
  prefix === "" ? label : label === "" ? prefix : `${prefix}.${label}`;

/** A joined key as it is shown: the empty one is the root's. */
export const stepKey = (joined: string): StepKey => (joined === "" ? ROOT_KEY : joined);
