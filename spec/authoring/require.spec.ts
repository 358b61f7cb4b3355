import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useAuthor } from "./author.ts";

const author = useAuthor();
const roots = [new URL("./fixtures/modules", import.meta.url).pathname];

describe("require in authoring scripts", () => {
  it("finds the author's modules below a root, and runs each once", async () => {
    const { value } = await author.build(
      'local a, b = require "lib.util", require "lib.util"; return { a == b, a.name, a.calls, require("lib.count").next() }',
      { roots },
    );
    expect(value).toEqual([true, "lib.util", 1, 2]);
  });

  it("finds none without a root", async () => {
    const error = await author.failure('\nlocal util = require "lib.util"');
    expect(error).toMatchObject({ code: "lua_error", line: 2 });
    expect(error.message).toContain("module 'lib.util' not found");
  });

  it("prefers the library to a file of the same name", async () => {
    const { value } = await author.build('return type(require "flow_dsl")', { roots });
    expect(value).toBe("table");
  });

  it.each(["../secret", "lib/util", "/etc/passwd", "lib..util", "", "c:\\x"])("refuses the name %j", async (name) => {
    const error = await author.failure(`return require(${JSON.stringify(name)})`, { roots });
    expect(error.message).toContain("not words joined by dots");
  });

  it("refuses a link that leads out of its root", async () => {
    const directory = await mkdtemp(join(tmpdir(), "swarm-authoring-"));
    try {
      await mkdir(join(directory, "root"));
      await writeFile(join(directory, "secret.lua"), 'return "secret"');
      await symlink(join(directory, "secret.lua"), join(directory, "root", "inside.lua"));
      const error = await author.failure('return require "inside"', { roots: [join(directory, "root")] });
      expect(error.message).toContain("leads out of");
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("names the circle of modules that require each other", async () => {
    const error = await author.failure('return require "cycle.a"', { roots });
    expect(error.message).toContain("cycle.a -> cycle.b -> cycle.a");
  });

  it("names the module's own line for a syntax error and for an author's mistake in it", async () => {
    expect((await author.failure('return require "broken"', { roots })).message).toMatch(/^broken\.lua:\d: /);
    const wrong = await author.failure('return require "wrong"', { roots });
    expect(wrong.message).toBe("wrong.lua:3: F.seq: child 1 must be a node, not 1");
    expect(wrong).toMatchObject({ chunk: "wrong.lua", line: 3 });
  });

  it("reads an edited module anew in the next run", async () => {
    const directory = await mkdtemp(join(tmpdir(), "swarm-authoring-"));
    try {
      const run = async (text: string) => {
        await writeFile(join(directory, "edited.lua"), text);
        return (await author.build('return require "edited"', { roots: [directory] })).value;
      };
      expect(await run("return 1")).toBe(1);
      expect(await run("return 2")).toBe(2);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("an authoring script", () => {
  it("has its print captured, in order", async () => {
    const { printed, value } = await author.build('print("a", 1); print(nil); return 7');
    expect(printed).toEqual(["a\t1", "nil"]);
    expect(value).toBe(7);
  });

  it("has what it printed before it failed told with the error", async () => {
    await expect(author.build('print("so far", 1); error("no further")')).rejects.toMatchObject({
      code: "lua_error",
      printed: ["so far\t1"],
    });
  });

  it("keeps nothing for the next script", async () => {
    await author.build("leaked = 1; F.leaked = 2; return {}");
    expect((await author.build("return { leaked == nil, F.leaked == nil }")).value).toEqual([true, true]);
  });

  it("reaches no file, process or clock", async () => {
    const { value } = await author.build(
      "return { io == nil, os.execute == nil, os.getenv == nil, load == nil, os.time() }",
    );
    expect(value).toEqual([true, true, true, true, 0]);
  });
});
