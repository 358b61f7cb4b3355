/**
 * The hint layers a Blueprint asks for, and what their options name.
 *
 * Does not own: the shape of the options (the schema), what layers do (src/middleware).
 */
import { FlowError, FlowPath } from "../../flow/index.ts";
import { nearestName } from "../nearest-name.ts";
import type { Blueprint, LayerName, LayerOptions } from "../schema.ts";
import { type Compilation, listed, pointerOf } from "./compilation.ts";

const REMOVED_LAYERS: ReadonlySet<string> = new Set(["operator_delegate"]);

/** Layers that do nothing sensible without options. */
const NEED_OPTIONS: ReadonlySet<LayerName> = new Set<LayerName>([
  "input_inject",
  "resolver",
  "sink",
  "lua_layer",
  "timeout",
  "bulkhead",
  "rate_limit",
  "budget",
]);

/** Checks `spawner_hints` and returns the layers that are known and can be made, in declared order, each once. */
export function checkLayers(compilation: Compilation): readonly LayerName[] {
  const known = checkNames(compilation);
  const { options = {} } = compilation.blueprint.spawner_hints;
  for (const [layer, given] of Object.entries(options)) checkOptions(compilation, layer as LayerName, given);
  checkRules(compilation);
  return known.filter((layer) => !NEED_OPTIONS.has(layer) || Object.hasOwn(options, layer));
}

function checkNames({ blueprint, environment, report }: Compilation): readonly LayerName[] {
  const known: LayerName[] = [];
  const lenient = isLenient(blueprint);
  for (const [index, layer] of blueprint.spawner_hints.layers.entries()) {
    const pointer = pointerOf("spawner_hints", "layers", index);
    if (REMOVED_LAYERS.has(layer)) {
      report("removed-spawner-hint", {
        message: `the layer '${layer}' no longer exists`,
        pointer,
        element: { type: "blueprint_root" },
        help: "drop it, declare a seat in operators, point operator agents at the seat with spec.operator_ref, and choose the seat's holder per run",
        suggestion: {
          message: `drop '${layer}', and declare the seat that takes its place`,
          patch: [
            { op: "remove", path: pointer },
            { op: "add", path: "/operators/-", value: { name: "<seat>" } },
          ],
          applicability: "has_placeholders",
        },
      });
    } else if (known.some((earlier) => earlier === layer)) {
      report("duplicate-name", {
        message: `spawner_hints names the layer '${layer}' twice; it is there once`,
        pointer,
        element: { type: "blueprint_root" },
        help: "drop one",
      });
    } else if (environment.hintLayers.has(layer)) {
      const name = layer as LayerName;
      known.push(name);
      if (NEED_OPTIONS.has(name) && blueprint.spawner_hints.options?.[name] === undefined) {
        report("missing-field", {
          ...(lenient ? { level: "warn" } : {}),
          message: `the layer '${layer}' does nothing without options${lenient ? "; it is left out" : ""}`,
          pointer: pointerOf("spawner_hints"),
          element: { type: "blueprint_root" },
          help: `add spawner_hints.options.${layer}`,
        });
      }
    } else {
      const near = nearestName(layer, environment.hintLayers);
      report("unknown-layer", {
        ...(lenient ? { level: "warn" } : {}),
        message: `spawner_hints names the layer '${layer}', which this host does not know${lenient ? "; it is left out" : ""}`,
        pointer,
        element: { type: "blueprint_root" },
        notes: [`layers: ${listed(environment.hintLayers)}`],
        help:
          near === undefined
            ? "drop it, or set strategy.strict_refs to false to have unknown layers left out"
            : `did you mean '${near}'?`,
      });
    }
  }
  return known;
}

/** What the options of one layer name: its agents, seats, and its script. */
function checkOptions(compilation: Compilation, layer: LayerName, given: LayerOptions[LayerName]): void {
  const { blueprint, environment, report } = compilation;
  const at = (...keys: readonly (string | number)[]): string => pointerOf("spawner_hints", "options", layer, ...keys);
  if (given === undefined) return;
  if (!blueprint.spawner_hints.layers.includes(layer)) {
    report("inert-field", {
      message: `spawner_hints has options for the layer '${layer}', which it does not list`,
      pointer: at(),
      element: { type: "blueprint_root" },
      help: `add '${layer}' to spawner_hints.layers, or drop the options`,
    });
  }
  if ("agents" in given) checkAgents(compilation, given.agents, (index) => at("agents", index));
  const { main_ai, senior_escalation, resolver, lua_layer } = { [layer]: given } as LayerOptions;
  if (main_ai?.seat !== undefined) checkSeat(compilation, main_ai.seat, at("seat"));
  for (const [index, link] of (senior_escalation?.chain ?? []).entries())
    checkSeat(compilation, link.seat, at("chain", index, "seat"));
  for (const [from, to] of Object.entries(resolver?.map ?? {})) {
    checkAgents(compilation, [from], () => at("map", from));
    checkServing(compilation, to, at("map", from));
  }
  const problem =
    lua_layer === undefined ? undefined : environment.checkLua?.(lua_layer.source, lua_layer.label ?? "policy.lua");
  if (problem !== undefined) {
    report("lua-syntax", {
      message: `the policy of lua_layer: ${problem.message}`,
      pointer: at("source"),
      element: { type: "blueprint_root" },
      notes: problem.line === undefined ? [] : [`line ${problem.line} of the chunk`],
    });
  }
}

/** Queues are told apart by their names, and chosen by paths. */
function checkRules(compilation: Compilation): void {
  const { blueprint, report } = compilation;
  const rules = blueprint.spawner_hints.options?.rate_limit?.rules ?? [];
  const at = (...keys: readonly (string | number)[]): string =>
    pointerOf("spawner_hints", "options", "rate_limit", "rules", ...keys);
  for (const [index, { key, by, agents }] of rules.entries()) {
    checkAgents(compilation, agents, (position) => at(index, "agents", position));
    const earlier = rules.findIndex((rule) => rule.key === key && rule.by === by);
    if (earlier < index && agents === undefined && rules[earlier]?.agents === undefined) {
      report("duplicate-name", {
        message: `two rules of rate_limit have the key '${key}'; the later one's limits count`,
        pointer: at(index, "key"),
        element: { type: "blueprint_root" },
        help: "drop one, or give each its agents",
      });
    }
    if (by === undefined) continue;
    try {
      FlowPath.parse(by);
    } catch (error) {
      if (!(error instanceof FlowError)) throw error;
      report("invalid-value", {
        message: error.message,
        pointer: at(index, "by"),
        element: { type: "blueprint_root" },
      });
    }
  }
}

function checkAgents(
  { blueprint, report }: Compilation,
  names: readonly string[] | undefined,
  at: (index: number) => string,
): void {
  const agents = blueprint.agents.map(({ name }) => name);
  for (const [index, name] of (names ?? []).entries()) {
    if (agents.includes(name)) continue;
    report("unknown-hinted-agent", {
      message: `spawner_hints names the agent '${name}', which agents does not have`,
      pointer: at(index),
      element: { type: "blueprint_root" },
      notes: [`agents: ${listed(agents)}`],
      ...didYouMean(name, agents, "drop it"),
    });
  }
}

function checkServing({ blueprint, report }: Compilation, name: string, pointer: string): void {
  const agents = blueprint.agents.map((agent) => agent.name);
  if (agents.includes(name)) return;
  const lenient = isLenient(blueprint);
  report("unresolved-agent-ref", {
    ...(lenient ? { level: "warn" } : {}),
    message: `spawner_hints hands steps to the agent '${name}', which agents does not have${lenient ? "; they will fail" : ""}`,
    pointer,
    element: { type: "blueprint_root" },
    notes: [`agents: ${listed(agents)}`],
    ...didYouMean(name, agents, "add the agent, or name one that exists"),
  });
}

function checkSeat({ blueprint, report }: Compilation, seat: string, pointer: string): void {
  const seats = blueprint.operators.map(({ name }) => name);
  if (seats.includes(seat)) return;
  report("unresolved-operator-ref", {
    message: `spawner_hints names the seat '${seat}', which operators does not declare`,
    pointer,
    element: { type: "blueprint_root" },
    notes: [`declared seats: ${listed(seats)}`],
    ...didYouMean(seat, seats, "declare the seat in operators"),
  });
}

function isLenient({ strategy }: Blueprint): boolean {
  return !strategy.strict_refs || !strategy.strict_kind;
}

function didYouMean(name: string, known: Iterable<string>, otherwise: string): { readonly help: string } {
  const near = nearestName(name, known);
  return { help: near === undefined ? otherwise : `did you mean '${near}'?` };
}
