import { describe, expect, it } from "vitest";
import { CliError } from "../../src/cli/cli-error.ts";
import { errorLines, reportError } from "../../src/cli/error-report.ts";
import { makeStyle } from "../../src/cli/style.ts";
import { StoreError } from "../../stores/ports.ts";

const style = makeStyle(false);

describe("errors as the user sees them", () => {
  it("say what is wrong, where, and what to try", () => {
    const report = reportError(
      new CliError("bad_input", "the input is not JSON", { place: "--input", hint: "mend it" }),
    );
    expect(report.exit).toBe(2);
    expect(errorLines(report, style)).toEqual(["error: the input is not JSON", "  at: --input", "  try: mend it"]);
  });

  it.each([
    ["store_full", 1, "free some space"],
    ["store_locked", 1, "stop the other"],
    ["store_newer", 1, "newer swarm-host"],
    ["store_corrupt", 1, "backup"],
    ["store_io", 1, "permissions"],
  ] as const)("advise on %s", (code, exit, hint) => {
    const report = reportError(new StoreError(code, "the store"));
    expect(report).toMatchObject({ code, exit, message: "the store" });
    expect(report.hint).toContain(hint);
  });

  it("turn system errors into words and keep the path", () => {
    const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
      path: "/x/y",
    });
    expect(reportError(error)).toEqual({
      code: "ENOSPC",
      message: "the disk is full",
      place: "/x/y",
      hint: "free some space",
      exit: 1,
    });
  });

  it.each([new TypeError("x is not a function"), "a string", undefined])("call %s a defect of swarm-host", (thrown) => {
    const report = reportError(thrown);
    expect(report).toMatchObject({ code: "internal", exit: 1 });
    expect(report.message).toContain("swarm-host itself failed");
  });

  it("show a stack trace only when asked to", () => {
    const error = new TypeError("oops", { cause: new Error("deeper") });
    expect(errorLines(reportError(error), style).join("\n")).not.toContain("    at ");
    const verbose = errorLines(reportError(error), style, { error }).join("\n");
    expect(verbose).toContain("    at ");
    expect(verbose).toContain("deeper");
  });

  it("cannot be used to move the cursor", () => {
    const report = reportError(new CliError("usage", `a${String.fromCharCode(27)}[2Jb\nc`));
    expect(errorLines(report, style)[0]).toBe("error: ab c");
  });
});
