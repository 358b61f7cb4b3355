/**
 * Options of the hint layers: `spawner_hints.options.<layer>`.
 *
 * A layer that is listed without options takes its defaults, which the descriptions name; the layers that cannot do
 * without say so when the Blueprint is compiled.
 */
import { Type } from "@sinclair/typebox";
import { closed, list, mapOf, maybe, oneWord, text, texts, whole } from "./object.ts";

const agents = maybe(texts("Names of the agents it is for; absent: every agent."));
const DAY_MS = 86_400_000;
const amount = (description: string) => Type.Number({ description, minimum: 0, maximum: 1e15 });

export const AuditLayerSchema = closed("AuditLayer", "Says when attempts start and how they end, as progress.", {
  agents,
});

export const LongHoldLayerSchema = closed("LongHoldLayer", "Looks after attempts that take long.", {
  agents,
  warn_after_ms: maybe(whole("Pause before the first warning, and between two. Default 300000.", 1, 30 * DAY_MS)),
  extend_by_ms: maybe(whole("What a warning adds to the attempt's deadline. Default 0: nothing.", 0, 30 * DAY_MS)),
  max_extensions: maybe(whole("Times the deadline is moved. Default 3.", 0, 1_000)),
});

export const MainAiLayerSchema = closed("MainAiLayer", "Tells an AI main agent of steps before and after.", {
  agents,
  seat: maybe(text("The seat to tell. Default: the agent's own, else the only one of `operators`.")),
});

export const EscalationLinkSchema = closed("EscalationLink", "One who is asked.", {
  seat: text("Name of the seat."),
  timeout_ms: maybe(whole("How long it has for its answer. Default 172800000: two days.", 1, 365 * DAY_MS)),
});

export const SeniorEscalationLayerSchema = closed(
  "SeniorEscalationLayer",
  "Asks seniors about steps that are blocked; an answer makes the step pass.",
  {
    agents,
    chain: maybe(
      list(
        EscalationLinkSchema,
        "Who is asked, one after the other. Default: the agent's own seat, else the only one of `operators`.",
      ),
    ),
  },
);

export const InputInjectLayerSchema = closed("InputInjectLayer", "Names earlier outputs for the worker to read.", {
  agents,
  refs: texts("Output refs; the context key `input_refs`."),
});

export const ResolverLayerSchema = closed("ResolverLayer", "Hands steps of one agent to another.", {
  map: mapOf(Type.String(), "Name of the agent that serves, by the name that steps use."),
});

export const SinkLayerSchema = closed("SinkLayer", "Tells workers where to send data.", {
  agents,
  endpoint: text("Base URL; the context key `data_sink_endpoint`."),
});

export const LuaLayerSchema = closed("LuaLayer", "A policy in Lua that looks at calls and outcomes.", {
  agents,
  source: text("The chunk: it defines or returns `before(call)` and `after(call, outcome)`, both optional."),
  label: maybe(text("Chunk name in errors. Default `policy.lua`.")),
  max_retries: maybe(whole("Times `after` may have an attempt repeated. Default 3.", 0, 100)),
});

export const TimeoutLayerSchema = closed("TimeoutLayer", "Gives up what is inside it after a time.", {
  agents,
  timeout_ms: whole("The time, in milliseconds.", 1, 30 * DAY_MS),
});

export const RetryLayerSchema = closed(
  "RetryLayer",
  "Repeats failures at once, within the attempt. For what must survive a restart, use the agent's `policy.retry`.",
  {
    agents,
    attempts: maybe(whole("Tries in all, the first included. Default 3.", 1, 100)),
    backoff_ms: maybe(whole("Pause before the second try; it doubles. Default 100.", 0, 3_600_000)),
    max_backoff_ms: maybe(whole("Ceiling of the pause. Default 10000.", 0, 3_600_000)),
  },
);

export const CircuitBreakerLayerSchema = closed(
  "CircuitBreakerLayer",
  "Refuses steps of an agent that keeps failing, on this host, until a trial succeeds.",
  {
    agents,
    failures: maybe(whole("Failures in a row that open it. Default 5.", 1, 10_000)),
    half_open_after_ms: maybe(whole("Pause before a trial. Default 30000.", 1, DAY_MS)),
  },
);

export const BulkheadLayerSchema = closed(
  "BulkheadLayer",
  "Bounds attempts of an agent under way on this host, and refuses more instead of queueing without end.",
  {
    agents,
    limit: whole("Attempts under way at once.", 1, 100_000),
    queue: maybe(whole("Attempts that may wait; more are refused. Default 0.", 0, 1_000_000)),
  },
);

export const DeduplicateLayerSchema = closed(
  "DeduplicateLayer",
  "Lets equal steps that are under way at once share one worker's outcome.",
  {
    agents,
    scope: maybe(
      oneWord("Which steps are compared. Default `run`.", {
        run: "Those of one run.",
        host: "Those of every run of this Blueprint version on this host.",
      }),
    ),
  },
);

export const RateSchema = closed("Rate", "So many in a time.", {
  limit: whole("Steps let through in `per_ms`.", 1, 1_000_000),
  per_ms: whole("The time, in milliseconds.", 1, DAY_MS),
});

export const RateLimitRuleSchema = closed("RateLimitRule", "One queue that steps pass through.", {
  key: text("Name of the queue. Steps of every Blueprint on this host that name the key share it."),
  agents,
  by: maybe(text("Path into the step's input, such as `$.tenant`: each value there has a queue of its own.")),
  concurrency: maybe(whole("Steps past the queue at once; absent: any number.", 1, 100_000)),
  rate: maybe(RateSchema),
  max_waiting: maybe(whole("Steps that may wait; more are refused. Default 10000.", 0, 1_000_000)),
});

export const RateLimitLayerSchema = closed(
  "RateLimitLayer",
  "Holds steps back in fair queues: runs take turns, and within a run the order of scheduling holds, also after a restart.",
  { rules: list(RateLimitRuleSchema, "The queues.") },
);

export const BudgetAmountSchema = closed("BudgetAmount", "A limit, and what one attempt is reckoned at beforehand.", {
  limit: amount("What a run may spend in all."),
  per_attempt: amount("What is set aside when an attempt starts; what it really took replaces it when it ends."),
});

export const ModelPriceSchema = closed("ModelPrice", "What a model's tokens cost, in US dollars a million.", {
  input: amount("Input tokens."),
  output: amount("Output tokens."),
});

export const BudgetLayerSchema = closed(
  "BudgetLayer",
  "Bounds what a run spends. An attempt that no longer fits is refused with `budget_exhausted`.",
  {
    agents,
    tokens: maybe(BudgetAmountSchema),
    cost_usd: maybe(BudgetAmountSchema),
    time_ms: maybe(BudgetAmountSchema),
    attempts: maybe(whole("Attempts in all.", 0)),
    prices: maybe(
      mapOf(ModelPriceSchema, "Prices by model, for attempts that report tokens and no `adapter_data.cost_usd`."),
    ),
  },
);

export const LayerOptionsSchema = closed("LayerOptions", "Options of hint layers, by layer.", {
  audit: maybe(AuditLayerSchema),
  long_hold: maybe(LongHoldLayerSchema),
  main_ai: maybe(MainAiLayerSchema),
  senior_escalation: maybe(SeniorEscalationLayerSchema),
  input_inject: maybe(InputInjectLayerSchema),
  resolver: maybe(ResolverLayerSchema),
  sink: maybe(SinkLayerSchema),
  lua_layer: maybe(LuaLayerSchema),
  timeout: maybe(TimeoutLayerSchema),
  retry: maybe(RetryLayerSchema),
  circuit_breaker: maybe(CircuitBreakerLayerSchema),
  bulkhead: maybe(BulkheadLayerSchema),
  deduplicate: maybe(DeduplicateLayerSchema),
  rate_limit: maybe(RateLimitLayerSchema),
  budget: maybe(BudgetLayerSchema),
});
