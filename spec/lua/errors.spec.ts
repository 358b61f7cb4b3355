import { afterAll, describe, expect, it } from "vitest";
import { checkLuaSyntax, LuaError, type LuaImage, LuaPool, luaSyntaxChecker } from "../../src/lua/index.ts";

const pool = new LuaPool({ threads: 1 });
afterAll(() => pool[Symbol.asyncDispose]());

const image = (source: string, chunkName = "agent.lua"): LuaImage => ({ source, chunkName, host: [], kind: "worker" });
const failure = async (source: string, limits = {}): Promise<LuaError> => {
  const outcome = await pool.invoke({ image: image(source), limits }).catch((error: unknown) => error);
  if (outcome instanceof LuaError) return outcome;
  throw new Error(`no failure but ${JSON.stringify(outcome)}`);
};

describe("an error a script raises", () => {
  it("carries chunk, line and the script's frames", async () => {
    const error = await failure(`
local function inner(t)
  return t.missing.field
end
local function outer()
  local value = inner({})
  return value
end
local result = outer()
return result`);
    expect(error.code).toBe("lua_error");
    expect(error.message).toBe("agent.lua:3: attempt to index a nil value (field 'missing')");
    expect(error).toMatchObject({ chunk: "agent.lua", line: 3 });
    expect(error.traceback?.split("\n")).toEqual([
      "agent.lua:3: in upvalue 'inner'",
      "agent.lua:6: in local 'outer'",
      "agent.lua:9: in main chunk",
    ]);
  });

  it("points where error's level says", async () => {
    const error = await failure(
      "local function check(x)\n  if not x then error('x is needed', 2) end\nend\n\ncheck(nil)\nreturn 1",
    );
    expect(error).toMatchObject({ message: "agent.lua:5: x is needed", line: 5 });
  });

  it("points at the caller of a sandbox function", async () => {
    expect(await failure("\n\ntable.insert(nil, 1)\nreturn 1")).toMatchObject({
      line: 3,
      message: "agent.lua:3: bad argument #1 to 'insert' (table expected, got no value)",
    });
    expect(await failure("\nlocal s = table.concat({ 1, {}, 3 })\nreturn s")).toMatchObject({
      line: 2,
      message: "agent.lua:2: invalid value (table) at index 2 in table for 'concat'",
    });
    expect(await failure("\nlocal t = { 1, 'x' } table.sort(t)\nreturn t")).toMatchObject({
      line: 2,
      message: expect.stringMatching(/^agent\.lua:2: attempt to compare (number with string|string with number)$/),
    });
  });

  it("keeps the message and the fields of an error table", async () => {
    const error = await failure("error({ message = 'no such user', status = 404, tags = { 'a' } })");
    expect(error.message).toBe("no such user");
    expect(error.value).toEqual({ message: "no such user", status: 404, tags: ["a"] });
    expect(error).toMatchObject({ chunk: "agent.lua", line: 1 });
  });

  it("keeps the message of an error table JSON cannot carry", async () => {
    const error = await failure("error({ message = 'odd', f = print })");
    expect(error.message).toBe("odd");
    expect(error.value).toBeUndefined();
  });

  it.each<[string, string, string]>([
    ["a number", "error(42)", "42"],
    ["nothing", "error()", "nil"],
    ["false", "error(false)", "false"],
    ["a table without a message", "error({})", "(error object is a table value)"],
    ["a table with __tostring", "error(setmetatable({}, { __tostring = function() return 'shown' end }))", "shown"],
    [
      "a table whose __tostring fails",
      "error(setmetatable({}, { __tostring = error }))",
      "(error object is a table value)",
    ],
    ["bytes that are not UTF-8", "error('\\xff!', 0)", "\ufffd!"],
  ])("may be %s", async (_, source, message) => {
    expect(await failure(source)).toMatchObject({ code: "lua_error", message });
  });

  it("is found in a coroutine and behind a tail call", async () => {
    expect(
      await failure("local f = coroutine.wrap(function()\n error('inside') end)\nlocal x = f()\nreturn x"),
    ).toMatchObject({
      message: "agent.lua:3: agent.lua:2: inside",
      line: 3,
    });
    expect(await failure("return coroutine.wrap(function()\n error('inside') end)()")).toMatchObject({ line: 2 });
  });

  it("shows deep stacks by their inner end", async () => {
    const error = await failure("local function f(n) if n == 0 then error('deep') end f(n - 1) return 1 end f(100)");
    const lines = error.traceback?.split("\n") ?? [];
    expect(lines).toHaveLength(25);
    expect(lines.at(-1)).toBe("...");
  });

  it("names chunks whose names are long", async () => {
    const chunkName = `${"long/".repeat(30)}agent.lua`;
    const error: unknown = await pool.invoke({ image: image("\nerror('x')", chunkName) }).catch((e: unknown) => e);
    expect(error).toMatchObject({ chunk: chunkName, line: 2 });
  });
});

describe("a limit", () => {
  it("says where the script was", async () => {
    const error = await failure("local i = 0\nwhile true do\n  i = i + 1\nend", { cpuMs: 20 });
    expect(error.code).toBe("lua_cpu_limit");
    expect(error.message).toContain("20 ms of CPU time");
    expect([2, 3]).toContain(error.line);
    expect(error.traceback).toMatch(/^agent\.lua:[23]: in main chunk$/);
  });

  it("of memory holds for what fits the VM from the start as well", async () => {
    const source = "local t = {} for i = 1, 1e6 do t[i] = { i } end return #t";
    expect(await failure(source, { memoryBytes: 4 * 1_048_576 })).toMatchObject({
      code: "lua_memory_limit",
      message: expect.stringContaining("4194304 bytes of memory"),
    });
  });

  it("of memory counts what is alive, not what was thrown away", async () => {
    const source = "local n = 0 for i = 1, 2e4 do n = n + #(('x'):rep(1e4) .. i) end return n > 0";
    const { value } = await pool.invoke({
      image: image(source),
      limits: { memoryBytes: 18 * 1_048_576, cpuMs: 60_000 },
    });
    expect(value).toBe(true);
  });

  it("of memory does not outlive the invocation that met it", async () => {
    await failure("return ('x'):rep(1e9)");
    expect((await pool.invoke({ image: image("return #('x'):rep(2e7)") })).value).toBe(2e7);
    expect((await pool.invoke({ image: image("return #('x'):rep(2e7)") })).value).toBe(2e7);
  });

  it.each<[string, object]>([
    ["zero", { cpuMs: 0 }],
    ["negative", { memoryBytes: -1 }],
    ["not a number", { wallMs: Number.NaN }],
    ["infinite", { outputBytes: Number.POSITIVE_INFINITY }],
    ["over the ceiling", { maxDepth: 1e6 }],
    ["unknown", { cpu: 5 }],
  ])("that is %s is refused", async (_, limits) => {
    await expect(pool.invoke({ image: image("return 1"), limits })).rejects.toMatchObject({ code: "lua_invalid" });
    expect(() => new LuaPool({ limits })).toThrow(LuaError);
  });
});

describe("a chunk that does not compile", () => {
  const broken = "local x = 1\nlocal y = = 2\n";

  it("fails with its line, as an invocation and when it is checked", async () => {
    const expected = {
      code: "lua_syntax",
      message: "agent.lua:2: unexpected symbol near '='",
      chunk: "agent.lua",
      line: 2,
    };
    expect(await failure(broken)).toMatchObject(expected);
    expect(checkLuaSyntax(broken, "agent.lua")).toMatchObject(expected);
  });

  it("is told from one that does", () => {
    const check = luaSyntaxChecker();
    expect(check("return 1", "a.lua")).toBeUndefined();
    expect(check("return (", "b.lua")).toMatchObject({ chunk: "b.lua", line: 1 });
    expect(check("goto nowhere", "c.lua")).toMatchObject({ code: "lua_syntax" });
    expect(check("while true do end", "d.lua")).toBeUndefined();
    expect(check("\x1bLua", "e.lua")).toMatchObject({
      code: "lua_syntax",
      message: expect.stringContaining("binary chunk"),
    });
    expect(check(`x = "${"y".repeat(1_048_576)}"`, "f.lua")).toMatchObject({ code: "lua_syntax" });
  });
});

describe("an invocation that is malformed", () => {
  it.each<[string, Partial<LuaImage>, object, string]>([
    ["a chunk name of two lines", { chunkName: "a\nb" }, {}, "chunkName"],
    ["no chunk name", { chunkName: "" }, {}, "chunkName"],
    ["a source that is too long", { source: "-".repeat(1_048_577) }, {}, "1048577 characters"],
    ["an empty host name", { host: [""] }, {}, "host function"],
    ["roots for a worker", { roots: ["/"] }, {}, "roots"],
    ["a time that is none", {}, { nowMs: Number.NaN }, "nowMs"],
  ])("with %s is refused", async (_, part, rest, message) => {
    await expect(pool.invoke({ image: { ...image("return 1"), ...part }, ...rest })).rejects.toMatchObject({
      code: "lua_invalid",
      message: expect.stringContaining(message),
    });
  });
});
