import { afterAll, describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { type LuaHost, type LuaImage, LuaPool } from "../../src/lua/index.ts";

const pool = new LuaPool({ threads: 1 });
afterAll(() => pool[Symbol.asyncDispose]());

const image = (source: string, host: readonly string[] = ["read"]): LuaImage => ({
  source,
  chunkName: "caller.lua",
  host,
  kind: "worker",
});

/** Answers with what it was asked, or refuses where the argument says so. */
const echo: LuaHost = async (name, arg) => {
  if (arg === "refuse") throw new Error("not today");
  return { name, arg };
};
const run = async (source: string, host: LuaHost = echo, names?: readonly string[]): Promise<Json> =>
  (await pool.invoke({ image: image(source, names), host })).value;

describe("host calls", () => {
  it("send the argument and return the answer", async () => {
    expect(await run("return host.read({ path = 'a', list = json.array(), none = json.null })")).toEqual({
      name: "read",
      arg: { path: "a", list: [], none: null },
    });
    expect(await run("return host.read()")).toEqual({ name: "read", arg: null });
    expect(await run("return host['odd name'](1)", echo, ["odd name"])).toEqual({ name: "odd name", arg: 1 });
  });

  it("exist by grant only", async () => {
    expect(await run("return { host == nil, pcall(function() return host.read() end) }", echo, [])).toEqual([
      true,
      false,
      "caller.lua:1: attempt to index a nil value (global 'host')",
    ]);
    expect(
      await run(
        "local names = {} for k in pairs(host) do names[#names + 1] = k end table.sort(names) return names",
        echo,
        ["b", "a"],
      ),
    ).toEqual(["a", "b"]);
    expect(await run("return host.write == nil")).toBe(true);
  });

  it("may be many, one after the other, with the script's state kept", async () => {
    const source =
      "local sum = 0 local seen = {} for i = 1, 20 do seen[i] = host.add(i) sum = sum + seen[i] end return { sum, #seen, math.random() }";
    const value = await run(source, async (_, arg) => Number(arg) * 2, ["add"]);
    expect(value).toEqual([420, 20, (await run("return math.random()")) as number]);
  });

  it("that fail raise an error at the call, which the script can catch", async () => {
    expect(await run("\nlocal ok, e = pcall(host.read, 'refuse') return { ok, e }")).toEqual([
      false,
      "host.read: not today",
    ]);
    expect(
      await run("\nlocal ok, e = pcall(function()\n local x = host.read('refuse') return x end) return { ok, e }"),
    ).toEqual([false, "caller.lua:3: host.read: not today"]);
    await expect(run("\n\nlocal x = host.read('refuse') return x")).rejects.toMatchObject({
      code: "lua_host",
      message: "caller.lua:3: host.read: not today",
      line: 3,
    });
    await expect(run("error('mine')")).rejects.toMatchObject({ code: "lua_error" });
  });

  it("keep the host's failure apart from the script's own across further calls", async () => {
    const source = "local ok, e = pcall(host.read, 'refuse') host.read('fine') error(e, 0)";
    await expect(run(source)).rejects.toMatchObject({ code: "lua_host", message: "host.read: not today" });
    await expect(run("pcall(host.read, 'refuse') host.read('fine') error('mine', 0)")).rejects.toMatchObject({
      code: "lua_error",
    });
  });

  it("refuse arguments that are not JSON without asking the host", async () => {
    let asked = 0;
    const counting: LuaHost = async () => {
      asked += 1;
      return null;
    };
    expect(await run("return { pcall(host.read, { f = print }) }", counting)).toEqual([
      false,
      "the argument of host.read at /f is a function, which JSON cannot carry",
    ]);
    expect(asked).toBe(0);
    expect(await run("local ok = pcall(host.read, print) return { ok, host.read(1) == json.null }", counting)).toEqual([
      false,
      true,
    ]);
    expect(asked).toBe(1);
  });

  it("refuse answers that are not JSON", async () => {
    const value = await run("return { pcall(host.read) }", async () => ({ a: Number.NaN }));
    expect(value).toEqual([false, "host.read: the answer of host.read at /a is NaN, which JSON has no number for"]);
  });

  it("fail where the invocation has no host", async () => {
    await expect(pool.invoke({ image: image("return host.read()") })).rejects.toMatchObject({
      code: "lua_host",
      message: expect.stringContaining("no host to call"),
    });
  });

  it.each([
    ["in pcall", "return (select(2, pcall(host.read, 1)))"],
    [
      "in nested functions",
      "local function f(n) if n == 0 then return host.read(1) end local r = f(n - 1) return r end return f(50)",
    ],
    ["in xpcall", "return (select(2, xpcall(host.read, print, 1)))"],
    ["in a metamethod", "return setmetatable({}, { __index = function(_, k) return host.read(1) end }).x"],
    ["in an iterator", "for v in function(_, last) if last == nil then return host.read(1) end end do return v end"],
    [
      "in a table.sort comparison",
      "local r table.sort({ 2, 1 }, function(a, b) r = host.read(1) return a < b end) return r",
    ],
    ["in a coroutine", "local co = coroutine.wrap(function() return host.read(1) end) return (co())"],
    [
      "in a coroutine in a coroutine in pcall",
      "return coroutine.wrap(function() return select(2, pcall(coroutine.wrap(function() return host.read(1) end))) end)()",
    ],
    [
      "in a to-be-closed variable",
      "local r do local x <close> = setmetatable({}, { __close = function() r = host.read(1) end }) end return r",
    ],
  ])("work %s", async (_, source) => {
    expect(await run(source)).toEqual({ name: "read", arg: 1 });
  });

  it("are not seen by the script's own resume and yield", async () => {
    expect(
      await run(`
      local co = coroutine.create(function(a)
        local first = host.read(a).arg
        local b = coroutine.yield(first, "mine")
        local second = host.read(b).arg
        return second, "done"
      end)
      local out = {}
      out[1] = { coroutine.resume(co, 1) }
      out[2] = { coroutine.resume(co, 2) }
      out[3] = { coroutine.resume(co) }
      return out`),
    ).toEqual([
      [true, 1, "mine"],
      [true, 2, "done"],
      [false, "cannot resume dead coroutine"],
    ]);
  });

  it.each([
    ["string.gsub", "return { pcall(string.gsub, 'x', 'x', function() return host.read(1) end) }"],
    ["__tostring", "return { pcall(tostring, setmetatable({}, { __tostring = function() return host.read(1) end })) }"],
    [
      "a coroutine resumed in string.gsub",
      "return { pcall(string.gsub, 'x', 'x', function() return coroutine.wrap(function() return host.read(1) end)() end) }",
    ],
  ])("from %s are refused with a reason", async (_, source) => {
    const [ok, message] = (await run(source)) as [boolean, string];
    expect(ok).toBe(false);
    expect(message).toContain("host.read cannot be called here");
  });
});

describe("an invocation that waits for the host", () => {
  /** A host whose answers are given by hand. */
  const byHand = () => {
    const calls: { arg: Json; signal: AbortSignal; answer: (value: Json) => void }[] = [];
    const waiters: (() => void)[] = [];
    const host: LuaHost = (_, arg, signal) =>
      new Promise((answer) => {
        calls.push({ arg, signal, answer });
        for (const wake of waiters.splice(0)) wake();
      });
    const called = async (count: number) => {
      while (calls.length < count) await new Promise<void>((wake) => waiters.push(wake));
    };
    return { calls, host, called };
  };

  it("holds no thread: others run, and the host may itself invoke", async () => {
    const { calls, host, called } = byHand();
    const waiting = Array.from({ length: 50 }, (_, i) =>
      pool.invoke({ image: image(`local a = host.read(${i}) return { ${i}, a }`), host }),
    );
    await called(50);
    expect(pool.stats()).toMatchObject({ waiting: 50, queued: 0, sent: 0 });
    expect(await run("return 'meanwhile'")).toBe("meanwhile");
    const nested: LuaHost = async () => run("return 'nested'");
    expect(await run("return host.read()", nested)).toBe("nested");
    for (const { arg, answer } of calls.reverse()) answer(`answer ${String(arg)}`);
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual(
      Array.from({ length: 50 }, (_, i) => [i, `answer ${i}`]),
    );
    expect(pool.stats().waiting).toBe(0);
  });

  it("is cancelled at once, and the host call is told", async () => {
    const { calls, host, called } = byHand();
    const controller = new AbortController();
    const waiting = pool.invoke({ image: image("return host.read()"), host, signal: controller.signal });
    await called(1);
    expect(calls[0]?.signal.aborted).toBe(false);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "lua_cancelled" });
    expect(calls[0]?.signal.aborted).toBe(true);
    calls[0]?.answer(1);
  });

  it("may hold more memory than a fresh VM has", async () => {
    const source =
      "local s = ('x'):rep(1e7) .. host.read('y').arg local t = host.read('z').arg return { #s, s:sub(-1), t }";
    const results = await Promise.all(Array.from({ length: 3 }, () => run(source)));
    expect(results).toEqual(Array.from({ length: 3 }, () => [10_000_001, "y", "z"]));
    expect(await run("return 1")).toBe(1);
  });

  it("keeps its CPU account and what it printed", async () => {
    const source = "print('before') local t = host.read() local n = 0 while true do n = n + 1 end";
    await expect(pool.invoke({ image: image(source), host: echo, limits: { cpuMs: 30 } })).rejects.toMatchObject({
      code: "lua_cpu_limit",
    });
    const { printed } = await pool.invoke({
      image: image("print('a') host.read() print('b') host.read() print('c')"),
      host: echo,
    });
    expect(printed).toEqual(["a", "b", "c"]);
    const chatty = "for i = 1, 10 do print(('x'):rep(50)) host.read() end";
    const bounded = await pool.invoke({ image: image(chatty), host: echo, limits: { outputBytes: 300 } });
    expect(bounded.printed.at(-1)).toContain("the rest is dropped");
    expect(bounded.printed.length).toBeLessThan(8);
  });

  it("adds up the CPU time of its stretches", async () => {
    // Each stretch is short of the limit; together they are over it.
    const source = "while true do local n = 0 for i = 1, 1e5 do n = n + i end host.read() end";
    await expect(pool.invoke({ image: image(source), host: echo, limits: { cpuMs: 150 } })).rejects.toMatchObject({
      code: "lua_cpu_limit",
    });
  });
});
