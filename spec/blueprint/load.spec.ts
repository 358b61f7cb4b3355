import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDocumentText } from "../../src/blueprint/document-text.ts";
import { type LoadPorts, loadDocument, type RunScript } from "../../src/blueprint/load.ts";
import { nodeFiles } from "../../src/blueprint/node-files.ts";
import { readYaml } from "../../src/blueprint/yaml-text.ts";
import { directoryOf } from "./temporary-directory.ts";

const ports: LoadPorts = { files: nodeFiles };
const yaml = (text: string) => readDocumentText(text, "yaml", "b.yaml");
const json = (text: string) => readDocumentText(text, "json", "b.json");

/** `kind line:column` of each diagnostic of a text. */
const places = async (read: ReturnType<typeof json>) =>
  (await read).diagnostics.map(({ kind, position }) => `${kind} ${position?.line}:${position?.column}`);

describe("loading a file", () => {
  it("reads JSON and YAML by the end of the name, in any case", async () => {
    const directory = directoryOf({ "a.json": '{"id":"x"}', "b.yaml": "id: x", "c.YML": "id: x" });
    for (const name of ["a.json", "b.yaml", "c.YML"]) {
      const loaded = await loadDocument(join(directory, name), ports);
      expect(loaded).toMatchObject({ document: { id: "x" }, diagnostics: [], source: expect.stringContaining("id") });
    }
  });

  it("refuses what is no readable text, saying why", async () => {
    const directory = directoryOf({ "bin.json": new Uint8Array([0x7b, 0xff, 0xfe]), "x.toml": "", "d/x": "" });
    mkdirSync(join(directory, "dir.json"));
    execFileSync("mkfifo", [join(directory, "pipe.json")]);
    const message = async (name: string) => (await loadDocument(join(directory, name), ports)).diagnostics[0]?.message;
    expect(await message("bin.json")).toMatch(/is no UTF-8 text$/);
    expect(await message("gone.json")).toMatch(/^there is no file /);
    expect(await message("d/x/y.json")).toMatch(/^there is no file /);
    expect(await message("dir.json")).toMatch(/is not a file$/);
    expect(await message("pipe.json")).toMatch(/is not a file$/);
    expect(await message("x.toml")).toMatch(/must end in .json, .yaml, .yml or .bp.lua$/);
  });

  it("refuses a file past the limit without reading it", async () => {
    const directory = directoryOf({ "big.json": JSON.stringify({ id: "x".repeat(10_000_000) }) });
    const { diagnostics, source } = await loadDocument(join(directory, "big.json"), ports);
    expect(diagnostics).toMatchObject([
      { kind: "limit-exceeded", message: expect.stringContaining("9.5 MiB; a document may have 4 MiB") },
    ]);
    expect(source).toBeUndefined();
  });

  it("passes over a byte order mark", async () => {
    const directory = directoryOf({ "a.json": '\ufeff{"id":"x"}', "b.yaml": "\ufeffid: x" });
    for (const name of ["a.json", "b.yaml"]) {
      expect((await loadDocument(join(directory, name), ports)).document).toEqual({ id: "x" });
    }
    expect((await json('\ufeff{"id":1}')).document).toEqual({ id: 1 });
  });
});

describe("broken JSON", () => {
  it("is one finding with its place", async () => {
    expect(await places(json('{\n  "id": "x",\n  "flow" 1\n}'))).toEqual(["syntax-error 3:10"]);
    expect(await places(json(""))).toEqual(["syntax-error 1:1"]);
  });

  it("with a key twice is refused at the second", async () => {
    expect((await json('{"id":1,\n"id":2}')).document).toBeUndefined();
    expect((await json('{"id":1,\n"id":2}')).diagnostics).toMatchObject([
      { kind: "duplicate-key", pointer: "/id", position: { line: 2, column: 1 } },
    ]);
  });

  it("nested too deeply is refused without overflowing the stack", async () => {
    expect((await json(`${"[".repeat(10_000)}${"]".repeat(10_000)}`)).diagnostics[0]?.kind).toBe("limit-exceeded");
    expect((await json(`{"a":`.repeat(100_000))).diagnostics[0]?.kind).toBe("limit-exceeded");
  });
});

describe("YAML", () => {
  it("reads what JSON says as JSON does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
        const text = JSON.stringify(value, null, 2);
        expect((await yaml(text)).document).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it("means what YAML 1.2 means, not 1.1", async () => {
    expect((await yaml("on: yes\nn: 0o17\nd: 2001-01-01\n'<<': 1")).document).toEqual({
      on: "yes",
      n: 15,
      d: "2001-01-01",
      "<<": 1,
    });
  });

  it("resolves aliases to the anchor last given", async () => {
    expect((await yaml("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")).document).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it.each([
    ["id: [1", "syntax-error"],
    ["a: 1\nb: 2\na: 3", "duplicate-key"],
    ["a: !mine 1", "syntax-error"],
    ["a: !!binary aGk=", "syntax-error"],
    ["a: .nan", "syntax-error"],
    ["1: a", "syntax-error"],
    ["? [a]\n: 1", "syntax-error"],
    ["a: *nope", "syntax-error"],
    ["a: &x [1, *x]", "syntax-error"],
    ["a: 1\n---\nb: 2", "syntax-error"],
    ["\ta: 1", "syntax-error"],
  ])("refuses %j", async (text, kind) => {
    const { document, diagnostics } = await yaml(text);
    expect(document).toBeUndefined();
    expect(diagnostics[0]).toMatchObject({ kind, position: { file: "b.yaml" } });
  });

  it("says where", async () => {
    expect(await places(yaml("a: 1\nb: 2\na: 3"))).toEqual(["duplicate-key 3:1"]);
    expect(await places(yaml("a:\n  - 1: x"))).toEqual(["syntax-error 2:5"]);
  });

  it("of aliases of aliases stays small until it is written out, which nobody does", async () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) => `a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(", ")}]`,
    );
    const loaded = await yaml(`a0: &a0 [x]\n${levels.join("\n")}`);
    expect(loaded.diagnostics).toEqual([]);
    const { parseBlueprint } = await import("../../src/blueprint/parse.ts");
    expect(parseBlueprint(loaded.document).diagnostics).toMatchObject([{ kind: "limit-exceeded" }]);
  });

  it("nested ten thousand levels deep is refused", async () => {
    for (const text of ["- ".repeat(10_000), "[".repeat(10_000), "{a: ".repeat(10_000)]) {
      expect((await yaml(text)).diagnostics.map(({ kind }) => kind)).toContain("limit-exceeded");
    }
  });

  it("of more than a megabyte is refused, and told to be JSON", async () => {
    expect((await yaml(`a: ${"x".repeat(1_100_000)}`)).diagnostics).toMatchObject([
      { kind: "limit-exceeded", message: expect.stringContaining("as JSON") },
    ]);
  });

  it("with keys of the object prototype harms nothing", () => {
    const { value } = readYaml("__proto__: { polluted: true }\nconstructor: 1");
    expect(Object.getOwnPropertyNames(value)).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("places in a document", () => {
  const line = (read: Awaited<ReturnType<typeof json>>, pointer: string) => {
    const position = read.sourceMap.position(pointer);
    return position && `${position.file}:${position.line}:${position.column}`;
  };

  it("in JSON are the member's key, the element, or the nearest thing around", async () => {
    const read = await json('{\n  "agents": [\n    { "name": "a" }\n  ]\n}');
    expect(line(read, "")).toBe("b.json:1:1");
    expect(line(read, "/agents")).toBe("b.json:2:3");
    expect(line(read, "/agents/0")).toBe("b.json:3:5");
    expect(line(read, "/agents/0/name")).toBe("b.json:3:7");
    expect(line(read, "/agents/0/kind")).toBe("b.json:3:5");
    expect(line(read, "/nowhere/1")).toBe("b.json:1:1");
  });

  it("in YAML too, through aliases", async () => {
    const read = await yaml("x: &x\n  name: a\nagents:\n  - *x\n  - name: b\n");
    expect(line(read, "/agents/0")).toBe("b.yaml:4:5");
    expect(line(read, "/agents/0/name")).toBe("b.yaml:2:3");
    expect(line(read, "/agents/1/name")).toBe("b.yaml:5:5");
    expect(line(read, "/agents/9")).toBe("b.yaml:3:1");
  });

  it("of keys with slashes and tildes are found", async () => {
    expect(line(await json('{"a/b~c":\n [\n1]}'), "/a~1b~0c/0")).toBe("b.json:3:1");
  });
});

describe("a Lua script", () => {
  const script = async (run: RunScript) => {
    const file = join(directoryOf({ "x.bp.lua": "return 1" }), "x.bp.lua");
    return { file, loaded: await loadDocument(file, { ...ports, runScript: run }) };
  };

  it("is run, and what it returns is the document", async () => {
    const { file, loaded } = await script(async ({ source }) => ({
      value: { id: source, agents: [], metadata: [], hints: { per_agent: [] }, default_init_ctx: [] },
      positions: { "/agents": { file: "lib.lua", line: 7 } },
      warnings: [{ message: "w", position: { file: "lib.lua", line: 2 } }, { message: "v" }],
      printed: ["hello"],
    }));
    expect(loaded.document).toEqual({
      id: "return 1",
      agents: [],
      metadata: {},
      hints: { per_agent: {} },
      default_init_ctx: [],
    });
    expect(loaded.printed).toEqual(["hello"]);
    expect(loaded.sourceMap.position("/agents/3")).toEqual({ file: "lib.lua", line: 7 });
    expect(loaded.sourceMap.position("/id")).toEqual({ file, line: 1 });
    expect(loaded.diagnostics).toMatchObject([
      { kind: "script-warning", level: "warn", message: "w", position: { file: "lib.lua", line: 2 } },
      { kind: "script-warning", level: "warn", message: "v", position: { file, line: 1 } },
    ]);
  });

  it("that fails is a finding at its line, which its message does not repeat", async () => {
    const failing = (code: string, place: object) =>
      script(() => Promise.reject(Object.assign(new Error("lib.lua:4: boom"), { code, ...place })));
    const { loaded } = await failing("lua_error", {
      chunk: "lib.lua",
      line: 4,
      traceback: "lib.lua:4: in f\nx.bp.lua:9: in main",
    });
    expect(loaded.diagnostics).toMatchObject([
      {
        kind: "script-failed",
        message: "boom",
        position: { file: "lib.lua", line: 4 },
        notes: ["lib.lua:4: in f", "x.bp.lua:9: in main"],
      },
    ]);
    expect((await failing("lua_syntax", {})).loaded.diagnostics[0]?.kind).toBe("syntax-error");
    await expect(failing("ENOENT", {})).rejects.toThrow("boom");
  });

  it("is refused where scripts are not run", async () => {
    const directory = directoryOf({ "x.bp.lua": "" });
    expect((await loadDocument(join(directory, "x.bp.lua"), ports)).diagnostics[0]?.kind).toBe("unknown-format");
  });

  it("that returns a value nested too deeply is refused", async () => {
    let deep: readonly unknown[] = [];
    for (let level = 0; level < 5000; level += 1) deep = [deep];
    const { loaded } = await script(async () => ({ value: deep as never }));
    expect(loaded.diagnostics.map(({ kind }) => kind)).toEqual(["limit-exceeded"]);
    expect(loaded.document).toBeUndefined();
  });
});
