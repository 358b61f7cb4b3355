/**
 * Why the Lua layer binds wasmoon's WebAssembly itself and leaves its JavaScript alone. Each test shows one reason as it
 * is in the pinned version, and that ours is free of it; a version in which one fails is a reason to look again.
 */
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type LuaEngine, LuaFactory } from "wasmoon";
import type { Json } from "../../src/flow/index.ts";
import { LuaPool } from "../../src/lua/index.ts";

const pool = new LuaPool({ threads: 1 });
afterAll(() => pool[Symbol.asyncDispose]());
const ours = async (source: string, value: Json = null) =>
  (await pool.invoke({ image: { source, chunkName: "w.lua", host: [], kind: "worker" }, globals: { _IN: value } }))
    .value;

let theirs: LuaEngine;
beforeEach(async () => {
  theirs = await new LuaFactory().createEngine();
});

describe("wasmoon's JavaScript", () => {
  it("leaks a stack slot a call until memory is corrupt", async () => {
    const run = async () => {
      for (let i = 0; i < 100; i++) await theirs.doString("return 1");
    };
    await expect(run()).rejects.toThrow();
    for (let i = 0; i < 100; i++) expect(await ours("return 1")).toBe(1);
  });

  it("cuts strings at NUL", async () => {
    theirs.global.set("text", "a\0b");
    expect(await theirs.doString("return #text")).toBe(1);
    expect(await theirs.doString("return 'a\\0b'")).toBe("a");
    expect(await ours("return { #_IN, _IN .. '\\0' }", "a\0b")).toEqual([3, "a\0b\0"]);
  });

  it("loses large numbers", async () => {
    theirs.global.set("number", 1e300);
    expect(await theirs.doString("return number")).toBe(0);
    expect(await ours("return _IN", 1e300)).toBe(1e300);
  });

  it("returns an empty sequence as an object", async () => {
    expect(await theirs.doString("local list = { 1 } list[1] = nil return list")).toEqual({});
    expect(await ours("table.remove(_IN) return { _IN, json.array(), {} }", [1])).toEqual([[], [], {}]);
  });

  it("cannot pass null", () => {
    expect(() => theirs.global.set("none", null)).toThrow(TypeError);
  });

  it("hands scripts live JavaScript objects, constructors and all", async () => {
    theirs.global.set("fail", () => {
      throw new Error("x");
    });
    expect(await theirs.doString("local _, e = pcall(fail) return type(e) .. ' ' .. type(e.constructor)")).toBe(
      "userdata function",
    );
    const host = async () => {
      throw new Error("x");
    };
    const image = {
      source: "local _, e = pcall(host.fail) return type(e)",
      chunkName: "w.lua",
      host: ["fail"],
      kind: "worker" as const,
    };
    expect((await pool.invoke({ image, host })).value).toBe("string");
  });
});
