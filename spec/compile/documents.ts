/** Documents for the compiler's tests: small ones, parsed, with everything a test does not care about left out. */
import {
  type CompileEnvironment,
  compileBlueprint,
  type LintOptions,
  lintBlueprint,
} from "../../src/blueprint/index.ts";
import { parseBlueprint } from "../../src/blueprint/parse.ts";
import type { Blueprint } from "../../src/blueprint/schema.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";

/** A host that offers a little of everything. */
export const host: CompileEnvironment = {
  functions: new Map([
    ["identity", { pure: true }],
    ["fetch", { pure: false }],
  ]),
  luaScripts: new Set(["score"]),
  hostFunctions: new Set(["log", "now"]),
  hintLayers: new Set(["main_ai", "senior_escalation"]),
  externs: new Set(["pick"]),
};

/** A path expression. */
export const path = (at: string): JsonObject => ({ op: "path", at });
/** A literal expression. */
export const lit = (value: Json): JsonObject => ({ op: "lit", value });
/** `path == literal`. */
export const eq = (at: string, value: Json): JsonObject => ({ op: "eq", lhs: path(at), rhs: lit(value) });
/** `path in literals`. */
export const isIn = (at: string, values: readonly Json[]): JsonObject => ({
  op: "in",
  needle: path(at),
  haystack: lit(values),
});

/** A step that hands `input` to `ref` and writes to `out`, by default to the key of its name. */
export const step = (ref: string, out = `$.${ref}`, input: JsonObject = lit("go")): JsonObject => ({
  kind: "step",
  ref,
  in: input,
  out: path(out),
});
export const seq = (...children: readonly JsonObject[]): JsonObject => ({ kind: "seq", children });
export const branch = (cond: JsonObject, then: JsonObject = seq(), otherwise: JsonObject = seq()): JsonObject => ({
  kind: "branch",
  cond,
  then,
  else: otherwise,
});
export const loop = (cond: JsonObject, body: JsonObject, counter = "$.n"): JsonObject => ({
  kind: "loop",
  counter: path(counter),
  cond,
  body,
  max: 3,
});
export const fanout = (items: JsonObject, body: JsonObject, join = "all", out = "$.lanes"): JsonObject => ({
  kind: "fanout",
  items,
  bind: path("$.item"),
  body,
  join,
  out: path(out),
});
export const assign = (at: string, value: JsonObject): JsonObject => ({ kind: "assign", at: path(at), value });

/** An agent that is served by the built-in function. */
export const agent = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  kind: "function",
  spec: { fn_id: "identity" },
  ...more,
});
/** An agent with a verdict contract. */
export const judge = (name: string, channel: "body" | "part", values: readonly string[]): JsonObject =>
  agent(name, { verdict: { channel, values } });
/** An operator agent at the seat `main`, complete. */
export const operator = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  kind: "operator",
  spec: { operator_ref: "main" },
  runner: { backend: "ws_operator", variant: "general" },
  ...more,
});

/** A typed Blueprint of these fields. Throws where they are no Blueprint: the test is then wrong. */
export function blueprint(fields: JsonObject): Blueprint {
  const { blueprint: parsed, diagnostics } = parseBlueprint({ id: "t", flow: seq(), ...fields });
  if (parsed === undefined) throw new Error(JSON.stringify(diagnostics, null, 2));
  return parsed;
}

/** Compiles a document. */
export function compile(fields: JsonObject, environment: Partial<CompileEnvironment> = {}) {
  return compileBlueprint(blueprint(fields), { ...host, ...environment });
}

/** Lints a document. */
export function lint(fields: JsonObject, environment: Partial<CompileEnvironment> = {}, options: LintOptions = {}) {
  return lintBlueprint(blueprint(fields), { ...host, ...environment }, options);
}
