import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runFile } from "./report.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe("flow.ir conformance vectors", () => {
  it("pass, except the quirks that are not to be copied", () => {
    const report = runFile(file("flow-ir-vectors.json"));
    expect(report.failed).toEqual([]);
    expect(report.skipped.map((miss) => miss.id)).toEqual(["q.write.unrenderable_key", "q.decode.node.loop_max_float"]);
    expect(report.ran).toBe(456);
  });

  it("pass for random programs", () => {
    const report = runFile(file("flow-ir-fuzz.json"));
    expect([...report.failed, ...report.skipped]).toEqual([]);
    expect(report.ran).toBe(100);
  });

  it("are told apart: what fails, what is skipped as a quirk, what is no vector", () => {
    const folder = mkdtempSync(join(tmpdir(), "vectors-"));
    try {
      const write = (name: string, content: unknown) => {
        writeFileSync(join(folder, name), JSON.stringify(content));
        return join(folder, name);
      };
      const wrong = { expr: { op: "lit", value: 1 }, ctx: {}, expect: { value: 2 } };
      const report = runFile(
        write("wrong.json", [
          { id: "wrong.value", ...wrong },
          { id: "wrong.kind", expr: { op: "path", at: "$.a" }, ctx: {}, expect: { error_kind: "type_error" } },
          { id: "wrong.count", node: { kind: "seq", children: [] }, expect: { ctx: {}, dispatch_count: 1 } },
          { id: "wrong.canonical", parse_expr: { op: "lit", value: 1 }, expect: { canonical: {} } },
          { id: "wrong.path", path: "$.a", expect: { error_kind: "invalid_path" } },
          { id: "wrong.body", expect: {} },
          { id: "quirk", quirk: true, note: "not copied", ...wrong },
          { id: "right", ...wrong, expect: { value: 1 } },
        ]),
      );
      expect(report).toMatchObject({ ran: 8, passed: 1 });
      expect(report.failed.map((miss) => miss.id)).toEqual([
        "wrong.value",
        "wrong.kind",
        "wrong.count",
        "wrong.canonical",
        "wrong.path",
        "wrong.body",
      ]);
      expect(report.skipped).toMatchObject([{ id: "quirk", skipped: "not copied" }]);
      expect(() => runFile(write("object.json", {}))).toThrow("is not an array of vectors");
      expect(() => runFile(write("entry.json", [1]))).toThrow("entry 0 is not a vector");
      expect(() => runFile(join(folder, "absent.json"))).toThrow("cannot read vectors from");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
