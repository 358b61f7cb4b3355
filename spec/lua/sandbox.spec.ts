import { afterAll, describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { type LuaImage, type LuaInvocation, LuaPool } from "../../src/lua/index.ts";

const pool = new LuaPool({ threads: 1 });
afterAll(() => pool[Symbol.asyncDispose]());

const image = (source: string): LuaImage => ({ source, chunkName: "sandbox.lua", host: [], kind: "worker" });
const run = async (source: string, rest: Omit<LuaInvocation, "image"> = {}): Promise<Json> =>
  (await pool.invoke({ image: image(source), ...rest })).value;

describe("the globals of a script", () => {
  it("are these and no others", async () => {
    const source = `
      local function names(t) local list = {} for k in pairs(t) do list[#list + 1] = k end table.sort(list) return list end
      return { globals = names(_G), os = names(os), string = names(string), table = names(table), json = names(json),
        coroutine = names(coroutine), utf8 = names(utf8), math = names(math) }`;
    expect(await run(source)).toEqual({
      globals: [
        ...[
          "_G",
          "_VERSION",
          "assert",
          "coroutine",
          "error",
          "getmetatable",
          "ipairs",
          "json",
          "math",
          "next",
          "os",
          "pairs",
        ],
        ...["pcall", "print", "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "string", "table"],
        ...["tonumber", "tostring", "type", "utf8", "xpcall"],
      ],
      os: ["clock", "date", "time"],
      string: [
        ...["byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep"],
        ...["reverse", "sub", "unpack", "upper"],
      ],
      table: ["concat", "insert", "move", "pack", "remove", "sort", "unpack"],
      json: ["array", "decode", "encode", "is_array", "null", "object"],
      coroutine: ["close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield"],
      utf8: ["char", "charpattern", "codepoint", "codes", "len", "offset"],
      math: [
        ...[
          "abs",
          "acos",
          "asin",
          "atan",
          "ceil",
          "cos",
          "deg",
          "exp",
          "floor",
          "fmod",
          "huge",
          "log",
          "max",
          "maxinteger",
        ],
        ...[
          "min",
          "mininteger",
          "modf",
          "pi",
          "rad",
          "random",
          "randomseed",
          "sin",
          "sqrt",
          "tan",
          "tointeger",
          "type",
          "ult",
        ],
      ],
    });
  });

  it("are what the caller gives, absent where it gives nothing", async () => {
    expect(
      await run("return { _CTX.n, _AGENT, _NONE == nil, _G['odd name'] }", {
        globals: { _CTX: { n: 1 }, _AGENT: "a", "odd name": true },
      }),
    ).toEqual([1, "a", true, true]);
  });
});

describe("print", () => {
  it("is captured, a line a call", async () => {
    const { printed } = await pool.invoke({
      image: image(
        "print('a', 1, nil, true) print() print(setmetatable({}, { __tostring = function() return 'own' end }))",
      ),
    });
    expect(printed).toEqual(["a\t1\tnil\ttrue", "", "own"]);
  });

  it("is bounded, and says so", async () => {
    const { printed } = await pool.invoke({
      image: image("for i = 1, 100 do print(('x'):rep(50)) end"),
      limits: { outputBytes: 500 },
    });
    expect(printed.length).toBeLessThan(10);
    expect(printed.at(-1)).toBe("[more than 500 bytes printed: the rest is dropped]");
  });
});

describe("time", () => {
  it("is what the invocation says, in UTC", async () => {
    const nowMs = Date.UTC(2026, 10, 21, 9, 5, 7, 999);
    expect(
      await run("return { os.time(), os.date('!%Y-%m-%d %H:%M:%S'), os.date('%c'), os.clock(), os.date('*t').yday }", {
        nowMs,
      }),
    ).toEqual([nowMs / 1_000 - 0.999, "2026-11-21 09:05:07", "Sat Nov 21 09:05:07 2026", 0, 325]);
    expect(await run("return os.time()")).toBe(0);
  });

  it("is computed from and into fields", async () => {
    expect(
      await run(
        "local t = { year = 2026, month = 14, day = 0, hour = 25 } return { os.time(t), t.year, t.month, t.day, t.hour, t.wday, t.isdst }",
      ),
    ).toEqual([Date.UTC(2027, 0, 31, 25) / 1_000, 2027, 2, 1, 1, 2, false]);
    expect(await run("return os.time({ year = 1970, month = 1, day = 1 })")).toBe(43_200);
  });

  it.each([
    ["os.time({ year = 2026 })", "field 'month' missing in date table"],
    ["os.time({ year = 2026, month = 'x', day = 1 })", "field 'month' is not an integer"],
    ["os.time({ year = 1 << 40, month = 1, day = 1 })", "field 'year' is out-of-bound"],
    ["os.date('%Q')", "invalid conversion specifier '%Q'"],
    ["os.date('%')", "invalid conversion specifier '%'"],
    ["os.date('%c', 1 << 60)", "date result cannot be represented"],
  ])("refuses %s", async (call, message) => {
    expect(await run(`return select(2, pcall(function() ${call} end))`)).toContain(message);
  });
});

describe("random numbers", () => {
  const source = "return { math.random(1 << 40), math.random(1 << 40), math.random() }";

  it("repeat for a seed and differ between seeds", async () => {
    const [a, b, again, none] = await Promise.all(
      ["R-1/2.~3", "R-1/2.~4", "R-1/2.~3", undefined].map((seed) => run(source, seed === undefined ? {} : { seed })),
    );
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
    expect(none).not.toEqual(a);
    expect(await run(source)).toEqual(none);
  });
});

describe("metatables", () => {
  it("work as in Lua, finalizers aside", async () => {
    expect(await run("return { pcall(setmetatable, {}, { __gc = true }) }")).toEqual([
      false,
      "__gc is not allowed: a value cannot be finalized here, use a to-be-closed variable (__close)",
    ]);
    expect(await run("return { pcall(setmetatable, setmetatable({}, { __metatable = 'locked' }), {}) }")).toEqual([
      false,
      "cannot change a protected metatable",
    ]);
    expect(
      await run("local t = setmetatable({}, { __index = { a = 1 } }) setmetatable(t, nil) return t.a == nil"),
    ).toBe(true);
  });
});

describe("coroutines", () => {
  it("work as in Lua", async () => {
    expect(
      await run(`
      local co = coroutine.create(function(a, b)
        local c = coroutine.yield(a + b)
        local d, e = coroutine.yield(c * 2)
        return d + e
      end)
      local out = {}
      for _, args in ipairs({ { 1, 2 }, { 10 }, { 3, 4 }, { 5 } }) do
        out[#out + 1] = { coroutine.resume(co, table.unpack(args)) }
      end
      out[#out + 1] = coroutine.status(co)
      return out`),
    ).toEqual([[true, 3], [true, 20], [true, 7], [false, "cannot resume dead coroutine"], "dead"]);
  });

  it("show the script as the main one", async () => {
    expect(
      await run(`
      local co, main = coroutine.running()
      local inner = coroutine.wrap(function() local c, m = coroutine.running() return m, coroutine.isyieldable(), c ~= co end)
      return { type(co), main, coroutine.isyieldable(), inner() }`),
    ).toEqual(["thread", true, false, false, true, true]);
  });
});
