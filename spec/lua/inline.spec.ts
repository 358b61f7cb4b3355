import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { StretchEnd } from "../../src/lua/execution.ts";
import { type LuaImage, type LuaInvocation, LuaPool, type LuaResult, WORKER_LIMITS } from "../../src/lua/index.ts";
import { InlineVm, MAX_LOOKS } from "../../src/lua/inline-vm.ts";
import { LuaVm } from "../../src/lua/vm.ts";
import { compileLuaModule } from "../../src/lua/wasm.ts";
import { HOSTILE_SCRIPTS } from "./hostile-scripts.ts";

const module = compileLuaModule();
const image = (source: string): LuaImage => ({ source, chunkName: "inline.lua", host: [], kind: "worker" });

let lastId = 0;
const attempt = (vm: InlineVm, source: string, given: Partial<LuaInvocation> = {}): StretchEnd | undefined => {
  const { globals, seed, nowMs = 0 } = given;
  const start = { ...(globals !== undefined && { globals }), ...(seed !== undefined && { seed }) };
  lastId += 1;
  return vm.attempt({ imageId: lastId, image: image(source), limits: WORKER_LIMITS, nowMs, start });
};

/** Everything a script before it could have changed. */
const WITNESS = `
  local names = {}
  for k in pairs(_G) do names[#names + 1] = tostring(k) end
  table.sort(names)
  return { names, ("abc"):upper(), _G.leak == nil and ("x").leak == nil, tostring({}), math.random(1 << 30) }`;

describe("an inline attempt", () => {
  it("ends after a bounded number of looks, in memory that does not grow, whatever the script does and the clock says", () => {
    // A clock that stands still: only the count is left.
    const vm = new InlineVm(module, () => 0);
    const size = vm.memoryBytes;
    const witness = attempt(vm, WITNESS);
    expect(witness).toMatchObject({ kind: "value" });
    for (const { name, source, ends } of HOSTILE_SCRIPTS) {
      const end = attempt(vm, source);
      expect(vm.looks, name).toBeLessThanOrEqual(MAX_LOOKS + 1);
      expect(vm.memoryBytes, name).toBe(size);
      // It has what a thread would have come to, or nothing.
      if (end?.kind === "value") expect("value" in ends ? ends.value : ends, name).toEqual(end.value);
      else if (end?.kind === "failure")
        expect("code" in ends ? [ends.code].flat() : ends, name).toContain(end.failure.code);
      expect(attempt(vm, WITNESS), name).toEqual(witness);
    }
    expect(size).toBeLessThan(2 * 1_048_576);
  });

  it("is torn off at the first look past its time", () => {
    let now = 0;
    const vm = new InlineVm(module, () => now++);
    expect(attempt(vm, "while true do end")).toBeUndefined();
    expect(vm.looks).toBeLessThan(10);
    expect(attempt(vm, "return 1")).toMatchObject({ value: 1 });
  });

  it.each([
    ["loops in pcall", "while true do pcall(function() while true do end end) end"],
    ["calls host functions only", "while true do local _ = ('x'):find('x') end"],
    ["prints", "while true do print('x') end"],
    ["writes a long date", "return #os.date(('%c'):rep(20000))"],
    ["returns much", "local s, t = ('x'):rep(50000), {} for i = 1, 70 do t[i] = s end return t"],
    ["encodes much", "local s, t = ('x'):rep(50000), {} for i = 1, 70 do t[i] = s end return #json.encode(t)"],
  ])("looks at the clock while a script %s", (_, source) => {
    let now = 0;
    // Each look takes an eighth of what an attempt may take.
    const vm = new InlineVm(module, () => {
      now += 0.25;
      return now;
    });
    expect(attempt(vm, source)).toBeUndefined();
  });

  it("tells a script nothing of its bounds", () => {
    const vm = new InlineVm(module, () => 0);
    // Whatever these caught would be an answer that a thread does not give.
    for (const source of [
      "return { pcall(string.rep, 'x', 1 << 20) }",
      "local s = 'x' while pcall(function() s = s .. s end) do end return #s",
      "local t = {} return pcall(function() for i = 1, 1e5 do t[i] = { i } end end)",
      "return { pcall(json.encode, { ('x'):rep(1e5), ('x'):rep(1e5), ('x'):rep(1e5) }) }",
      "return { pcall(string.gsub, ('x'):rep(1e4), 'x', 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy') }",
    ]) {
      expect(attempt(vm, source), source).toBeUndefined();
    }
  });

  it("does not compile what is too large to be compiled there", () => {
    const vm = new InlineVm(module);
    expect(attempt(vm, `return { ${"{},".repeat(50_000)} }`)).toBeUndefined();
    expect(attempt(vm, "return 1 +")).toBeUndefined();
    expect(attempt(vm, "return 1")).toMatchObject({ value: 1 });
  });
});

describe("an inline result", () => {
  const inline = new InlineVm(module, () => 0);
  const thread = new LuaVm(module, () => false);
  const inThread = (source: string, { globals, seed, nowMs = 0 }: Partial<LuaInvocation> = {}): StretchEnd =>
    thread.execute(thread.prepare(image(source)), {
      limits: { ...WORKER_LIMITS, cpuMs: 60_000 },
      nowMs,
      start: { ...(globals !== undefined && { globals }), ...(seed !== undefined && { seed }) },
    });

  const expression: fc.Arbitrary<string> = fc.letrec<{ readonly expr: string }>((tie) => ({
    expr: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(
        "_IN",
        "_IN.a",
        "_IN[1]",
        "#tostring(_IN)",
        "math.random(100)",
        "tostring({})",
        "tostring(print)",
      ),
      fc.constantFrom("os.time()", "os.date()", "json.null", "nil", "{}", "json.array()", "'a\\0b'", "1 << 62", "0/0"),
      fc.integer({ min: -5, max: 300 }).map(String),
      fc
        .tuple(tie("expr"), fc.constantFrom("+", "..", "<", "==", "and", "or", "//"), tie("expr"))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc
        .tuple(
          fc.constantFrom(
            "tostring",
            "type",
            "pcall",
            "json.encode",
            "('x'):rep",
            "('%s %s'):format",
            "table.pack",
            "error",
          ),
          fc.array(tie("expr"), { maxLength: 3 }),
        )
        .map(([name, args]) => `${name}(${args.join(", ")})`),
      fc.array(tie("expr"), { maxLength: 4 }).map((items) => `{ ${items.join(", ")} }`),
      tie("expr").map((e) => `{ k = ${e}, [{}] = nil }`),
      tie("expr").map((e) => `coroutine.wrap(function() return ${e} end)()`),
    ),
  })).expr;
  const statement = fc.oneof(
    expression.map((e) => `x = ${e}`),
    expression.map((e) => `print(${e})`),
    expression.map((e) => `for i = 1, 300 do t[i % 7] = { i, x } end print(pcall(function() return ${e} end))`),
    expression.map((e) => `for k, v in pairs({ [{}] = 1, [{}] = 2, [print] = 3, a = ${e} }) do print(k, v) end`),
    expression.map((e) => `t[#t + 1] = tostring(${e})`),
  );
  const script = fc
    .tuple(fc.array(statement, { maxLength: 6 }), expression)
    .map(([statements, result]) => `local x, t = 0, {}\n${statements.join("\n")}\nreturn ${result}`);

  it("is byte for byte that of a thread: value, printed lines, errors with place and traceback", () => {
    let compared = 0;
    fc.assert(
      fc.property(script, fc.jsonValue(), fc.string(), (source, input, seed) => {
        const given = { globals: { _IN: input as never }, seed, nowMs: 1_700_000_000_000 };
        const end = attempt(inline, source, given);
        if (end === undefined) return;
        compared += 1;
        expect(JSON.stringify(end)).toBe(JSON.stringify(inThread(source, given)));
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(200);
  });

  it("is that of a thread for every hostile script that comes to one", () => {
    for (const { name, source } of HOSTILE_SCRIPTS) {
      const end = attempt(inline, source);
      if (end !== undefined) expect(end, name).toEqual(inThread(source));
    }
  });
});

describe("the pool's inline lane", () => {
  const pool = new LuaPool({ threads: 1, limits: { memoryBytes: 48 * 1_048_576, wallMs: 60_000 } });
  afterAll(() => pool[Symbol.asyncDispose]());

  /** Runs an image alone until it has run inline; says how often that took. */
  const earn = async (quick: LuaInvocation): Promise<void> => {
    const before = pool.stats().inline;
    // Quickness is measured on a thread, so a busy machine takes more runs.
    for (let i = 0; i < 2_000 && pool.stats().inline === before; i++) await pool.invoke(quick);
    expect(pool.stats().inline).toBe(before + 1);
  };
  const settled = (promise: Promise<LuaResult>) =>
    promise.then(
      (result) => result,
      (error: unknown) => ({ ...(error as object), message: (error as Error).message }),
    );

  it("runs lone invocations of a script that has been quick, and only then", async () => {
    const quick: LuaInvocation = { image: image("print(_N) return { _N, tostring({}) }"), globals: { _N: 7 } };
    const first = await pool.invoke(quick);
    expect(pool.stats().inline).toBe(0);
    await earn(quick);
    expect(await pool.invoke(quick)).toEqual(first);
    expect(await pool.invoke({ ...quick, globals: { _N: 8 } })).toMatchObject({ printed: ["8"] });
  });

  it("leaves many at once to the threads", async () => {
    const quick: LuaInvocation = { image: image("return _N * 2"), globals: { _N: 1 } };
    await earn(quick);
    const before = pool.stats().inline;
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, n) => pool.invoke({ ...quick, globals: { _N: n } })),
    );
    expect(results.map(({ value }) => value)).toEqual(Array.from({ length: 200 }, (_, n) => n * 2));
    expect(pool.stats().inline - before).toBeLessThan(10);
  });

  it("starts on a thread what takes too much, and never tries that script again", async () => {
    const turncoat = image("if _BAD then for i = 1, 1e7 do end end return _BAD");
    await earn({ image: turncoat, globals: { _BAD: false } });
    const before = pool.stats().inline;
    expect((await pool.invoke({ image: turncoat, globals: { _BAD: true } })).value).toBe(true);
    for (let i = 0; i < 20; i++) await pool.invoke({ image: turncoat, globals: { _BAD: false } });
    expect(pool.stats().inline).toBe(before);
  });

  it("takes nothing that could call the host, is large, or builds documents", async () => {
    const before = pool.stats().inline;
    for (let i = 0; i < 20; i++) {
      await pool.invoke({ image: { ...image("return 1"), host: ["ask"] }, host: async () => null });
      await pool.invoke({ image: image(`return 1 --${"x".repeat(20_000)}`) });
      await pool.invoke({ image: { ...image("return 1"), kind: "authoring" } });
    }
    expect(pool.stats().inline).toBe(before);
    const quick: LuaInvocation = { image: image("return #_N"), globals: { _N: "" } };
    await earn(quick);
    const earned = pool.stats().inline;
    expect((await pool.invoke({ ...quick, globals: { _N: "x".repeat(20_000) } })).value).toBe(20_000);
    expect(pool.stats().inline).toBe(earned);
  });

  it("cancels what waits in it", async () => {
    const quick: LuaInvocation = { image: image("return 'quick'") };
    await earn(quick);
    const before = pool.stats().inline;
    const controller = new AbortController();
    const waiting = pool.invoke({ ...quick, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "lua_cancelled" });
    expect(pool.stats()).toMatchObject({ inline: before, queued: 0, sent: 0 });
  });

  // What does not compile never runs, and earns no trust.
  const compiling = HOSTILE_SCRIPTS.filter(({ ends }) => !("code" in ends && ends.code === "lua_syntax"));
  it.each(compiling)("contains a script that $name once it has been trusted", async ({ source, ends }) => {
    const codes = "code" in ends ? [ends.code].flat() : [];
    const hostile = image(`if _WAIT then return 'waiting' end ${source}`);
    await earn({ image: hostile, globals: { _WAIT: true } });
    const limits = { cpuMs: codes.includes("lua_cpu_limit") ? 60 : 20_000 };
    const outcome = await settled(pool.invoke({ image: hostile, limits }));
    if ("value" in ends) expect(outcome).toMatchObject(ends);
    else expect(codes).toContain("code" in outcome ? outcome.code : outcome);
    expect(pool.stats().replaced).toBe(0);
  });
});
