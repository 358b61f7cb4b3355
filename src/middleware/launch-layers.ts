/**
 * The stack of each agent: which layers, in which order, from the Blueprint and its hints.
 *
 * The order itself is the Blueprint's (src/blueprint/layer-order.ts), so that what `bp explain` shows is what runs. Each
 * layer is made once for a Blueprint version; an agent's stack takes those that are for it.
 */
import { type LayerInStack, type LayerName, type LayerOptions, layersOf } from "../blueprint/index.ts";
import type { Dispatch, SpawnerLayer } from "../engine/index.ts";
import { afterRunAudit } from "./after-run-audit.ts";
import { agentContext } from "./agent-context.ts";
import { audit } from "./audit.ts";
import { budget } from "./budget.ts";
import { bulkhead } from "./bulkhead.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { deduplicate } from "./deduplicate.ts";
import { inputInject } from "./input-inject.ts";
import type { LayerParts } from "./layer-parts.ts";
import { longHold } from "./long-hold.ts";
import { luaLayer } from "./lua-layer.ts";
import { mainAi } from "./main-ai.ts";
import { projectNameAlias } from "./project-name-alias.ts";
import { rateLimit } from "./rate-limit.ts";
import { resolver } from "./resolver.ts";
import { retry } from "./retry.ts";
import { seniorEscalation } from "./senior-escalation.ts";
import { sink } from "./sink.ts";
import { compose } from "./stack.ts";
import { stepContext } from "./step-context.ts";
import { timeout } from "./timeout.ts";
import { workerBinding } from "./worker-binding.ts";

type Maker = (options: LayerOptions, parts: LayerParts) => SpawnerLayer;

/** Every layer by its name. */
const LAYERS: Readonly<Record<LayerInStack, Maker>> = {
  after_run_audit: (_, parts) => afterRunAudit(parts),
  project_name_alias: (_, { compiled }) => projectNameAlias(compiled.blueprint.metadata.project_name_alias ?? ""),
  step_context: (_, { compiled }) => stepContext(compiled),
  agent_context: (_, { compiled }) => agentContext(compiled),
  worker_binding: (_, { compiled }) => workerBinding(compiled),
  audit: (_, parts) => audit(parts),
  long_hold: ({ long_hold = {} }, parts) => longHold(long_hold, parts),
  main_ai: ({ main_ai = {} }, parts) => mainAi(main_ai, parts),
  senior_escalation: ({ senior_escalation = {} }, parts) => seniorEscalation(senior_escalation, parts),
  input_inject: (options) => inputInject(given(options, "input_inject")),
  resolver: (options) => resolver(given(options, "resolver")),
  sink: (options) => sink(given(options, "sink")),
  lua_layer: (options, parts) => luaLayer(given(options, "lua_layer"), parts),
  timeout: (options, parts) => timeout(given(options, "timeout"), parts),
  retry: ({ retry: options = {} }) => retry(options),
  circuit_breaker: ({ circuit_breaker = {} }) => circuitBreaker(circuit_breaker),
  bulkhead: (options) => bulkhead(given(options, "bulkhead")),
  deduplicate: ({ deduplicate: options = {} }) => deduplicate(options),
  rate_limit: (options, parts) => rateLimit(given(options, "rate_limit"), parts),
  budget: (options, parts) => budget(given(options, "budget"), parts),
};

/** Options that a layer cannot do without: the compiler has refused a Blueprint that lacks them. */
function given<N extends LayerName>(options: LayerOptions, name: N): NonNullable<LayerOptions[N]> {
  return options[name] as NonNullable<LayerOptions[N]>;
}

/** The spawner of a Blueprint version with every agent's layers around it. */
export function layered(parts: LayerParts): Dispatch {
  const { compiled, spawner } = parts;
  const made = new Map<LayerInStack, SpawnerLayer>();
  const layerOf = (name: LayerInStack): SpawnerLayer => {
    let layer = made.get(name);
    if (layer === undefined) {
      layer = LAYERS[name](compiled.layerOptions, parts);
      made.set(name, layer);
    }
    return layer;
  };
  const stackOf = (agent: string): Dispatch => compose(layersOf(compiled, agent).map(layerOf), spawner);
  const stacks = new Map([...compiled.agents.keys()].map((name) => [name, stackOf(name)]));
  return (call) => (stacks.get(call.agent) ?? spawner)(call);
}
