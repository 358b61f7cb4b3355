import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { type LuaImage, LuaPool } from "../../src/lua/index.ts";

const pool = new LuaPool({ threads: 1 });
afterAll(() => pool[Symbol.asyncDispose]());

const image = (source: string): LuaImage => ({ source, chunkName: "json.lua", host: [], kind: "worker" });
const ECHO = image("return _IN");
const COPY = image(`
  local function copy(v)
    if type(v) ~= "table" then return v end
    local new = json.is_array(v) and json.array() or {}
    for k, item in pairs(v) do new[k] = copy(item) end
    return new
  end
  return copy(_IN)`);
const ENCODE = image("return json.encode(_IN)");
const DECODE = image("return json.decode(_IN)");

const run = async (source: LuaImage | string, input?: Json) => {
  const globals = input === undefined ? {} : { _IN: input };
  return (await pool.invoke({ image: typeof source === "string" ? image(source) : source, globals })).value;
};

/** Strings with NUL, lone surrogates, byte order marks and other trouble. */
const anyString = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    "\0",
    "a\0b",
    "\ufeffx",
    "\ud800",
    "\udc00\ud800",
    "\ufffd",
    "é",
    "😀",
    "x".repeat(5_000),
    "é".repeat(3_000),
  ),
);

const anyKey = fc.oneof(
  anyString,
  fc.constantFrom("__proto__", "constructor", "1", "-1", "", "toString", "__index", "n"),
);

const anyNumber = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
  fc.constantFrom(2 ** 53, -(2 ** 53), 2 ** 53 - 1, 1e300, 5e-324, 1e21, 2 ** 63, -(2 ** 63), 0.1, 3.0),
);

const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthIdentifier: "json" },
    fc.constant(null),
    fc.boolean(),
    anyNumber,
    anyString,
    fc.array(tie("value"), { maxLength: 6, depthIdentifier: "json" }),
    fc
      .array(fc.tuple(anyKey, tie("value")), { maxLength: 6, depthIdentifier: "json" })
      .map((entries) => Object.fromEntries(entries)),
  ),
}));

/** Order of keys is not part of a JSON value. */
const sorted = (value: Json): Json =>
  Array.isArray(value)
    ? (value as readonly Json[]).map(sorted)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sorted(item)]),
        )
      : value;
const text = (value: Json) => JSON.stringify(sorted(value));

describe("JSON through Lua", () => {
  it("comes back as it went in", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyJson, { minLength: 1, maxLength: 8 }), async (values) => {
        const results = await Promise.all(values.map((value) => run(ECHO, value)));
        results.forEach((result, i) => {
          expect(text(result)).toBe(text(values[i] as Json));
        });
      }),
      { numRuns: 150 },
    );
  });

  it("comes back as it went in when the script rebuilds it", async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, async (value) => {
        expect(text(await run(COPY, value))).toBe(text(value));
      }),
      { numRuns: 100 },
    );
  });

  it("is encoded to text and decoded from text by the same rules", async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, async (value) => {
        const encoded = await run(ENCODE, value);
        expect(text(JSON.parse(encoded as string) as Json)).toBe(text(value));
        expect(text(await run(DECODE, JSON.stringify(value)))).toBe(text(value));
      }),
      { numRuns: 100 },
    );
  });

  it("keeps __proto__ a plain key", async () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"a":[{"__proto__":1}]}') as Json;
    const result = await run(ECHO, value);
    expect(Object.hasOwn(result as object, "__proto__")).toBe(true);
    expect(text(result)).toBe(text(value));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(await run("return { ['__proto__'] = { polluted = true } }")).toEqual(
      JSON.parse('{"__proto__":{"polluted":true}}'),
    );
  });
});

describe("values a script makes", () => {
  it.each<[string, string, Json]>([
    ["nothing is null", "", null],
    ["nil is null", "return nil", null],
    ["json.null is null", "return { a = json.null }", { a: null }],
    ["only the first result counts", "return 1, 2", 1],
    ["an unmarked empty table is an object", "return {}", {}],
    ["a marked empty table is an array", "return json.array()", []],
    ["a marked object stays one", "return json.object()", {}],
    ["a sequence is an array", "return { 1, 'two', { 3 } }", [1, "two", [3]]],
    ["nil at the end shortens a sequence", "return { 1, 2, nil }", [1, 2]],
    ["an integral float is an integer", "return { 3.0, 6 / 2, 1e2 }", [3, 3, 100]],
    ["a large float keeps its value", "return { 2^53, 1e300, -2^63 }", [2 ** 53, 1e300, -(2 ** 63)]],
    ["the largest exact integer passes", "return { 1 << 53, -(1 << 53) }", [2 ** 53, -(2 ** 53)]],
    ["numeric strings are string keys", "return { ['1'] = true }", { "1": true }],
    [
      "metatables do not count",
      "return setmetatable({ a = 1 }, { __index = { b = 2 }, __pairs = error, __len = error })",
      { a: 1 },
    ],
    ["the input's arrays stay arrays when emptied", "table.remove(_IN, 1) return _IN", []],
    [
      "an array is known as one",
      "return { json.is_array(_IN), json.is_array({}), json.is_array({ 1 }), json.is_array(1) }",
      [true, false, true, false],
    ],
    [
      "text of a number",
      "return json.encode(1.5) .. json.encode(3.0) .. json.encode(json.null) .. json.encode('\\0')",
      '1.53null"\\u0000"',
    ],
  ])("%s", async (_, source, expected) => {
    expect(await run(source, [1])).toEqual(expected);
  });

  it.each<[string, string, string, string]>([
    ["a function", "return { a = { print } }", "lua_value", "the result at /a/0 is a function"],
    ["a coroutine", "return coroutine.create(print)", "lua_value", "the result is a coroutine"],
    ["NaN", "return { x = 0 / 0 }", "lua_value", "the result at /x is NaN"],
    ["infinity", "return { 1, -math.huge }", "lua_value", "the result at /1 is -Infinity"],
    ["an integer beyond 2^53", "return { id = (1 << 53) + 1 }", "lua_value", "the result at /id is 9007199254740993"],
    ["the smallest integer", "return math.mininteger", "lua_value", "-9223372036854775808"],
    ["a mixed table", "return { 1, 2, name = 'x' }", "lua_value", 'extra key "name"'],
    ["a sparse table", "return { [1] = 1, [3] = 3 }", "lua_value", "extra key 3"],
    ["a hole", "return { 1, nil, 3 }", "lua_value", "nothing at index 2"],
    ["a table from 2", "return { [2] = 2 }", "lua_value", "key 2"],
    ["a table from 0", "return { [0] = 0 }", "lua_value", "key 0"],
    ["a fractional key", "return { [1.5] = 0 }", "lua_value", "key 1.5"],
    ["a boolean key", "return { [true] = 0 }", "lua_value", "key true"],
    ["a table as key", "return { [{}] = 0 }", "lua_value", "neither a string nor a number"],
    ["an object with index keys", "return json.object({ 1 })", "lua_value", "key 1"],
    ["an array with names", "local a = json.array() a.x = 1 return a", "lua_value", 'extra key "x"'],
    [
      "bytes that are not UTF-8",
      "return { s = 'ok\\xff' }",
      "lua_value",
      "the result at /s is a string of 3 bytes is not UTF-8 (byte 3)",
    ],
    ["a pair written as halves", "return '\\xed\\xa0\\xbd\\xed\\xb8\\x80'", "lua_value", "not UTF-8"],
    ["an overlong byte sequence", "return '\\xc0\\x80'", "lua_value", "not UTF-8"],
    ["a key that is not UTF-8", "return { ['\\xff'] = 1 }", "lua_value", "has a key that is"],
    ["a path with odd keys", "return { ['a/b~c'] = print }", "lua_value", "/a~1b~0c"],
  ])("%s is refused", async (_, source, code, message) => {
    await expect(run(source)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it("that nest too deeply are refused, and cycles are called so", async () => {
    const nested = (levels: number) => `local t = 1 for i = 1, ${levels} do t = { t } end return t`;
    expect(JSON.stringify(await run(nested(128)))).toBe(`${"[".repeat(128)}1${"]".repeat(128)}`);
    await expect(run(nested(129))).rejects.toMatchObject({
      code: "lua_depth_limit",
      message: expect.not.stringContaining("itself"),
    });
    await expect(run("local t = {} t.a = { t } return t")).rejects.toMatchObject({
      code: "lua_depth_limit",
      message: expect.stringContaining("contains itself"),
    });
  });

  it("beyond outputBytes are refused", async () => {
    const limits = { outputBytes: 1_000 };
    const invoke = (source: string) => pool.invoke({ image: image(source), limits });
    expect((await invoke("return ('x'):rep(900)")).value).toHaveLength(900);
    await expect(invoke("return ('x'):rep(1001)")).rejects.toMatchObject({ code: "lua_output_limit" });
    await expect(invoke("return { [('x'):rep(1001)] = 1 }")).rejects.toMatchObject({ code: "lua_output_limit" });
    await expect(invoke("local t = {} for i = 1, 200 do t[i] = i end return t")).rejects.toMatchObject({
      code: "lua_output_limit",
    });
  });
});

describe("values a caller hands in", () => {
  const invoke = (value: unknown, limits = {}) => pool.invoke({ image: ECHO, globals: { _IN: value as Json }, limits });

  it.each<[string, unknown, string]>([
    ["a function", { a: [() => 1] }, "global _IN at /a/0 is a function"],
    ["undefined", { a: undefined }, "global _IN at /a is undefined"],
    ["a bigint", 1n, "global _IN is a bigint"],
    ["NaN", [Number.NaN], "global _IN at /0 is NaN"],
    ["a date", new Date(0), "is not a plain object"],
    ["a map", { m: new Map() }, "is not a plain object"],
  ])("%s is refused before anything runs", async (_, value, message) => {
    await expect(invoke(value)).rejects.toMatchObject({ code: "lua_value", message: expect.stringContaining(message) });
  });

  it("are refused when they are too deep or contain themselves", async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    await expect(invoke(cyclic)).rejects.toMatchObject({ code: "lua_depth_limit" });
    await expect(invoke([[[]]], { maxDepth: 2 })).rejects.toMatchObject({ code: "lua_depth_limit" });
    expect((await invoke([[]], { maxDepth: 2 })).value).toEqual([[]]);
  });

  it("have null as json.null and keep array and object apart", async () => {
    const source = image(`return {
      type(_IN.null), _IN.null == json.null, rawlen(_IN.list), next(_IN.none) == nil,
      math.type(_IN.int), math.type(_IN.float), math.type(_IN.integral), #_IN.nul }`);
    const globals = {
      _IN: { null: null, list: [1, 2, null], none: {}, int: 7, float: 1.5, integral: 3.0, nul: "a\0b" },
    };
    expect((await pool.invoke({ image: source, globals })).value).toEqual([
      "userdata",
      true,
      3,
      true,
      "integer",
      "float",
      "integer",
      3,
    ]);
  });
});

describe("json.encode and json.decode", () => {
  it("raise errors a script can catch", async () => {
    const source = `
      local function try(f, ...) local ok, e = pcall(f, ...) return { ok, e } end
      return { try(json.encode, print), try(json.decode, "{"), try(json.decode, ("["):rep(200)), try(json.decode, "1e999"),
        try(json.array, 1), try(json.array, setmetatable({}, {})) }`;
    const results = (await run(source)) as [boolean, string][];
    expect(results.map(([ok]) => ok)).toEqual([false, false, false, false, false, false]);
    const messages = results.map(([, message]) => message);
    expect(messages[0]).toContain("json.encode: the value is a function");
    expect(messages[1]).toContain("json.decode: ");
    expect(messages[3]).toContain("too large for a double");
    expect(messages[5]).toContain("metatable of its own");
  });
});
