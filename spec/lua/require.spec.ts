import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LuaPool, type LuaResult } from "../../src/lua/index.ts";

const pool = new LuaPool({ threads: 1 });
const home = realpathSync(mkdtempSync(join(tmpdir(), "lua-require-")));
const root = join(home, "root");
const shared = join(home, "shared");

const write = (file: string, text: string | Buffer) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

beforeAll(() => {
  write(join(root, "util.lua"), "return { name = ..., twice = function(n) return 2 * n end }");
  write(join(root, "lib", "init.lua"), "return { kind = 'package', inner = require 'lib.inner' }");
  write(join(root, "lib", "inner.lua"), "return 'inner'");
  write(join(root, "counted.lua"), "loads = (loads or 0) + 1");
  write(join(root, "a.lua"), "return require 'b'");
  write(join(root, "b.lua"), "return require 'c'");
  write(join(root, "c.lua"), "return require 'a'");
  write(join(root, "broken.lua"), "local x = 1\nreturn = 2\n");
  write(join(root, "failing.lua"), "\n\nerror('while loading')");
  write(join(root, "curious.lua"), "return __swarm_position == nil");
  write(join(root, "std.lua"), "return 'shadow'");
  write(join(root, "bytecode.lua"), Buffer.from("\x1bLua"));
  write(join(root, "large.lua"), `return "${"x".repeat(1_100_000)}"`);
  mkdirSync(join(root, "folder.lua"), { recursive: true });
  write(join(home, "outside.lua"), "return 'outside'");
  symlinkSync(join(home, "outside.lua"), join(root, "link.lua"));
  symlinkSync(join(root, "util.lua"), join(root, "alias.lua"));
  write(join(shared, "only_shared.lua"), "return 'shared'");
  write(join(shared, "util.lua"), "return 'the second root'");
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

const author = (source: string, roots: readonly string[] = [root]): Promise<LuaResult> =>
  pool.invoke({ image: { source, chunkName: "demo.bp.lua", host: [], kind: "authoring", roots } });
const value = async (source: string, roots?: readonly string[]) => (await author(source, roots)).value;

describe("require in an authoring script", () => {
  it("finds modules below the roots, in their order", async () => {
    expect(await value("return { require('util').twice(4), require('util').name }")).toEqual([8, "util"]);
    expect(await value("return require 'lib'")).toEqual({ kind: "package", inner: "inner" });
    expect(await value("return { type(require 'util'), require 'only_shared' }", [root, shared])).toEqual([
      "table",
      "shared",
    ]);
    expect(await value("return require 'util'", [shared, root])).toBe("the second root");
  });

  it("loads a module once, and gives true where it returns nothing", async () => {
    expect(await value("return { require 'counted', require 'counted', loads }")).toEqual([true, true, 1]);
  });

  it("starts from nothing in every invocation, and reads what is there then", async () => {
    write(join(root, "changing.lua"), "return 1");
    expect(await value("return { require 'changing', loads == nil }")).toEqual([1, true]);
    write(join(root, "changing.lua"), "return 2");
    expect(await value("return { require 'changing', loads == nil }")).toEqual([2, true]);
  });

  it("follows links that stay inside and no others", async () => {
    expect(await value("return require('alias').twice(1)")).toBe(2);
    await expect(author("return require 'link'")).rejects.toMatchObject({
      message: expect.stringContaining("leads out of"),
    });
  });

  it("names the circle when modules require each other", async () => {
    await expect(author("return require 'a'")).rejects.toMatchObject({
      message: "c.lua:1: modules require each other in a circle: a -> b -> c -> a",
      chunk: "c.lua",
      line: 1,
    });
  });

  it("goes on after a failure the script catches", async () => {
    expect(
      await value(
        "pcall(require, 'a') pcall(require, 'failing') return { require 'lib.inner', (pcall(require, 'b')) }",
      ),
    ).toEqual(["inner", false]);
  });

  it("reports broken modules by their own file and line", async () => {
    await expect(author("return require 'broken'")).rejects.toMatchObject({
      code: "lua_syntax",
      chunk: "broken.lua",
      line: 2,
    });
    await expect(author("local x = require 'failing'\nreturn x")).rejects.toMatchObject({
      code: "lua_error",
      message: "failing.lua:3: while loading",
      chunk: "failing.lua",
      line: 3,
      traceback: "failing.lua:3: in main chunk\ndemo.bp.lua:1: in main chunk",
    });
  });

  it.each([
    ["a name that climbs", "../outside", "is not words joined by dots"],
    ["a name that climbs by dots", "..outside", "is not words joined by dots"],
    ["an absolute path", "/etc/passwd", "is not words joined by dots"],
    ["a file name", "util.lua", "module 'util.lua' not found"],
    ["a Windows path", "c:/x", "is not words joined by dots"],
    ["a name with NUL", "util\\0", "is not words joined by dots"],
    ["nothing", "", "is not words joined by dots"],
    ["a folder", "folder", "module 'folder' not found: no folder.lua or folder/init.lua in"],
    ["what is not there", "missing", "built in are flow_dsl, bp_dsl, std"],
    ["bytecode", "bytecode", "binary chunk"],
    ["a huge file", "large", "a module has at most"],
  ])("refuses %s", async (_, name, message) => {
    await expect(author(`return require("${name}")`)).rejects.toMatchObject({
      message: expect.stringContaining(message),
    });
  });

  it("finds nothing of the author's without roots, and no root that is not there", async () => {
    await expect(author("return require 'util'", [])).rejects.toMatchObject({
      message: expect.stringContaining("no root is declared"),
    });
    await expect(author("return require 'util'", [join(home, "none")])).rejects.toMatchObject({
      message: expect.stringContaining("not found"),
    });
  });

  it("brings the library, which no file shadows", async () => {
    expect(
      await value(
        "local F, B, std = require 'flow_dsl', require 'bp_dsl', require 'std' return { type(F.step), type(B.pipeline), type(std) }",
      ),
    ).toEqual(["function", "function", "table"]);
  });
});

describe("an authoring script", () => {
  it("has the sandbox and nothing else", async () => {
    const source = `
      local names = {} for k in pairs(_G) do names[#names + 1] = k end table.sort(names)
      return { names, __swarm_position == nil, (require 'curious'), io == nil, load == nil }`;
    const [names, ...absent] = (await value(source)) as [string[], ...boolean[]];
    expect(names).toContain("require");
    expect(names).not.toContain("package");
    expect(absent).toEqual([true, true, true, true]);
  });

  it("keeps the library's marker hidden after the library is loaded", async () => {
    expect(await value("require 'bp_dsl' return { __swarm_position == nil, require 'curious' }")).toEqual([true, true]);
  });

  it("has empty tables as arrays unless they are marked", async () => {
    expect(await value("return { a = {}, b = json.object(), c = json.array(), d = { {} } }")).toEqual({
      a: [],
      b: {},
      c: [],
      d: [[]],
    });
  });

  it("says where its tables were made", async () => {
    const source = [
      "local F = require 'flow_dsl'",
      "local first = F.step{ agent = 'a', input = F.p'$.x', out = F.p'$.y' }",
      "return F.seq{",
      "  first,",
      "  F.step{ agent = 'b',",
      "    input = F.p'$.x', out = F.p'$.y' },",
      "}",
    ].join("\n");
    const { positions } = await author(source);
    const at = (line: number) => ({ file: "demo.bp.lua", line });
    expect(positions?.["/children/0"]).toEqual(at(2));
    expect(positions?.["/children/1"]?.file).toBe("demo.bp.lua");
    expect([5, 6]).toContain(positions?.["/children/1"]?.line);
    // A tail call leaves no frame of the script: the line is known all the same.
    expect(positions?.[""]?.file).toBe("demo.bp.lua");
    expect([3, 7]).toContain(positions?.[""]?.line);
  });

  it("passes on the library's warnings", async () => {
    const { warnings } = await author(
      "require('swarm_authoring').take_warnings = function() return { 'one', 'two' } end return 1",
    );
    expect(warnings).toEqual(["one", "two"]);
    expect((await author("return 1")).warnings).toEqual([]);
    await expect(author("require('swarm_authoring').take_warnings = error return 1")).rejects.toMatchObject({
      code: "lua_error",
    });
  });

  it("is limited like any other", async () => {
    const image = { source: "while true do end", chunkName: "loop.bp.lua", host: [], kind: "authoring" as const };
    await expect(pool.invoke({ image, limits: { cpuMs: 30 } })).rejects.toMatchObject({
      code: "lua_cpu_limit",
      chunk: "loop.bp.lua",
      line: 1,
    });
  });
});
