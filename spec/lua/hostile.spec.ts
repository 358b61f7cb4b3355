import { afterAll, describe, expect, it } from "vitest";
import { LuaError, type LuaImage, type LuaInvocation, LuaPool } from "../../src/lua/index.ts";
import { HOSTILE_SCRIPTS } from "./hostile-scripts.ts";

// The wall limit is far off: every script has to be stopped by the VM itself, not by its thread's end.
const pool = new LuaPool({ threads: 1, limits: { memoryBytes: 48 * 1_048_576, wallMs: 60_000 } });
afterAll(() => pool[Symbol.asyncDispose]());

const image = (source: string): LuaImage => ({ source, chunkName: "hostile.lua", host: [], kind: "worker" });

/** Looks at everything a script before it could have changed. */
const WITNESS: LuaInvocation = {
  image: image(`
    local names = {}
    for k in pairs(_G) do names[#names + 1] = tostring(k) end
    table.sort(names)
    return {
      names = names,
      upper = ("abc"):upper(),
      missing = _G.leak == nil and ("x").leak == nil and json.array().leak == nil,
      null = json.null == _NULL,
      add = pcall(function() return "a" + 1 end),
      encoded = json.encode({ 1, 2 }),
      random = { math.random(1 << 30), math.random(1 << 30) },
      object = tostring({}),
    }`),
  globals: { _NULL: null },
};

describe("hostile scripts", () => {
  it("are more than forty", () => {
    expect(HOSTILE_SCRIPTS.length).toBeGreaterThan(40);
    expect(new Set(HOSTILE_SCRIPTS.map(({ name }) => name)).size).toBe(HOSTILE_SCRIPTS.length);
  });

  it.each(HOSTILE_SCRIPTS)("one that $name is contained, and the next sees nothing of it", async ({ source, ends }) => {
    const witness = await pool.invoke(WITNESS);
    const codes = "code" in ends ? [ends.code].flat() : [];
    // Only a script that is to run out of time is given little of it.
    const cpuMs = codes.includes("lua_cpu_limit") ? 60 : 20_000;
    const outcome = await pool.invoke({ image: image(source), limits: { cpuMs } }).then(
      ({ value }) => ({ value }),
      (error: unknown) => {
        if (!(error instanceof LuaError)) throw error;
        return error;
      },
    );
    if ("value" in ends) expect(outcome).toEqual(ends);
    else expect(codes).toContain(outcome instanceof LuaError ? outcome.code : outcome);
    expect(await pool.invoke(WITNESS)).toEqual(witness);
    expect(pool.stats().replaced).toBe(0);
  });

  it("leak nothing into the invocations mixed among them", async () => {
    const expected = await pool.invoke(WITNESS);
    const quick = HOSTILE_SCRIPTS.filter(({ ends }) => "value" in ends);
    const mixed = Array.from({ length: 400 }, (_, i) => {
      const hostile = quick[i % quick.length];
      return i % 3 === 0 && hostile !== undefined
        ? pool.invoke({ image: image(hostile.source) })
        : pool.invoke(WITNESS);
    });
    const results = await Promise.all(mixed);
    const witnesses = results.filter((_, i) => i % 3 !== 0);
    expect(witnesses.length).toBeGreaterThan(200);
    for (const witness of witnesses) expect(witness).toEqual(expected);
  });
});
