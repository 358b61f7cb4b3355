/** A body as lines, however it is cut into chunks. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textLines } from "../../src/server/text-lines.ts";

const refuse = { tooLong: () => new Error("too long"), notText: () => new Error("not text") };

async function linesOf(chunks: readonly Uint8Array[], limit = 100): Promise<string[]> {
  const lines: string[] = [];
  const stream = (async function* () {
    yield* chunks;
  })();
  for await (const line of textLines(stream, limit, refuse)) lines.push(line);
  return lines;
}

describe("a body as lines", () => {
  it("is the same however it is cut", async () => {
    const text = fc.array(fc.string({ unit: "binary", maxLength: 8 }).filter((line) => !/[\r\n]/u.test(line)));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(9)), async (lines, cuts) => {
        let rest: Uint8Array = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
        const chunks: Uint8Array[] = [];
        for (const cut of cuts) {
          chunks.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        // A byte order mark at the start is no part of the text.
        const [first = "", ...others] = lines;
        const read = lines.length === 0 ? [] : [first.replace(/^\ufeff/u, ""), ...others];
        expect(await linesOf([...chunks, rest])).toEqual(read);
      }),
    );
  });

  it("ends lines with CR LF too, and takes a last one without an end", async () => {
    expect(await linesOf([Buffer.from("a\r\n\nb")])).toEqual(["a", "", "b"]);
  });

  it("is refused where a line is too long, also one that never ends", async () => {
    await expect(linesOf([Buffer.from("12345\n")], 4)).rejects.toThrow("too long");
    await expect(linesOf([Buffer.from("123"), Buffer.from("45")], 4)).rejects.toThrow("too long");
    expect(await linesOf([Buffer.from("1234\n")], 4)).toEqual(["1234"]);
  });

  it("is refused where it is not UTF-8, also at its end", async () => {
    await expect(linesOf([Uint8Array.from([0xff])])).rejects.toThrow("not text");
    await expect(linesOf([Uint8Array.from([0xe2, 0x82])])).rejects.toThrow("not text");
  });
});
