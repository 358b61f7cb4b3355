import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { type LuaImage, LuaPool } from "../../src/lua/index.ts";
import { NativeLua } from "./native-lua.ts";

const pool = new LuaPool({ threads: 1 });
afterAll(() => pool[Symbol.asyncDispose]());
const native = new NativeLua();

/** Shows any values as one line that tells them apart, error positions left out. */
const SHOW = `
local function show(v, depth)
  if math.type(v) == "float" then return ("%a"):format(v) end
  if type(v) == "string" then return (("%q"):format(v):gsub("[^ -~]", function(c) return ("<%02x>"):format(c:byte()) end)) end
  if type(v) == "function" then return "function" end
  if type(v) ~= "table" then return tostring(v) end
  local keys = {}
  for k in pairs(v) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, k in ipairs(keys) do keys[i] = "[" .. show(k) .. "]=" .. show(v[k]) end
  return "{" .. table.concat(keys, ",") .. "}"
end
local function try(f, ...)
  local results = table.pack(pcall(f, ...))
  local ok = results[1]
  for i = 1, results.n do
    local v = results[i]
    if i == 2 and not ok then
      v = tostring(v):gsub("^[^:]*:%d+: ", ""):gsub("to '[^']*'", "to 'f'")
    end
    results[i] = show(v)
  end
  return table.concat(results, " ", 1, results.n)
end
`;

const compare = (body: string): ((...args: readonly string[]) => Promise<[string, string]>) => {
  const theirs = native.chunk(`${SHOW} ${body}`);
  const image: LuaImage = {
    source: `${SHOW} return (function(...) ${body} end)(table.unpack(_ARGS))`,
    chunkName: "chunk",
    host: [],
    kind: "worker",
  };
  return async (...args) => {
    const { value } = await pool.invoke({ image, globals: { _ARGS: args } });
    return [value as string, theirs(...args)];
  };
};

const agree = async (body: string, cases: fc.Arbitrary<readonly string[]>, runs: number) => {
  const both = compare(body);
  await fc.assert(
    fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: 40 }), async (list) => {
      const results = await Promise.all(list.map((args) => both(...args)));
      for (const [ours, theirs] of results) expect(ours).toBe(theirs);
    }),
    { numRuns: runs },
  );
};

/** Short subjects over few letters, so that patterns often match. */
const subject = fc
  .array(fc.constantFrom("a", "b", "c", "(", ")", "[", "%", " ", "1", "é", "\0", "-", "x=1,"), { maxLength: 14 })
  .map((parts) => parts.join(""));
const piece = fc.constantFrom(
  ...[
    "a",
    "b",
    ".",
    "%a",
    "%d",
    "%s",
    "%w",
    "%A",
    "%%",
    "%.",
    "%g",
    "%p",
    "%c",
    "%x",
    "%u",
    "%l",
    "%z",
    "[abc]",
    "[^a]",
    "[a-c]",
    "[%w_]",
  ],
  ...[
    "[]]",
    "[^]]",
    "[a-]",
    "[%]]",
    "%b()",
    "%f[%a]",
    "%f[%A]",
    "(a)",
    "(.)",
    "()",
    "(%a+)",
    "(a*(.)%w(%s*))",
    "%1",
    "%2",
    "(",
    ")",
    "[",
    "%",
    "[%",
  ],
  ...[
    "a*",
    "a+",
    "a-",
    "a?",
    ".*",
    ".-",
    ".+",
    "%w*",
    "[ab]+",
    "[^b]-",
    "%s*",
    "^",
    "$",
    "\0",
    "é",
    "-",
    "*",
    "%b",
    "%f",
    "[a",
  ],
);
const pattern = fc
  .tuple(fc.constantFrom("", "", "^"), fc.array(piece, { maxLength: 5 }), fc.constantFrom("", "", "$"))
  .map(([start, pieces, end]) => start + pieces.join("") + end);
const init = fc.constantFrom(
  "nil",
  "1",
  "2",
  "-1",
  "-3",
  "0",
  "5",
  "100",
  "-100",
  "math.maxinteger",
  "math.mininteger",
);
const replacement = fc.constantFrom("", "x", "%0", "<%1>", "%2%1", "%%", "%", "%9", "a%a", "%0%0", "\0");

describe("string functions", () => {
  it("find as Lua does", async () => {
    const body =
      "local s, p, i, plain = ... return try(string.find, s, p, tonumber(i) or math[(i:gsub('math.', ''))], plain == 'true')";
    await agree(body, fc.tuple(subject, pattern, init, fc.constantFrom("true", "false")), 120);
  });

  it("match as Lua does", async () => {
    const body = "local s, p, i = ... return try(string.match, s, p, tonumber(i) or math[(i:gsub('math.', ''))])";
    await agree(body, fc.tuple(subject, pattern, init), 120);
  });

  it("gmatch as Lua does", async () => {
    const body = `local s, p, i = ...
      return try(function() local all = {} for a, b in string.gmatch(s, p, tonumber(i)) do all[#all + 1] = { a, b } end return all end)`;
    await agree(body, fc.tuple(subject, pattern, init), 120);
  });

  it("gsub with text, number of times and all as Lua does", async () => {
    const body = "local s, p, r, n = ... return try(string.gsub, s, p, r, tonumber(n))";
    await agree(body, fc.tuple(subject, pattern, replacement, fc.constantFrom("nil", "0", "1", "2", "-1")), 120);
  });

  it("gsub with functions and tables as Lua does", async () => {
    const body = `local s, p, kind = ...
      local by = { f = function(a, b) if a == "b" then return nil end return (b or "") .. (tostring(a)) end, t = { a = 1, b = false, ["1"] = 1.5, c = "C" },
        no = true, bad = function() return {} end, nothing = function() end }
      return try(string.gsub, s, p, by[kind])`;
    await agree(body, fc.tuple(subject, pattern, fc.constantFrom("f", "t", "no", "bad", "nothing", "nil")), 120);
  });

  it("rep as Lua does", async () => {
    const body = "local s, n, sep = ... return try(string.rep, s, tonumber(n) or n, sep)";
    await agree(
      body,
      fc.tuple(subject, fc.constantFrom("0", "1", "3", "-1", "2.0", "2.5", "x"), fc.constantFrom("", ",", "ab")),
      30,
    );
  });

  it("refuse wrong arguments as Lua does", async () => {
    const body = `local name = ...
      local out = {}
      for _, args in ipairs({ {}, { "x" }, { {}, "x" }, { "x", {} }, { "x", "y", {} }, { "x", "y", "z", {} }, { 1, 1, 1 } }) do
        out[#out + 1] = try(string[name], table.unpack(args))
      end
      return table.concat(out, "\\n")`;
    const both = compare(body);
    for (const name of ["find", "match", "gmatch", "gsub", "rep"]) {
      const [ours, theirs] = await both(name);
      expect(ours).toBe(theirs);
    }
  });
});

describe("table functions", () => {
  const list = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 60 }).map((items) => items.join(","));
  const integer = fc.integer({ min: -3, max: 9 }).map(String);
  const parse = "local t = {} for n in (...):gmatch('[^,]+') do t[#t + 1] = tonumber(n) end";

  it("sort as Lua does", async () => {
    await agree(`${parse} table.sort(t) return show(t)`, fc.tuple(list), 40);
    await agree(`${parse} table.sort(t, function(a, b) return a > b end) return show(t)`, fc.tuple(list), 40);
  });

  it("sort stably, and leave the table alone when a comparison fails", async () => {
    const source = `
      local t = {} for i = 1, 100 do t[i] = { key = i % 7, order = i } end
      table.sort(t, function(a, b) return a.key < b.key end)
      local stable = true
      for i = 2, 100 do stable = stable and (t[i - 1].key < t[i].key or t[i - 1].order < t[i].order) end
      local u = { 3, 2, "x", 1 }
      local failed = not pcall(table.sort, u)
      return { stable, failed, table.concat(u, ",") }`;
    const image: LuaImage = { source, chunkName: "sort.lua", host: [], kind: "worker" };
    expect((await pool.invoke({ image })).value).toEqual([true, true, "3,2,x,1"]);
  });

  it("insert and remove as Lua does", async () => {
    await agree(
      `${parse} local _, p, v = ... local r = try(table.insert, t, tonumber(p), v) return r .. show(t)`,
      fc.tuple(list, integer, integer),
      40,
    );
    await agree(
      `${parse} local _, v = ... local r = try(table.insert, t, v) return r .. show(t)`,
      fc.tuple(list, integer),
      20,
    );
    await agree(
      `${parse} local _, p = ... local r = try(table.remove, t, tonumber(p)) return r .. show(t)`,
      fc.tuple(list, integer),
      40,
    );
    await agree(`${parse} local r = try(table.remove, t) return r .. show(t)`, fc.tuple(list), 20);
  });

  it("move as Lua does", async () => {
    await agree(
      `${parse} local _, f, e, at, other = ... local to = other == "yes" and { 1, 2 } or nil
       local r = try(table.move, t, tonumber(f), tonumber(e), tonumber(at), to) return r .. show(t) .. show(to)`,
      fc.tuple(list, integer, integer, integer, fc.constantFrom("yes", "no")),
      40,
    );
  });

  it("concatenate as Lua does, metatables or not", async () => {
    await agree(
      `${parse} local _, s, i, j = ... return try(table.concat, t, s, tonumber(i), tonumber(j))`,
      fc.tuple(list, fc.constantFrom("", ", "), integer, integer),
      40,
    );
    await agree(
      `${parse} local _, s = ... local p = setmetatable({}, { __index = t, __len = function() return #t end }) return try(table.concat, p, s)`,
      fc.tuple(list, fc.constantFrom("", ", ")),
      20,
    );
  });

  it("refuse wrong arguments as Lua does", async () => {
    const body = `local name = ...
      local out = {}
      for _, args in ipairs({ { 1 }, { "x", 1 }, { {}, {} , {}, {} }, { {}, 1, 2, 3, 4 } }) do out[#out + 1] = try(table[name], table.unpack(args)) end
      return table.concat(out, "\\n")`;
    const both = compare(body);
    for (const name of ["insert", "remove", "move", "sort", "concat"]) {
      const [ours, theirs] = await both(name);
      expect(ours).toBe(theirs);
    }
  });
});
