/** Running small authoring scripts in tests: one pool a spec file. */
import { afterAll, beforeAll, expect } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { type AuthoringResult, type AuthoringScript, runAuthoringScript } from "../../src/lua/authoring/index.ts";
import { LuaError, LuaPool } from "../../src/lua/index.ts";

/** Put before a script on its first line, so that line numbers are the script's own. */
const PRELUDE = 'local F, B = require "flow_dsl", require "bp_dsl"; ';

/** The name the scripts of these tests go by. */
export const FILE = "test.bp.lua";

/** What a spec file asks of its scripts. */
export interface Author {
  /** Runs a script that has `F` and `B`. */
  build(text: string, options?: Partial<AuthoringScript>): Promise<AuthoringResult>;
  /** What a script returns. Fails the test where the script warns of anything. */
  value(text: string): Promise<Json>;
  /** The warnings of a script, each as `line: message`. */
  warnings(text: string): Promise<readonly string[]>;
  /** What a script that cannot be built fails with. */
  failure(text: string, options?: Partial<AuthoringScript>): Promise<LuaError>;
}

/** A pool for the tests of the calling file, opened before them and closed after them. */
export function useAuthor(): Author {
  let pool: LuaPool | undefined;
  beforeAll(() => {
    pool = new LuaPool({ threads: 1 });
  });
  afterAll(async () => {
    await pool?.[Symbol.asyncDispose]();
  });
  const build: Author["build"] = (text, options = {}) => {
    if (pool === undefined) throw new Error("scripts run inside tests only");
    return runAuthoringScript(pool, { file: FILE, text: PRELUDE + text, roots: [], ...options });
  };
  return {
    build,
    value: async (text) => {
      const { value, warnings } = await build(text);
      expect(warnings).toEqual([]);
      return value;
    },
    warnings: async (text) => {
      const { warnings } = await build(text);
      return warnings.map(({ message, position }) => `${position?.line}: ${message}`);
    },
    failure: async (text, options) => {
      const error = await build(text, options).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof LuaError)) throw new Error(`the script should have failed, and ${error ?? "did not"}`);
      return error;
    },
  };
}

/** flow.ir as short calls, for what a script is expected to print. */
export const ir = {
  path: (at: string) => ({ op: "path", at }),
  lit: (value: Json) => ({ op: "lit", value }),
  step: (ref: string, input: string, out: string) => ({ kind: "step", ref, in: ir.path(input), out: ir.path(out) }),
  seq: (...children: Json[]) => ({ kind: "seq", children }),
  verdict: (out: string, value: Json) => ({ op: "eq", lhs: ir.path(`${out}.parts["verdict"]`), rhs: ir.lit(value) }),
  branch: (cond: Json, yes: Json, no: Json) => ({
    kind: "branch",
    cond,
    // biome-ignore lint/suspicious/noThenProperty: the wire name of flow.ir
    then: yes,
    else: no,
  }),
  gate: (cond: Json, id: string, otherwise: Json, haltedAt = "$.halted_at") =>
    ir.branch(cond, ir.assign(haltedAt, id), otherwise),
  assign: (at: string, value: Json) => ({ kind: "assign", at: ir.path(at), value: ir.lit(value) }),
};
