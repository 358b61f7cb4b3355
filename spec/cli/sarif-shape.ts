/**
 * The part of the SARIF 2.1.0 format that we write, as a closed JSON Schema: every object admits only the properties that
 * the standard gives it and that we use, with the standard's types, required properties and enumerations.
 */
const closed = (properties: Record<string, object>, required: readonly string[] = []): object => ({
  type: "object",
  additionalProperties: false,
  properties,
  required,
});
const list = (items: object): object => ({ type: "array", items });
const text = { type: "string", minLength: 1 };
const level = { enum: ["none", "note", "warning", "error"] };
const message = closed({ text }, ["text"]);
const artifactLocation = closed({ uri: text, uriBaseId: text }, ["uri"]);
const position = { type: "integer", minimum: 1 };

const rule = closed(
  {
    id: text,
    shortDescription: message,
    defaultConfiguration: closed({ level }),
    properties: closed({ tags: list(text) }),
  },
  ["id"],
);

const location = closed({
  physicalLocation: closed({ artifactLocation, region: closed({ startLine: position, startColumn: position }) }),
  logicalLocations: list(closed({ fullyQualifiedName: { type: "string" }, kind: text })),
});

const result = closed(
  {
    ruleId: text,
    ruleIndex: { type: "integer", minimum: 0 },
    level,
    message,
    locations: list(location),
    suppressions: list(closed({ kind: { enum: ["inSource", "external"] }, justification: text }, ["kind"])),
  },
  ["message"],
);

const run = closed(
  {
    tool: closed(
      {
        driver: closed(
          { name: text, semanticVersion: { type: "string", pattern: "^\\d+\\.\\d+\\.\\d+" }, rules: list(rule) },
          ["name"],
        ),
      },
      ["driver"],
    ),
    columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
    originalUriBaseIds: {
      type: "object",
      additionalProperties: closed({ uri: { type: "string", pattern: "/$" } }, ["uri"]),
    },
    artifacts: list(closed({ location: artifactLocation })),
    results: list(result),
  },
  ["tool"],
);

/** The schema. */
export const sarifShape: object = closed({ $schema: text, version: { const: "2.1.0" }, runs: list(run) }, [
  "version",
  "runs",
]);
