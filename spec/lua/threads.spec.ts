import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { type LuaImage, LuaPool, type LuaPoolOptions } from "../../src/lua/index.ts";

let pools: LuaPool[] = [];
const makePool = (options: LuaPoolOptions = {}) => {
  const pool = new LuaPool({ threads: 1, ...options });
  pools.push(pool);
  return pool;
};
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool[Symbol.asyncDispose]()));
  pools = [];
});

const image = (source: string): LuaImage => ({ source, chunkName: "threads.lua", host: [], kind: "worker" });
const ANSWER = image("return _N");
const SPIN = image("while true do end");

/** One instruction that compares some 60 MB: too long for the hook to see in time. */
const STUCK = image("local a, b = ('a'):rep(3e7) .. 'a', ('a'):rep(3e7) .. 'b' while true do local _ = a < b end");

describe("a thread that does not answer", () => {
  it("is replaced, and only the invocation it was executing fails", async () => {
    const pool = makePool({ limits: { memoryBytes: 256 * 1_048_576 } });
    await pool.invoke({ image: ANSWER, globals: { _N: 0 } });
    // The CPU limit is out of reach, so that only the watchdog can end it.
    const stuck = pool.invoke({ image: STUCK, limits: { wallMs: 150, cpuMs: 3_600_000 } });
    const others = Array.from({ length: 20 }, (_, n) => pool.invoke({ image: ANSWER, globals: { _N: n } }));
    await expect(stuck).rejects.toMatchObject({
      code: "lua_cpu_limit",
      message: expect.stringContaining("150 ms"),
      chunk: "threads.lua",
    });
    expect((await Promise.all(others)).map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(pool.stats()).toMatchObject({ replaced: 1, threads: 1, queued: 0, sent: 0 });
  });

  it("costs nothing that others have already got", async () => {
    const pool = makePool({ limits: { memoryBytes: 256 * 1_048_576 } });
    const host = async () => "answer";
    const caller: LuaImage = { ...image("local a = host.ask() return a .. host.ask()"), host: ["ask"] };
    const stuck = pool.invoke({ image: STUCK, limits: { wallMs: 150, cpuMs: 3_600_000 } });
    const callers = Array.from({ length: 5 }, () => pool.invoke({ image: caller, host }));
    await expect(stuck).rejects.toMatchObject({ code: "lua_cpu_limit" });
    for (const { value } of await Promise.all(callers)) expect(value).toBe("answeranswer");
  });
});

describe("a thread that dies", () => {
  it("is replaced, and only the invocation it was executing fails", async () => {
    const pool = makePool({ limits: { outputBytes: 64 * 1_048_576, cpuMs: 600_000, wallMs: 600_000 } });
    await pool.invoke({ image: ANSWER, globals: { _N: 0 } });
    // A small table in Lua, whose result is more than a thread's JavaScript heap can hold.
    const fatal = pool.invoke({
      image: image("local t = {} for i = 1, 8 do t = { t, t, t, t, t, t, t, t, t, t } end return t"),
    });
    const others = Array.from({ length: 20 }, (_, n) => pool.invoke({ image: ANSWER, globals: { _N: n } }));
    await expect(fatal).rejects.toMatchObject({ code: "lua_thread_lost", chunk: "threads.lua" });
    expect((await Promise.all(others)).map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(pool.stats()).toMatchObject({ replaced: 1, threads: 1 });
  });
});

describe("a cancelled invocation", () => {
  it("that runs is stopped, and its thread goes on", async () => {
    const pool = makePool();
    await pool.invoke({ image: ANSWER, globals: { _N: 0 } });
    const controller = new AbortController();
    const running = pool.invoke({
      image: SPIN,
      signal: controller.signal,
      limits: { cpuMs: 3_600_000, wallMs: 3_600_000 },
    });
    const next = pool.invoke({ image: ANSWER, globals: { _N: 1 } });
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "lua_cancelled" });
    expect((await next).value).toBe(1);
    expect(pool.stats()).toMatchObject({ replaced: 0, sent: 0 });
  });

  it("that is queued never runs", async () => {
    const pool = makePool();
    const controller = new AbortController();
    const first = pool.invoke({ image: ANSWER, globals: { _N: 1 } });
    const queued = Array.from({ length: 300 }, () =>
      pool.invoke({ image: SPIN, signal: controller.signal, limits: { cpuMs: 3_600_000 } }),
    );
    controller.abort();
    for (const outcome of await Promise.allSettled(queued))
      expect(outcome).toMatchObject({ reason: { code: "lua_cancelled" } });
    expect((await first).value).toBe(1);
    expect((await pool.invoke({ image: ANSWER, globals: { _N: 2 } })).value).toBe(2);
  });

  it("was cancelled before it began", async () => {
    const pool = makePool();
    await expect(pool.invoke({ image: ANSWER, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "lua_cancelled",
    });
    expect(pool.stats().threads).toBe(0);
  });
});

describe("the pool", () => {
  it("refuses what is more than it may hold", async () => {
    const pool = makePool({ maxQueued: 3 });
    const held = [1, 2, 3].map((n) => pool.invoke({ image: ANSWER, globals: { _N: n } }));
    await expect(pool.invoke({ image: ANSWER })).rejects.toMatchObject({
      code: "lua_busy",
      message: expect.stringContaining("3 invocations"),
    });
    expect((await Promise.all(held)).map(({ value }) => value)).toEqual([1, 2, 3]);
    expect((await pool.invoke({ image: ANSWER, globals: { _N: 4 } })).value).toBe(4);
  });

  it("starts threads when they are needed, and no more than it may", async () => {
    const pool = makePool({ threads: 2 });
    expect(pool.stats().threads).toBe(0);
    await pool.invoke({ image: ANSWER, globals: { _N: 1 } });
    expect(pool.stats().threads).toBe(1);
    await Promise.all(Array.from({ length: 500 }, (_, n) => pool.invoke({ image: ANSWER, globals: { _N: n } })));
    expect(pool.stats()).toMatchObject({ threads: 2, settled: 501, queued: 0, sent: 0 });
  });

  it("lets nothing wait behind a slow script while another thread is free", async () => {
    const pool = makePool({ threads: 2 });
    const controller = new AbortController();
    const limits = { cpuMs: 3_600_000, wallMs: 3_600_000 };
    const slow = pool.invoke({ image: SPIN, signal: controller.signal, limits });
    const quick = Array.from({ length: 150 }, (_, n) => pool.invoke({ image: ANSWER, globals: { _N: n } }));
    // The slow one never ends by itself: the quick ones get by.
    expect((await Promise.all(quick)).map(({ value }) => value)).toEqual(Array.from({ length: 150 }, (_, n) => n));
    controller.abort();
    await expect(slow).rejects.toMatchObject({ code: "lua_cancelled" });
  });

  it("keeps no result back while a slow script runs behind it", async () => {
    const pool = makePool();
    await pool.invoke({ image: ANSWER, globals: { _N: 0 } });
    const controller = new AbortController();
    const quick = Array.from({ length: 20 }, (_, n) => pool.invoke({ image: ANSWER, globals: { _N: n } }));
    const limits = { cpuMs: 3_600_000, wallMs: 3_600_000 };
    const slow = pool.invoke({ image: SPIN, signal: controller.signal, limits });
    // They are sent in one message, and the slow one never ends by itself.
    expect((await Promise.all(quick)).map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    controller.abort();
    await expect(slow).rejects.toMatchObject({ code: "lua_cancelled" });
  });

  it("runs more images than a thread keeps", async () => {
    const pool = makePool();
    const padding = `--[[${"x".repeat(400_000)}]]`;
    const sources = Array.from({ length: 90 }, (_, n) => image(`return ${n} ${padding}`));
    for (let round = 0; round < 2; round++) {
      const results = await Promise.all(sources.map((source) => pool.invoke({ image: source })));
      expect(results.map(({ value }) => value)).toEqual(sources.map((_, n) => n));
    }
  });

  it("sends large inputs, and refuses what is too large", async () => {
    const pool = makePool();
    const length = image("return #_N");
    const texts = Array.from({ length: 12 }, (_, n) => "x".repeat(1_000_000 + n));
    const results = await Promise.all(texts.map((text) => pool.invoke({ image: length, globals: { _N: text } })));
    expect(results.map(({ value }) => value)).toEqual(texts.map(({ length: size }) => size));
    const limits = { memoryBytes: 500_000 };
    const halves = { _A: "x".repeat(300_000), _B: "x".repeat(300_000) };
    await expect(pool.invoke({ image: length, globals: halves, limits })).rejects.toMatchObject({
      code: "lua_memory_limit",
      message: expect.stringMatching(/^global _B brings the input to 6\d+ bytes, more than 500000$/),
    });
  });

  it("keeps no process alive while it is idle", async () => {
    const index = new URL("../../src/lua/index.ts", import.meta.url).href;
    const program = `
      import { LuaPool } from ${JSON.stringify(index)};
      const pool = new LuaPool({ threads: 1 });
      const { value } = await pool.invoke({ image: { source: "return 'bye'", chunkName: "a.lua", host: [], kind: "worker" } });
      process.stdout.write(value);`;
    // It ends by itself, with the pool open: were the thread to keep it, this test would run into its time limit.
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
    expect(stdout).toBe("bye");
  });

  it("cancels what is left when it is disposed of, and takes nothing more", async () => {
    const pool = makePool();
    const running = pool.invoke({ image: SPIN, limits: { cpuMs: 3_600_000 } });
    const queued = pool.invoke({ image: ANSWER, globals: { _N: 1 } });
    await Promise.all([
      expect(running).rejects.toMatchObject({ code: "lua_cancelled" }),
      expect(queued).rejects.toMatchObject({ code: "lua_cancelled" }),
      pool[Symbol.asyncDispose](),
    ]);
    await expect(pool.invoke({ image: ANSWER })).rejects.toMatchObject({
      code: "lua_cancelled",
      message: expect.stringContaining("closed"),
    });
    expect(pool.stats().threads).toBe(0);
  });

  it.each([{ threads: 0 }, { threads: 1.5 }, { threads: 1_000 }, { maxQueued: 0 }, { maxQueued: Number.NaN }])(
    "refuses the options %o",
    (options) => {
      expect(() => new LuaPool(options)).toThrow(expect.objectContaining({ code: "lua_invalid" }));
    },
  );
});
