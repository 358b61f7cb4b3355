/** Blueprints for the compatibility door. */

const at = (path: string): object => ({ op: "path", at: path });

/** One step of an operator's agent, which reads `$.item` and writes `$.said`. */
export function errand(
  over: { readonly id?: string; readonly agent?: object; readonly document?: object } = {},
): object {
  return {
    schema_version: "0.1.0",
    id: over.id ?? "errand",
    operators: [{ name: "main" }],
    agents: [
      {
        name: "writer",
        kind: "operator",
        spec: { operator_ref: "main" },
        profile: { system_prompt: "You write." },
        runner: { backend: "ws_operator", variant: "mse-coder", tools: ["Read"] },
        ...over.agent,
      },
    ],
    flow: { kind: "step", ref: "writer", in: at("$.item"), out: at("$.said") },
    default_init_ctx: { item: "write it" },
    ...over.document,
  };
}

/** The flow of an errand done twice, one after the other. */
export const twice: object = {
  kind: "seq",
  children: ["$.said", "$.again"].map((out) => ({ kind: "step", ref: "writer", in: at("$.item"), out: at(out) })),
};

/** No step at all: it ends as it began. */
export const identity: object = {
  schema_version: "0.1.0",
  id: "identity",
  flow: { kind: "seq", children: [] },
};
