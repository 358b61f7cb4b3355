import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readText, writeText } from "../../src/cli/text-file.ts";
import { temporaryDirectory } from "./temporary.ts";

const nothing = Readable.from([]);

describe("reading a file", () => {
  it("gives its text, or that of standard input", async () => {
    const file = join(await temporaryDirectory(), "a.txt");
    await writeFile(file, "häus");
    expect(await readText(file, 100, nothing)).toBe("häus");
    const bytes = Buffer.from("häus");
    expect(await readText("-", 100, Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]))).toBe("häus");
  });

  it("stops at the limit", async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield "x".repeat(1000);
      })(),
    );
    await expect(readText("-", 10_000, endless)).rejects.toMatchObject({ code: "bad_input", place: "standard input" });
  });

  it("refuses what is no UTF-8", async () => {
    await expect(readText("-", 100, Readable.from([Buffer.from([0xff, 0xfe])]))).rejects.toThrow(/UTF-8/u);
  });

  it("names a file that is not there, and a directory", async () => {
    const directory = await temporaryDirectory();
    const missing = join(directory, "missing");
    await expect(readText(missing, 9, nothing)).rejects.toMatchObject({ code: "unreadable", place: missing });
    await expect(readText(directory, 9, nothing)).rejects.toThrow(/directory/u);
  });
});

describe("writing a file", () => {
  it("makes directories, replaces, and leaves nothing else behind", async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, "x", "y.json");
    await writeText(file, "one");
    await writeText(file, "two");
    expect(await readFile(file, "utf8")).toBe("two");
    expect(await readdir(join(directory, "x"))).toEqual(["y.json"]);
  });

  it("leaves an existing file alone where it cannot be replaced", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "sub"));
    await expect(writeText(join(directory, "sub"), "x")).rejects.toMatchObject({ code: "unwritable", exit: 1 });
    await writeFile(join(directory, "plain"), "kept");
    await expect(writeText(join(directory, "plain", "below"), "x")).rejects.toMatchObject({ code: "unwritable" });
    expect(await readFile(join(directory, "plain"), "utf8")).toBe("kept");
    expect((await readdir(directory)).sort()).toEqual(["plain", "sub"]);
  });

  it("writes to a device as it is", async () => {
    await expect(writeText("/dev/null", "x")).resolves.toBeUndefined();
  });
});
