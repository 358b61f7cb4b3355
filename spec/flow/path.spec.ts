import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deepEqual, FlowError, FlowPath, type Json, lookupPath, readPath, writePath } from "../../src/flow/index.ts";
import { json, pathText, SEED } from "./random-flow.ts";

const caught = (run: () => unknown): FlowError => {
  try {
    run();
  } catch (error) {
    if (error instanceof FlowError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("a path", () => {
  it("prints a text that parses to the same path", () => {
    // Any text that is accepted at all, quotes and brackets included.
    const noise = fc.array(fc.constantFrom("$", "ctx", ".", "[", "]", '"', "a", "b c", "\u{1f600}", "0", "\\"), {
      maxLength: 9,
    });
    let accepted = 0;
    fc.assert(
      fc.property(noise, (parts) => {
        const text = `$${parts.join("")}`;
        let path: FlowPath;
        try {
          path = FlowPath.parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FlowError);
          return;
        }
        accepted += 1;
        const again = FlowPath.parse(path.text);
        expect(again.segments).toEqual(path.segments);
        expect(again.text).toBe(path.text);
      }),
      { seed: SEED, numRuns: 8000 },
    );
    expect(accepted).toBeGreaterThan(400);
  });

  it("keeps a key with a bracket and a quote readable", () => {
    const path = FlowPath.parse('$.a]"b.c');
    expect(path.segments).toEqual(['a]"b', "c"]);
    expect(path.text).toBe('$.a]"b.c');
  });

  it("knows one root in dialect 0.2 and two otherwise", () => {
    expect(FlowPath.parse("ctx.a").root).toBe("ctx");
    expect(FlowPath.parse("ctx.a").withRoot("$").text).toBe("$.a");
    expect(caught(() => FlowPath.parse("ctx.a", { dialect: "0.2" })).message).toBe(
      "invalid path syntax 'ctx.a': path must start with '$'",
    );
  });

  it("is bounded in length and says so without quoting all of it", () => {
    const error = caught(() => FlowPath.parse(`$.${"a".repeat(100_000)}`));
    expect(error.kind).toBe("invalid_path");
    expect(error.message).toContain("longer than 8192 characters");
    expect(error.message.length).toBeLessThan(200);
    expect(FlowPath.parse("$.abc", { maxLength: 5 }).segments).toEqual(["abc"]);
  });
});

describe("reading and writing a path", () => {
  it("reads back what it wrote, leaves the rest, and does not change the ctx", () => {
    fc.assert(
      fc.property(pathText, pathText, json, json, (text, other, ctx, value) => {
        const path = FlowPath.parse(text);
        const before = JSON.stringify(ctx);
        let written: Json;
        try {
          written = writePath(path, ctx, value);
        } catch (error) {
          expect((error as FlowError).op).toBe("path.write");
          return;
        } finally {
          expect(JSON.stringify(ctx)).toBe(before);
        }
        expect(readPath(path, written)).toBe(value);
        const elsewhere = FlowPath.parse(other);
        const shared = Math.min(path.segments.length, elsewhere.segments.length);
        const apart = path.segments.slice(0, shared).join("\n") !== elsewhere.segments.slice(0, shared).join("\n");
        if (apart) expect(lookupPath(elsewhere, written)).toBe(lookupPath(elsewhere, ctx));
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("treats %s as a plain key", (key) => {
    const path = FlowPath.parse(`$.${key}.x`);
    expect(lookupPath(path, {})).toBeUndefined();
    const written = writePath(path, {}, 1);
    expect(Object.keys(written as object)).toEqual([key]);
    expect(readPath(path, written)).toBe(1);
    expect(Object.getPrototypeOf(written)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  it("finds nothing in arrays and strings", () => {
    for (const text of ["$.a.0", "$.a.length", "$.s.length", "$.s.0"]) {
      const error = caught(() => readPath(FlowPath.parse(text), { a: [1], s: "x" }));
      expect([error.kind, error.message]).toEqual(["path_not_found", `path not found: ${text}`]);
    }
  });

  it("names the path, the segment and the value where it cannot write", () => {
    const error = caught(() => writePath(FlowPath.parse("$.a.b.c"), { a: { b: [1, { z: 1, y: null }] } }, 1));
    expect(error.kind).toBe("type_error");
    expect(error.message).toBe(
      "type error in 'path.write': cannot write path '$.a.b.c' at segment 'c': " +
        'existing value at this position is not an object ([1,{"y":null,"z":1}])',
    );
  });

  it("makes objects of null and absent levels", () => {
    expect(deepEqual(writePath(FlowPath.parse("$.a.b"), null, 1), { a: { b: 1 } })).toBe(true);
    expect(writePath(FlowPath.parse("$.a.b"), { a: null, z: 1 }, 1)).toEqual({ a: { b: 1 }, z: 1 });
  });
});
