import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBlueprint } from "../../src/blueprint/parse.ts";
import { AGENT_KINDS, LINT_SETTINGS } from "../../src/blueprint/schema/words.ts";
import { EXPR_FIELDS } from "../../src/flow/expr.ts";
import { checkFlow } from "../../src/flow/index.ts";
import { NODE_FIELDS } from "../../src/flow/node.ts";
import { alteredDocuments, richDocument } from "./rich-document.ts";
import { publishedSchema, validatorSource } from "./schema-files.ts";

const root = new URL("../../", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), "utf8");

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly oneOf?: readonly { readonly $ref: string }[];
  readonly const?: string;
  readonly enum?: readonly unknown[];
  readonly enumDescriptions?: readonly unknown[];
  readonly $ref?: string;
  readonly anyOf?: readonly Node[];
}

const schema = JSON.parse(text("spec/blueprint.schema.json")) as Node & {
  readonly $defs: Readonly<Record<string, Node>>;
};
const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
ajv.addKeyword("enumDescriptions");
const published = ajv.compile(schema);

describe("the generated schema files", () => {
  it("are current; if not, run `node spec/blueprint/generate-schema.ts`", () => {
    expect(text("spec/blueprint.schema.json")).toBe(`${JSON.stringify(publishedSchema(), null, 2)}\n`);
    expect(text("src/blueprint/schema/validator.generated.ts")).toBe(validatorSource());
  });
});

describe("the published schema", () => {
  it("describes every definition, every field and every word", () => {
    const silent: string[] = [];
    const described = (node: Node): boolean =>
      node.description !== undefined ||
      (node.$ref !== undefined && described(schema.$defs[node.$ref.slice("#/$defs/".length)] as Node)) ||
      (node.anyOf?.some(described) ?? false);
    for (const [name, node] of [["Blueprint", schema] as const, ...Object.entries(schema.$defs)]) {
      if (node.description === undefined) silent.push(name);
      for (const [field, value] of Object.entries(node.properties ?? {})) {
        if (!described(value)) silent.push(`${name}.${field}`);
        if (value.enum !== undefined && value.enumDescriptions?.length !== value.enum.length)
          silent.push(`${name}.${field} words`);
      }
    }
    expect(silent).toEqual([]);
    expect(Object.keys(schema.$defs).length).toBeGreaterThan(50);
  });

  it("accepts the fixtures, documents with refs, and the nulls mlua-swarm writes", () => {
    const fixtures = new URL("spec/blueprint/fixtures/", root);
    for (const name of readdirSync(fixtures).filter((file) => file.endsWith(".json"))) {
      expect(published(JSON.parse(readFileSync(new URL(name, fixtures), "utf8"))), name).toBe(true);
    }
    const flow = { kind: "seq", children: [] };
    const withRefs = {
      id: "x",
      flow,
      agents: [{ $agent_md: "a.md" }, { $agent_md: "a.md", kind: "lua", spec: { source: { $file: "x.lua" } } }],
      operators: [{ name: "o", profile: { system_prompt: { $file: "p.md" } }, meta: null }],
    };
    expect(published(withRefs), JSON.stringify(published.errors)).toBe(true);
    expect(published(richDocument), JSON.stringify(published.errors)).toBe(true);
  });

  it("accepts exactly what the parser accepts", () => {
    const verdicts = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(alteredDocuments, (document) => {
        const structural = new Set(["unknown-field", "missing-field", "wrong-type", "invalid-value"]);
        const { diagnostics } = parseBlueprint(document);
        // That a version is a semantic version is no matter of the schema.
        const shapes = diagnostics.filter(
          ({ kind, pointer }) => kind !== "invalid-value" || pointer !== "/schema_version",
        );
        const refused = shapes.some(({ kind }) => structural.has(kind));
        verdicts[refused ? "refused" : "accepted"] += 1;
        expect(published(document), JSON.stringify(published.errors)).toBe(!refused);
      }),
      { numRuns: 600 },
    );
    expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(50);
  });

  it("has the language's nodes and expressions, field by field", () => {
    for (const [union, tag, tables] of [
      ["FlowNode", "kind", NODE_FIELDS],
      ["FlowExpr", "op", EXPR_FIELDS],
    ] as const) {
      const described = Object.fromEntries(
        (schema.$defs[union]?.oneOf ?? []).map(({ $ref }) => {
          const { properties = {} } = schema.$defs[$ref.slice("#/$defs/".length)] as Node;
          return [properties[tag]?.const, Object.keys(properties).filter((field) => field !== tag)];
        }),
      );
      const known = Object.entries(tables).map(([word, table]) => [word, table.map(([field]) => field)]);
      expect(described).toEqual(Object.fromEntries(known));
    }
  });

  it("accepts the flows that decode, and refuses those of a wrong shape", () => {
    const vectors = JSON.parse(text("spec/conformance/flow-ir-vectors.json")) as readonly { node?: unknown }[];
    const flows = vectors
      .flatMap(({ node }) => (node === undefined ? [] : [node]))
      .filter((flow) => checkFlow(flow).length === 0);
    expect(flows.length).toBeGreaterThan(100);
    const refused = flows.filter((flow) => !JSON.stringify(flow).includes('["') && !published({ id: "x", flow }));
    expect(refused).toEqual([]);
    for (const flow of [{ kind: "stepp" }, { kind: "step", ref: "a" }, [], { kind: "seq", children: {} }]) {
      expect(published({ id: "x", flow })).toBe(false);
    }
  });
});

describe("words kept beside the schema", () => {
  it("are the schema's", () => {
    const { AgentDef, BlueprintMetadata } = schema.$defs;
    expect([...AGENT_KINDS].toSorted()).toEqual([...(AgentDef?.properties?.["kind"]?.enum ?? [])].toSorted());
    const lints = BlueprintMetadata?.properties?.["lints"] as { additionalProperties: Node };
    expect([...LINT_SETTINGS]).toEqual(lints.additionalProperties.enum);
  });
});
