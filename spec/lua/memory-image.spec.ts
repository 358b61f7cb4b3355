import { describe, expect, it } from "vitest";
import type { Stretch } from "../../src/lua/execution.ts";
import { WORKER_LIMITS } from "../../src/lua/limits.ts";
import { LuaVm } from "../../src/lua/vm.ts";
import { BREAK_POINTER, compileLuaModule } from "../../src/lua/wasm.ts";
import { HOSTILE_SCRIPTS } from "./hostile-scripts.ts";

const module = compileLuaModule();
const stretch = (cpuMs: number): Stretch => ({
  limits: { ...WORKER_LIMITS, cpuMs, memoryBytes: 12 * 1_048_576 },
  nowMs: 0,
  start: { globals: { _CTX: { a: [1, 2, 3] } }, seed: "s" },
});
const script = (source: string, host: readonly string[] = []) => ({
  source,
  chunkName: "m.lua",
  host,
  kind: "worker" as const,
});

describe("a memory image", () => {
  it("leaves nothing behind of any script that ran before", () => {
    const vm = new LuaVm(module, () => false);
    const image = vm.prepare(script("return 1"));
    const pristine = Buffer.from(vm.memory);
    for (const { source } of HOSTILE_SCRIPTS) {
      // Some are torn off in the middle of whatever they do, some end by themselves.
      const hostile = source.length < 1_000 ? vm.prepare(script(source)) : image;
      vm.execute(hostile, stretch(5));
      vm.prepare(script("return 1"));
      expect(vm.memory.equals(pristine), source).toBe(true);
    }
  });

  it("gives the same bytes in every instance", () => {
    const [a, b] = [new LuaVm(module, () => false), new LuaVm(module, () => false)];
    // Booting the other kind first makes no difference either.
    b.prepare({ ...script("return 2"), kind: "authoring" });
    a.prepare(script("return 1", ["x", "y"]));
    b.prepare(script("return 1", ["x", "y"]));
    expect(a.memory.equals(b.memory)).toBe(true);
  });

  it("is restored into a fresh instance after the memory has grown", () => {
    const vm = new LuaVm(module, () => false);
    const image = vm.prepare(script("return #('x'):rep(_CTX and 3e7 or 0)"));
    const large: Stretch = { ...stretch(60_000), limits: { ...WORKER_LIMITS, cpuMs: 60_000 } };
    const size = vm.memory.length;
    for (let i = 0; i < 3; i++) {
      expect(vm.execute(image, large)).toMatchObject({ kind: "value", value: 3e7 });
      expect(vm.memory.length).toBe(size);
    }
  });

  it("carries a script that waits for the host from one instance to another", () => {
    const [a, b] = [new LuaVm(module, () => false), new LuaVm(module, () => false)];
    const source = script(
      "local t = { n = 1 } local x = host.ask('?') t.n = t.n + x return { t.n, _CTX.a, math.random(1000) }",
      ["ask"],
    );
    const [here, there] = [a.prepare(source), b.prepare(source)];
    const call = a.execute(here, stretch(60_000));
    if (call.kind !== "call") throw new Error(call.kind);
    a.execute(a.prepare(script("x = {} for i = 1, 1e4 do x[i] = { i } end")), stretch(60_000));
    const answer: Stretch = { limits: WORKER_LIMITS, nowMs: 0, parked: call.parked, answer: { ok: true, value: 41 } };
    const [stayed, moved] = [a.execute(here, answer), b.execute(there, answer)];
    expect(stayed).toMatchObject({ kind: "value", value: [42, [1, 2, 3], expect.any(Number)] });
    expect(moved).toEqual(stayed);
  });
});

describe("the WebAssembly module", () => {
  /** Reads the global section: how many globals are mutable. */
  const mutableGlobals = (bytes: Uint8Array): number => {
    let at = 8;
    const leb = () => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] as number;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < bytes.length) {
      const id = bytes[at++];
      const end = leb() + at;
      if (id === 6) {
        let mutable = 0;
        for (let count = leb(); count > 0; count--) {
          at += 1;
          mutable += bytes[at++] as number;
          at += 1;
          leb();
          at += 1;
        }
        return mutable;
      }
      at = end;
    }
    return 0;
  };

  it("has the four mutable globals that are accounted for", async () => {
    const { readFileSync } = await import("node:fs");
    const { createRequire } = await import("node:module");
    expect(mutableGlobals(readFileSync(createRequire(import.meta.url).resolve("wasmoon/dist/glue.wasm")))).toBe(4);
  });

  it("keeps its break where we look for it", () => {
    const vm = new LuaVm(module, () => false);
    const image = vm.prepare(script("big = {} for i = 1, 1e4 do big[i] = i end"));
    const before = vm.memory.readUInt32LE(BREAK_POINTER);
    vm.execute(image, stretch(60_000));
    const after = vm.memory.readUInt32LE(BREAK_POINTER);
    expect(after).toBeGreaterThan(before + 1e4 * 8);
    expect(after).toBeLessThan(vm.memory.length);
    expect(vm.memory.subarray(after).every((byte) => byte === 0)).toBe(true);
  });
});
