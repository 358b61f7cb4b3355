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
});
