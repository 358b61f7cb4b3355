import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAgentMd } from "../../src/blueprint/agent-md.ts";
import { hasErrors } from "../../src/blueprint/diagnostic.ts";
import { readDocumentText } from "../../src/blueprint/document-text.ts";
import { linkDocument } from "../../src/blueprint/link.ts";
import { lintRegistry } from "../../src/blueprint/lint-registry.ts";
import { parseBlueprint } from "../../src/blueprint/parse.ts";
import type { Json } from "../../src/flow/index.ts";
import { alteredDocuments } from "./rich-document.ts";

const nowhere = {
  read: async () => ({ kind: "missing" }) as const,
  realDirectory: async () => undefined,
  list: async () => undefined,
};

describe("whatever it is given", () => {
  it("the parser answers with a Blueprint or with errors, of registered kinds", () => {
    const anything = fc.oneof(alteredDocuments, fc.jsonValue(), fc.anything());
    fc.assert(
      fc.property(anything, (document) => {
        const { blueprint, diagnostics } = parseBlueprint(document);
        expect(hasErrors(diagnostics)).toBe(blueprint === undefined);
        for (const { kind } of diagnostics) expect(lintRegistry.has(kind)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("reading a text answers with a document or with errors", async () => {
    const lines = fc.array(
      fc.constantFrom(
        "a: 1",
        "- x",
        "  b: &x",
        "*x",
        "? y",
        "{",
        "}",
        "[",
        ": ",
        "'",
        '"',
        "\t",
        "---",
        "|",
        "!t",
        "#",
      ),
    );
    const text = fc.oneof(
      lines.map((parts) => parts.join("\n")),
      lines.map((parts) => parts.join(" ")),
      fc.string({ unit: "binary" }),
    );
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom("json" as const, "yaml" as const), async (source, format) => {
        const { document, diagnostics, sourceMap } = await readDocumentText(source, format, "f");
        expect(hasErrors(diagnostics)).toBe(document === undefined);
        expect(sourceMap.position("/a/0/b")?.line ?? 1).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it("an agent.md is an agent or has errors, and so is every file with front matter", () => {
    const lines = fc.array(
      fc.constantFrom("---", "name: a", "tools: [1, b]", "lints: x", "kind: lua", "runner: {}", "text", "----", ""),
    );
    fc.assert(
      fc.property(lines, fc.constantFrom("\n", "\r\n"), (parts, end) => {
        const { agent, diagnostics } = readAgentMd(["---", ...parts].join(end), "a.md");
        expect(hasErrors(diagnostics)).toBe(agent === undefined);
      }),
      { numRuns: 500 },
    );
  });

  it("the linker answers, leaves the rest of the document alone, and looks nowhere else", async () => {
    const refs = fc.record({ at: fc.constantFrom("$file", "$agent_md"), ref: fc.string() });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), refs, async (rest, { at, ref }) => {
        const document = { rest: rest as Json, here: { [at]: ref } };
        const linked = await linkDocument(document, { files: nowhere, includes: { base: "b", bundled: null } });
        expect(linked.unlinked).toContain("/here");
        expect(linked.document).toEqual(document);
      }),
    );
  });
});
