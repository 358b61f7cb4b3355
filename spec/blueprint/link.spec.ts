import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readAgentDirectory } from "../../src/blueprint/agent-directory.ts";
import { BlueprintError } from "../../src/blueprint/errors.ts";
import { bundledAgents, type IncludeSources, includesFromEnvironment } from "../../src/blueprint/include-cascade.ts";
import { checkEmbedded, type LinkOptions, linkDocument } from "../../src/blueprint/link.ts";
import { nodeFiles } from "../../src/blueprint/node-files.ts";
import { parseBlueprint } from "../../src/blueprint/parse.ts";
import { located, positionsByPointer } from "../../src/blueprint/source-map.ts";
import type { Json } from "../../src/flow/index.ts";
import { directoryOf } from "./temporary-directory.ts";

const agentMd = (name: string, body = `I am ${name}.`) => `---\nname: ${name}\nmodel: m\ntools: [Read]\n---\n${body}`;

function link(document: Json, includes: IncludeSources, more: Partial<LinkOptions> = {}) {
  return linkDocument(document, { files: nodeFiles, includes: { bundled: null, ...includes }, ...more });
}

const kinds = ({ diagnostics }: { diagnostics: readonly { kind: string }[] }) => diagnostics.map(({ kind }) => kind);

describe("$file", () => {
  it("alone in its object becomes the file's text, anywhere in the document", async () => {
    const base = directoryOf({ "p.md": "Prompt: {}\n", "d/q.txt": "" });
    const document = { a: [{ $file: "p.md" }, { b: { $file: "d/q.txt" } }], c: { $file: "./p.md" } };
    const linked = await link(document, { base });
    expect(linked.diagnostics).toEqual([]);
    expect(linked.document).toEqual({ a: ["Prompt: {}\n", { b: "" }], c: "Prompt: {}\n" });
    expect(document.a[0]).toEqual({ $file: "p.md" });
  });

  it("is not looked into", async () => {
    const base = directoryOf({ "p.json": '{"$file":"q"}' });
    expect((await link({ a: { $file: "p.json" } }, { base })).document).toEqual({ a: '{"$file":"q"}' });
  });

  it("with keys beside it is data, and warned about", async () => {
    const document = { a: { $file: "p.md", encoding: "utf8" } };
    const linked = await link(document, { base: directoryOf({ "p.md": "x" }) });
    expect(linked.document).toEqual(document);
    expect(linked.diagnostics).toMatchObject([{ kind: "ref-with-siblings", level: "warn", pointer: "/a" }]);
  });

  it("that is no text is data", async () => {
    const document = { a: { $file: 3 }, b: { $agent_md: null } };
    expect(await link(document, { base: directoryOf({}) })).toMatchObject({ document, diagnostics: [] });
  });
});

describe("$agent_md", () => {
  const base = () => directoryOf({ "a.md": agentMd("a"), "p.md": "other" });

  it("becomes the agent the file describes", async () => {
    const { document, diagnostics } = await link({ agents: [{ $agent_md: "a.md" }] }, { base: base() });
    expect(diagnostics).toEqual([]);
    expect(document).toMatchObject({
      agents: [{ name: "a", kind: "operator", profile: { system_prompt: "I am a.", model: "m", tools: ["Read"] } }],
    });
  });

  it("gives way to what stands beside it, key by key and whole", async () => {
    const siblings = {
      name: "b",
      kind: "lua",
      profile: { model: "n" },
      spec: { source: { $file: "p.md" } },
      lints: null,
    };
    const { document } = await link({ agents: [{ $agent_md: "a.md", ...siblings }] }, { base: base() });
    expect(document).toEqual({
      agents: [{ name: "b", kind: "lua", profile: { model: "n" }, spec: { source: "other" }, lints: null }],
    });
  });

  it("takes its kind from beside it, the file, the document, the host, and else is an operator", async () => {
    const directory = directoryOf({ "a.md": agentMd("a"), "k.md": "---\nname: k\nkind: llm\n---\n" });
    const kindOf = async (ref: object, document: object, more: Partial<LinkOptions> = {}) => {
      const linked = await link({ ...document, agents: [ref] } as Json, { base: directory }, more);
      return (linked.document as { agents: { kind: string }[] }).agents[0]?.kind;
    };
    const host = { defaultAgentKind: "swarm" } as const;
    expect(await kindOf({ $agent_md: "k.md", kind: "lua" }, { default_agent_kind: "subprocess" }, host)).toBe("lua");
    expect(await kindOf({ $agent_md: "k.md" }, { default_agent_kind: "subprocess" }, host)).toBe("llm");
    expect(await kindOf({ $agent_md: "a.md" }, { default_agent_kind: "subprocess" }, host)).toBe("subprocess");
    expect(await kindOf({ $agent_md: "a.md" }, {}, host)).toBe("swarm");
    expect(await kindOf({ $agent_md: "a.md" }, {})).toBe("operator");
    expect(await kindOf({ $agent_md: "a.md", kind: "wizard" }, {})).toBe("wizard");
  });

  it("that cannot be used is the file's finding, and the ref's place in the document", async () => {
    const linked = await link(
      { agents: [{ $agent_md: "x.md" }] },
      { base: directoryOf({ "x.md": "no front matter" }) },
    );
    expect(linked.diagnostics).toMatchObject([
      { kind: "agent-md-invalid", pointer: "/agents/0", position: { file: expect.stringMatching(/x\.md$/), line: 1 } },
    ]);
    expect(linked.unlinked).toEqual(["/agents/0"]);
    expect(linked.document).toEqual({ agents: [{ $agent_md: "x.md" }] });
  });

  it("keeps its warnings", async () => {
    const linked = await link(
      { agents: [{ $agent_md: "x.md" }] },
      { base: directoryOf({ "x.md": "---\nname: a\nmodel: 3\n---\n" }) },
    );
    expect(linked.diagnostics).toMatchObject([{ kind: "agent-md-ignored-key", level: "warn", position: { line: 3 } }]);
    expect(linked.unlinked).toEqual([]);
  });
});

describe("the include cascade", () => {
  it("is searched in order: base, document, environment, command line, configuration, package", async () => {
    const root = directoryOf({
      "base/own/x": "document",
      "environment/x": "environment",
      "cli/x": "command_line",
      "config/x": "configuration",
      "bundled/x": "bundled",
    });
    const all: IncludeSources = {
      base: join(root, "base"),
      environment: [join(root, "environment")],
      commandLine: [join(root, "cli")],
      configuration: [join(root, "config")],
      bundled: join(root, "bundled"),
    };
    const own = { a: { $file: "x" }, blueprint_ref_includes: ["own"] };
    const tierOf = async (document: Json, sources: IncludeSources) => (await link(document, sources)).manifest[0]?.tier;
    expect((await link(own, all)).cascade.map(({ tier }) => tier)).toEqual([
      "base",
      "document",
      "environment",
      "command_line",
      "configuration",
      "bundled",
    ]);
    expect(await tierOf({ ...own, a: { $file: "own/x" } }, all)).toBe("base");
    expect(await tierOf(own, all)).toBe("document");
    const plain = { a: { $file: "x" } };
    expect(await tierOf(plain, all)).toBe("environment");
    expect(await tierOf(plain, { ...all, environment: [] })).toBe("command_line");
    expect(await tierOf(plain, { ...all, environment: [], commandLine: [] })).toBe("configuration");
    expect(await tierOf(plain, { base: join(root, "base"), bundled: join(root, "bundled") })).toBe("bundled");
  });

  it("that holds no such file is listed, in order", async () => {
    const root = directoryOf({ "base/y": "", "one/y": "", "two/x/y": "" });
    const sources = { base: join(root, "base"), commandLine: [join(root, "one"), join(root, "two")] };
    const { diagnostics, unlinked } = await link({ a: { $file: "x" } }, sources);
    expect(diagnostics).toMatchObject([
      {
        kind: "unresolved-ref",
        message: "x is in no include directory",
        pointer: "/a",
        notes: [
          `searched ${join(root, "base")} (the document's directory)`,
          `searched ${join(root, "one")} (the command line)`,
          `searched ${join(root, "two")} (the command line): not a file there`,
        ],
        help: expect.stringContaining("--include"),
      },
    ]);
    expect(unlinked).toEqual(["/a"]);
  });

  it("passes over a directory that has the ref's name", async () => {
    const root = directoryOf({ "base/x/y": "", "cli/x": "found" });
    const linked = await link({ a: { $file: "x" } }, { base: join(root, "base"), commandLine: [join(root, "cli")] });
    expect(linked.document).toEqual({ a: "found" });
  });

  it("warns about directories somebody named that are not there", async () => {
    const base = directoryOf({ x: "" });
    const document = { a: { $file: "x" }, blueprint_ref_includes: ["gone"] };
    const { diagnostics } = await link(document, { base, commandLine: [join(base, "none")] });
    expect(diagnostics).toMatchObject([
      { kind: "include-missing", pointer: "/blueprint_ref_includes/0" },
      { kind: "include-missing", message: expect.stringContaining("(the command line)") },
    ]);
  });

  it("ends with the agents of the package", async () => {
    const linked = await linkDocument({ agents: [{ $agent_md: "researcher.md" }] }, { files: nodeFiles, includes: {} });
    expect(linked.diagnostics).toEqual([]);
    expect(linked.manifest).toMatchObject([{ tier: "bundled", directory: bundledAgents() }]);
  });

  it("reads the environment as PATH is read, our variable first", () => {
    expect(
      includesFromEnvironment({ MSE_BLUEPRINT_INCLUDES: "/c", SWARM_HOST_INCLUDES: "/a::/b:", PATH: "/d" }),
    ).toEqual(["/a", "/b", "/c"]);
    expect(includesFromEnvironment({})).toEqual([]);
  });
});

describe("refs that would leave their directories", () => {
  it("are refused before any lookup", async () => {
    const files = { ...nodeFiles, read: () => Promise.reject(new Error("looked up")) };
    const refs = ["/etc/passwd", "..", "../x", "a/../../x", "a\\..\\x", "C:\\x", "C:x", "\\\\host\\x", "", "a\0b"];
    const document = { a: refs.map(($file) => ({ $file })) };
    const { diagnostics, unlinked } = await link(document, { base: directoryOf({}) }, { files });
    expect(diagnostics.map(({ kind, pointer }) => [kind, pointer])).toEqual(
      refs.map((_, index) => ["invalid-ref", `/a/${index}`]),
    );
    expect(unlinked).toHaveLength(refs.length);
  });

  it("through a symbolic link are refused, inside are followed", async () => {
    const root = directoryOf({ "secret/key": "hidden", "base/real": "fine" });
    symlinkSync("../secret/key", join(root, "base/file"));
    symlinkSync("../secret", join(root, "base/directory"));
    symlinkSync("real", join(root, "base/inside"));
    symlinkSync("loop", join(root, "base/loop"));
    const base = join(root, "base");
    const kindsOf = async ($file: string) =>
      kinds(await link({ a: { $file } }, { base, commandLine: [join(root, "secret")] }));
    expect(await kindsOf("file")).toEqual(["ref-escapes"]);
    expect(await kindsOf("directory/key")).toEqual(["ref-escapes"]);
    expect(await kindsOf("inside")).toEqual([]);
    expect(await kindsOf("loop")).toEqual(["unreadable-ref"]);
  });

  it("say nothing of the size of what they lead to", async () => {
    const root = directoryOf({ "secret/big": "x".repeat(2_000_000), "base/x": "" });
    symlinkSync("../secret/big", join(root, "base/link"));
    const linked = await link({ a: { $file: "link" } }, { base: join(root, "base") });
    expect(kinds(linked)).toEqual(["ref-escapes"]);
  });

  it("by the document's own include directories are refused, unless the host allows them", async () => {
    const root = directoryOf({ "base/in/x": "inside", "outside/x": "outside", "other/x": "other" });
    symlinkSync("../outside", join(root, "base/link"));
    const base = join(root, "base");
    const run = (include: string, allowed: readonly string[] = []) =>
      link({ a: { $file: "x" }, blueprint_ref_includes: [include] }, { base, allowed });
    expect(kinds(await run("in"))).toEqual([]);
    for (const include of ["..", "../outside", "/", join(root, "outside"), "link", "in/../../outside"]) {
      const linked = await run(include);
      expect(kinds(linked)).toEqual(["include-refused", "unresolved-ref"]);
      expect(linked.diagnostics[0]).toMatchObject({ level: "error", pointer: "/blueprint_ref_includes/0" });
    }
    expect((await run("../outside", [join(root, "outside")])).document).toMatchObject({ a: "outside" });
    expect(kinds(await run("../other", [join(root, "outside")]))).toEqual(["include-refused", "unresolved-ref"]);
  });

  it("by include directories of a document without a base are refused", async () => {
    const root = directoryOf({ x: "secret" });
    const linked = await link({ a: { $file: "x" }, blueprint_ref_includes: [root] }, {});
    expect(kinds(linked)).toEqual(["include-refused", "unresolved-ref"]);
  });
});

describe("what refs may read", () => {
  it("is regular files of UTF-8 text", async () => {
    const base = directoryOf({ bin: new Uint8Array([0xff, 0xfe, 0x00]), bom: "\ufeffx" });
    execFileSync("mkfifo", [join(base, "pipe")]);
    mkdirSync(join(base, "dir"));
    const kindsOf = async ($file: string) => kinds(await link({ a: { $file } }, { base }));
    expect(await kindsOf("bin")).toEqual(["unreadable-ref"]);
    expect(await kindsOf("pipe")).toEqual(["unresolved-ref"]);
    expect(await kindsOf("dir")).toEqual(["unresolved-ref"]);
    expect((await link({ a: { $file: "bom" } }, { base })).document).toEqual({ a: "x" });
  });

  it("is a megabyte a file, by default", async () => {
    const base = directoryOf({ just: "x".repeat(1024 * 1024), over: "x".repeat(1024 * 1024 + 1) });
    expect(kinds(await link({ a: { $file: "just" } }, { base }))).toEqual([]);
    expect(kinds(await link({ a: { $file: "over" } }, { base }))).toEqual(["limit-exceeded"]);
  });

  it("is bounded in all, each file counted once", async () => {
    const base = directoryOf({ a: "x".repeat(60), b: "x".repeat(60) });
    const limits = { maxFileBytes: 100, maxTotalBytes: 100, maxRefs: 3 };
    const run = (...refs: string[]) => link({ a: refs.map(($file) => ({ $file })) }, { base }, { limits });
    expect(kinds(await run("a", "a", "a"))).toEqual([]);
    expect(kinds(await run("a", "b"))).toEqual(["limit-exceeded"]);
    expect(await run("a", "a", "a", "a")).toMatchObject({ unlinked: ["/a/0", "/a/1", "/a/2", "/a/3"] });
  });
});

describe("the manifest", () => {
  it("says of every ref where it was found and what it held", async () => {
    const text = agentMd("a");
    const base = directoryOf({ "d/a.md": text });
    const { manifest } = await link(
      { agents: [{ $agent_md: "d/a.md" }, { $agent_md: "d/a.md", name: "b" }] },
      { base },
    );
    const entry = {
      key: "$agent_md",
      ref: "d/a.md",
      file: join(base, "d/a.md"),
      directory: base,
      tier: "base",
      sha256: createHash("sha256").update(text).digest("hex"),
      bytes: text.length,
    };
    expect(manifest).toEqual([
      { ...entry, pointer: "/agents/0" },
      { ...entry, pointer: "/agents/1" },
    ]);
  });
});

describe("places in a linked document", () => {
  it("are in the linked file, but for what the document wrote itself", async () => {
    const base = directoryOf({ "a.md": "---\nname: a\nrunner:\n  backend: ws_operator\n---\nbody", "p.md": "prompt" });
    const document = {
      id: "x",
      flow: { kind: "seq", children: [] },
      agents: [{ $agent_md: "a.md", policy: { timeout: 3 }, spec: { source: { $file: "p.md" } } }],
    };
    const sourceMap = positionsByPointer(
      new Map([
        ["", { file: "b.json", line: 1 }],
        ["/agents/0", { file: "b.json", line: 10 }],
        ["/agents/0/policy/timeout", { file: "b.json", line: 11 }],
      ]),
    );
    const linked = await link(document, { base }, { sourceMap });
    const { diagnostics } = parseBlueprint(linked.document);
    const lines = located(diagnostics, linked.sourceMap).map(({ kind, position }) => [kind, position?.line]);
    expect(lines.toSorted()).toEqual([
      ["missing-field", 3],
      ["unknown-field", 11],
    ]);
    const at = (pointer: string) => linked.sourceMap.position(pointer)?.file;
    expect(at("/agents/0/runner")).toBe(join(base, "a.md"));
    expect(at("/agents/0/policy")).toBe("b.json");
    expect(at("/agents/0/spec")).toBe("b.json");
    expect(at("/agents/0/spec/source")).toBe(join(base, "p.md"));
    expect(linked.sourceMap.position("/agents/0/profile/system_prompt")?.line).toBe(6);
  });
});

describe("a document without refs", () => {
  it("is handed back as it is, and nothing is looked up", async () => {
    const files = {
      read: () => Promise.reject(new Error("read")),
      realDirectory: () => Promise.reject(new Error("looked up")),
      list: () => Promise.reject(new Error("listed")),
    };
    const document = { id: "x", blueprint_ref_includes: ["gone"] };
    const linked = await linkDocument(document, { files, includes: { base: "/nowhere" } });
    expect(linked.document).toBe(document);
    expect(linked).toMatchObject({ manifest: [], cascade: [], unlinked: [], diagnostics: [] });
  });
});

describe("the check for embedded documents", () => {
  it("lists every ref as key=path", () => {
    const document = {
      agents: [{ $agent_md: "a.md", spec: { source: { $file: "s.lua" } } }],
      metas: [{ name: "m", ctx: { $file: "c.json", note: 1 } }],
    };
    expect(
      checkEmbedded(document).map(({ message, pointer }) => [/\$\w+=\S+(?=,)/.exec(message)?.[0], pointer]),
    ).toEqual([
      ["$agent_md=a.md", "/agents/0"],
      ["$file=s.lua", "/agents/0/spec/source"],
      ["$file=c.json", "/metas/0/ctx"],
    ]);
    expect(checkEmbedded({ id: "x", agents: [] })).toEqual([]);
  });
});

describe("a directory of agents", () => {
  it("is read in order of names; what is no agent is passed over, what is broken is said", async () => {
    const directory = directoryOf({
      "b.md": agentMd("b"),
      "a.md": "---\nname: a\nkind: lua\n---\n",
      "README.md": "# no agent",
      "c.md": "---\nmodel: x\n---\n",
      "d.txt": agentMd("d"),
      "e/f.md": agentMd("f"),
    });
    const { agents, diagnostics } = await readAgentDirectory(directory, "operator", nodeFiles);
    expect(agents.map(({ agent }) => [agent["name"], agent["kind"]])).toEqual([
      ["a", "lua"],
      ["b", "operator"],
    ]);
    expect(diagnostics).toMatchObject([{ kind: "agent-md-invalid", position: { file: join(directory, "c.md") } }]);
  });

  it("that is not there is an error", async () => {
    const reading = readAgentDirectory("/nowhere/at/all", "operator", nodeFiles);
    await expect(reading).rejects.toThrow(BlueprintError);
    await expect(reading).rejects.toMatchObject({ code: "agents_unreadable" });
  });
});
