/** Bodies as text, and the files that may stand in for them. */
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_TEXT_BYTES, submittedText } from "../../src/operators/submitted-text.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const plain = (text: string): Promise<string> => submittedText(bytes(text), {});

describe("a body", () => {
  it.each([
    ["done\n", "done"],
    ["  kept before, gone after \t\r\n ", "  kept before, gone after"],
    ["", ""],
    ["ünï\u{1f600}", "ünï\u{1f600}"],
    ["\ufeffmarked", "marked"],
    ["not @file:/x", "not @file:/x"],
    ["\n@file:/x", "\n@file:/x"],
  ])("%j is the text %j", async (sent, text) => {
    expect(await plain(sent)).toBe(text);
  });

  it.each([
    ["a cut character", [0xe2, 0x82]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a lone surrogate", [0xed, 0xa0, 0x80]],
    ["Latin-1", [0x66, 0xfc, 0x72]],
  ])("that holds %s is refused, not mended", async (_what, sent) => {
    await expect(submittedText(Uint8Array.from(sent), {})).rejects.toMatchObject({ code: "submission_not_text" });
  });

  it("is as long as the bound, and no longer", async () => {
    expect((await plain("x".repeat(MAX_TEXT_BYTES))).length).toBe(MAX_TEXT_BYTES);
    await expect(plain("x".repeat(MAX_TEXT_BYTES + 1))).rejects.toMatchObject({
      code: "submission_too_large",
      details: { limit: MAX_TEXT_BYTES },
    });
  });
});

describe("a file in place of a body", () => {
  let base: string;
  let workDir: string;

  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), "swarm-host-files-")));
    workDir = join(base, "work");
    await mkdir(join(workDir, "deep"), { recursive: true });
    await writeFile(join(workDir, "deep/answer.md"), "from a file\n\n");
    await writeFile(join(base, "secret.txt"), "secret");
  });

  afterEach(() => rm(base, { recursive: true }));

  const read = (path: string, over = {}): Promise<string> =>
    submittedText(bytes(`@file:${path}`), { allowFileSubmit: true, workDir, ...over });

  it("is read below the work directory, also where that is reached by a link", async () => {
    expect(await read(join(workDir, "deep/answer.md"))).toBe("from a file");
    expect(await read(join(workDir, "deep/../deep/answer.md"))).toBe("from a file");
    await symlink(workDir, join(base, "link"));
    expect(await read(join(base, "link/deep/answer.md"), { workDir: join(base, "link") })).toBe("from a file");
    expect(await read(join(workDir, "deep/answer.md"), { workDir: join(base, "link") })).toBe("from a file");
  });

  it("is refused where the step does not allow it", async () => {
    const path = join(workDir, "deep/answer.md");
    for (const terms of [{}, { workDir }, { allowFileSubmit: true }, { allowFileSubmit: true, workDir: "work" }])
      await expect(submittedText(bytes(`@file:${path}`), terms)).rejects.toMatchObject({ code: "file_refused" });
  });

  it("is refused outside, whether it exists or not, and however it is spelled", async () => {
    for (const path of ["secret.txt", "missing", "work/../secret.txt", "work", "work/../../etc/passwd", "workshop/x"])
      await expect(read(join(base, path))).rejects.toMatchObject({ code: "file_refused" });
    await expect(read(`${workDir}/../secret.txt`)).rejects.toMatchObject({ code: "file_refused" });
  });

  it("is refused where a link leads outside", async () => {
    await symlink(join(base, "secret.txt"), join(workDir, "out"));
    await symlink(base, join(workDir, "up"));
    for (const path of ["out", "up/secret.txt"])
      await expect(read(join(workDir, path))).rejects.toMatchObject({ code: "file_refused" });
  });

  it("is named by one absolute path on one line", async () => {
    for (const path of [
      "answer.md",
      "./answer.md",
      "",
      `${workDir}/a\n/b`,
      `${workDir}/a\0`,
      ` ${workDir}/deep/answer.md`,
    ])
      await expect(read(path)).rejects.toMatchObject({ code: "file_invalid" });
  });

  it("is a file, and there, and not too large, and text", async () => {
    await expect(read(join(workDir, "deep"))).rejects.toMatchObject({ code: "file_invalid" });
    await expect(read(join(workDir, "none"))).rejects.toMatchObject({ code: "file_missing" });
    await expect(read(join(workDir, "deep/answer.md/x"))).rejects.toMatchObject({ code: "file_missing" });
    await writeFile(join(workDir, "large"), Buffer.alloc(MAX_TEXT_BYTES + 1, "x"));
    await expect(read(join(workDir, "large"))).rejects.toMatchObject({ code: "submission_too_large" });
    await writeFile(join(workDir, "binary"), Uint8Array.from([0xff, 0xfe]));
    await expect(read(join(workDir, "binary"))).rejects.toMatchObject({ code: "submission_not_text" });
  });

  it("is not read once more where it names another", async () => {
    await writeFile(join(workDir, "names"), `@file:${join(base, "secret.txt")}`);
    expect(await read(join(workDir, "names"))).toBe(`@file:${join(base, "secret.txt")}`);
  });

  it("never gives what is outside while directories change places under it", async () => {
    await mkdir(join(base, "other"));
    await writeFile(join(base, "other/answer.md"), "secret");
    const inside = join(workDir, "deep");
    const swap = async (): Promise<void> => {
      for (let turn = 0; turn < 200; turn += 1) {
        await rename(inside, join(base, "aside"));
        await symlink(join(base, "other"), inside);
        await rm(inside);
        await rename(join(base, "aside"), inside);
      }
    };
    let isOver = false;
    const swapping = swap().finally(() => {
      isOver = true;
    });
    const seen = new Set<string>();
    while (!isOver) {
      seen.add(await read(join(inside, "answer.md")).catch((error: { readonly code: string }) => error.code));
    }
    await swapping;
    expect(seen).not.toContain("secret");
    for (const one of seen) expect(["from a file", "file_missing", "file_refused", "file_invalid"]).toContain(one);
  });
});
