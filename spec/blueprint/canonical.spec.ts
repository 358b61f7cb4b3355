import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blueprintVersion, canonicalText } from "../../src/blueprint/canonical.ts";
import { complete, minimal, objectsForEmptyTables } from "../../src/blueprint/conform.ts";
import { BlueprintError } from "../../src/blueprint/errors.ts";
import { parseBlueprint } from "../../src/blueprint/parse.ts";
import type { Json } from "../../src/flow/index.ts";
import { alteredDocuments, richDocument } from "./rich-document.ts";

const flow = { kind: "seq", children: [] };

/** The value with the keys of every object in another order. */
function shuffled(value: Json, order: () => number): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((part) => shuffled(part, order));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => ({
    key,
    part: shuffled(part as Json, order),
    rank: order(),
  }));
  return Object.fromEntries(entries.toSorted((a, b) => a.rank - b.rank).map(({ key, part }) => [key, part]));
}

describe("the canonical text", () => {
  it("of a document with many hints is one, however often and in whatever order it is written", () => {
    const per_agent = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`agent-${index}`, { rank: index, note: "ä" }]),
    );
    const document = { id: "many-hints", flow, hints: { per_agent } };
    let state = 1;
    const order = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state;
    };
    const versions = new Set(
      Array.from({ length: 1000 }, () => blueprintVersion(canonicalText(shuffled(document, order)))),
    );
    expect([...versions]).toEqual(["sha256:eb2ca4b98ec830078d3769fdc346db41ade8d46fe3b93acce95d3ba6e44cd597"]);
  });

  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(alteredDocuments, fc.infiniteStream(fc.nat()), (document, ranks) => {
        const order = () => ranks.next().value as number;
        expect(canonicalText(shuffled(document, order))).toBe(canonicalText(document));
      }),
    );
  });

  it("is the same for a document, for its parsed form, and for the text parsed again", () => {
    fc.assert(
      fc.property(alteredDocuments, (document) => {
        const text = canonicalText(document);
        const { blueprint } = parseBlueprint(document);
        if (blueprint !== undefined) expect(canonicalText(blueprint as unknown as Json)).toBe(text);
        expect(canonicalText(JSON.parse(text))).toBe(text);
        expect(parseBlueprint(JSON.parse(text)).blueprint).toEqual(blueprint);
      }),
      { numRuns: 300 },
    );
  });

  it("leaves out nulls of absent keys and values equal to their default", () => {
    expect(canonicalText({ id: "x", flow })).toBe('{"flow":{"children":[],"kind":"seq"},"id":"x"}');
    const spelt = complete({ id: "x", flow, default_runner: null, metadata: { description: null } });
    expect(canonicalText(spelt)).toBe(canonicalText({ id: "x", flow }));
  });

  it("keeps what is in free JSON, nulls and all", () => {
    const agents = [{ name: "a", kind: "lua", spec: { b: null, a: [] }, profile: { extras: { x: null } } }];
    const text = canonicalText({ id: "x", flow, agents, default_init_ctx: { y: null, tags: [] } });
    expect(JSON.parse(text)).toMatchObject({ agents, default_init_ctx: { y: null, tags: [] } });
  });

  it("is there for a document as deep as documents may be, and refused past that", () => {
    const deep = (levels: number) => Array.from({ length: levels }).reduce<Json>((inner) => [inner], null);
    expect(canonicalText({ id: "x", flow, default_init_ctx: deep(2400) })).toContain("[[[[");
    for (const bad of [deep(10_000), Number.NaN as Json, "\ud800", { "\ud800": 1 }]) {
      expect(() => canonicalText({ id: "x", flow, default_init_ctx: bad })).toThrow(BlueprintError);
    }
  });

  it("has keys of the object prototype as keys", () => {
    const document = JSON.parse('{"id":"x","flow":{},"default_init_ctx":{"__proto__":1,"constructor":2}}');
    expect(canonicalText(document)).toBe('{"default_init_ctx":{"__proto__":1,"constructor":2},"flow":{},"id":"x"}');
  });
});

describe("the version", () => {
  it("is the SHA-256 of domain and text, and never changes for a document", () => {
    const fixture = new URL("./fixtures/02-verdict-loop.json", import.meta.url);
    expect(blueprintVersion(canonicalText(JSON.parse(readFileSync(fixture, "utf8"))))).toBe(
      "sha256:ee8b80dde33340ef46dcc2111515b85a44e2798310391b5b7f32fbe1aabd46ad",
    );
    expect(blueprintVersion(canonicalText(richDocument))).toBe(
      "sha256:ab06496266359530af3fc51a131e5613dff7189c65dd8169765f8d5d54140fc4",
    );
  });
});

describe("filling defaults in and leaving them out", () => {
  it("undo each other, and change nothing the second time", () => {
    fc.assert(
      fc.property(alteredDocuments, (document) => {
        const full = complete(document);
        expect(complete(full)).toEqual(full);
        expect(minimal(full)).toEqual(minimal(document));
        expect(minimal(minimal(document))).toEqual(minimal(document));
      }),
      { numRuns: 300 },
    );
  });
});

describe("empty tables", () => {
  it("become objects where the schema wants objects, and nowhere else", () => {
    const table: Json = [];
    const document = {
      hints: { per_agent: table, global: table },
      metadata: table,
      agents: [
        {
          name: "a",
          spec: table,
          profile: { extras: table, tools: table },
          meta: table,
          runner: { backend: "subprocess", overrides: table },
        },
      ],
      subprocesses: [{ env: table, argv: table }],
      default_init_ctx: table,
      flow: { children: table },
    };
    expect(objectsForEmptyTables(document)).toEqual({
      hints: { per_agent: {}, global: [] },
      metadata: {},
      agents: [
        {
          name: "a",
          spec: [],
          profile: { extras: [], tools: [] },
          meta: {},
          runner: { backend: "subprocess", overrides: {} },
        },
      ],
      subprocesses: [{ env: {}, argv: [] }],
      default_init_ctx: [],
      flow: { children: [] },
    });
  });

  it("become objects in agents that are refs, too", () => {
    expect(objectsForEmptyTables({ agents: [{ $agent_md: "a", profile: [] }] })).toEqual({
      agents: [{ $agent_md: "a", profile: {} }],
    });
  });
});
