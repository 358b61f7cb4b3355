/**
 * The rate-limit layer: steps pass through named queues (engine/fair-queue.ts) before they go on.
 *
 * A step that passes several enters them in the order of their names, so that two steps never wait for each other.
 */
import type { LayerOptions } from "../blueprint/index.ts";
import { type FairQueues, type Leave, type QueueLimits, type SpawnerLayer, ticketOf } from "../engine/index.ts";
import { FlowPath, type Json, lookupPath } from "../flow/index.ts";
import { refusal } from "./errors.ts";

type Options = NonNullable<LayerOptions["rate_limit"]>;

/** Characters of an input's value that a queue's key takes. */
const MAX_VALUE = 200;
const MAX_WAITING = 10_000;

interface Rule {
  readonly key: string;
  readonly by: FlowPath | undefined;
  readonly agents: ReadonlySet<string> | undefined;
  readonly limits: QueueLimits;
}

/** The layer. Ends a step with `queue_full` or `queue_key` where it cannot wait. */
export function rateLimit({ rules }: Options, { queues }: { readonly queues: FairQueues }): SpawnerLayer {
  const compiled = rules.map(ruleOf);
  return function rateLimitLayer(next) {
    return async (call) => {
      const passed: Leave[] = [];
      try {
        const wanted = new Map<string, QueueLimits>();
        for (const rule of compiled) {
          if (rule.agents !== undefined && !rule.agents.has(call.agent)) continue;
          const key = keyOf(rule, call.input);
          if (key === undefined) {
            const message = `the input of step ${call.key} has no text, number or boolean at ${rule.by?.text}, by which the queue '${rule.key}' is chosen`;
            return refusal("queue_key", message);
          }
          wanted.set(key, rule.limits);
        }
        for (const [key, limits] of [...wanted].sort(byKey)) {
          const entered = queues.queue(key, limits).enter(ticketOf(call), call.signal);
          if (entered === "full") {
            const message = `${limits.maxWaiting} steps wait in the queue '${key}', as many as may`;
            return refusal("queue_full", message, true);
          }
          const leave = await entered;
          if (leave === undefined) return { kind: "cancelled" };
          passed.push(leave);
        }
        return await next(call);
      } finally {
        for (const leave of passed) leave();
      }
    };
  };
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function ruleOf({ key, agents, by, concurrency, rate, max_waiting: maxWaiting }: Options["rules"][number]): Rule {
  return {
    key,
    by: by === undefined ? undefined : FlowPath.parse(by),
    agents: agents === undefined ? undefined : new Set(agents),
    limits: {
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(rate === undefined ? {} : { rate: { limit: rate.limit, perMs: rate.per_ms } }),
      maxWaiting: maxWaiting ?? MAX_WAITING,
    },
  };
}

/** The queue's key, or undefined where the input does not say which. */
function keyOf({ key, by }: Rule, input: Json): string | undefined {
  if (by === undefined) return key;
  const value = lookupPath(by, input);
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return undefined;
  return `${key}/${String(value).slice(0, MAX_VALUE)}`;
}
