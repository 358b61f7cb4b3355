/**
 * The `$step_meta` envelope: context that a flow gives one step, beside its input.
 *
 * `{"$step_meta": {"ref"?: name, "inline"?: object}, "$in"?: directive, ...}`: `ref` names an entry of the Blueprint's
 * `metas`, `inline` lies over it. The directive is `$in` where there is one, else what is left of the object, else "".
 */
import { isJsonObject, type Json, type JsonObject, ownValue } from "../flow/index.ts";
import { MiddlewareError } from "./errors.ts";

/** An input without its envelope. */
export interface OpenedInput {
  readonly directive: Json;
  /** What the envelope supplies. Absent: the input had none. */
  readonly context?: JsonObject;
}

const ENVELOPE = "$step_meta";

/**
 * Opens an input; one without an envelope passes unchanged.
 * @throws MiddlewareError `step_meta` naming the agent, and the names that are defined.
 */
export function openStepMeta(input: Json, agent: string, metas: ReadonlyMap<string, JsonObject>): OpenedInput {
  if (!isJsonObject(input)) return { directive: input };
  const envelope = ownValue(input, ENVELOPE);
  if (envelope === undefined) return { directive: input };
  const fail = (what: string): MiddlewareError =>
    new MiddlewareError("step_meta", `the step of agent '${agent}': ${ENVELOPE}${what}`);
  if (!isJsonObject(envelope)) throw fail(" must be an object {ref?, inline?}");
  const ref = ownValue(envelope, "ref") ?? null;
  const inline = ownValue(envelope, "inline") ?? null;
  if (ref !== null && typeof ref !== "string") throw fail(".ref must be a name");
  if (inline !== null && !isJsonObject(inline)) throw fail(".inline must be an object");
  const base = ref === null ? {} : metas.get(ref);
  if (base === undefined) {
    const defined =
      metas.size === 0
        ? "the Blueprint defines none"
        : `defined are ${[...metas.keys()].map((name) => `'${name}'`).join(", ")}`;
    throw fail(`.ref names '${ref}', which is not in metas; ${defined}`);
  }
  return { directive: directiveOf(input), context: { ...base, ...inline } };
}

function directiveOf(input: JsonObject): Json {
  const inner = ownValue(input, "$in");
  if (inner !== undefined) return inner;
  const { [ENVELOPE]: _, ...rest } = input;
  return Object.keys(rest).length === 0 ? "" : rest;
}
