/**
 * What every route demands, as one table: the single source for the server, for documents and for the test that walks it.
 *
 * R1  A route that is not here cannot be added to the server, and what is here is there.
 * R2  Only `open` asks for nothing; such a route tells nothing that an outsider may not know. No rule of ROUTES lets
 *     `anyone` pass.
 */
import type { Verb } from "../capability/index.ts";

/** What a route's verb is used on. */
export type RuleTarget =
  /** Nothing that exists already. */
  | "none"
  /** The host as a whole. */
  | "host"
  /** The run of the path's `:id`. */
  | "run"
  /** The operator session of the path's `:sid`. */
  | "session"
  /** The attempt that the credential is bound to; a path's `:id` and `:key` must be its. */
  | "step";

/** What a route demands. */
export interface RouteRule {
  readonly verb: Verb;
  readonly target: RuleTarget;
  /** The parameter of path or query that names the artifact concerned. */
  readonly artifact?: string;
  /** Whoever shows nothing passes; what is shown must hold. Only behind a door that is off by default. */
  readonly anyone?: true;
}

/** Rules by method and path as fastify has them. `open`: nothing is demanded. HEAD demands what GET does. */
export type RuleTable = Readonly<Record<string, RouteRule | "open">>;

/** What the routes of the worker contract demand, on every port that has them. */
export const WORKER_RULES = {
  "GET /v1/worker/prompt": { verb: "fetch_prompt", target: "step" },
  "GET /v1/worker/prompt/system": { verb: "fetch_prompt", target: "step" },
  "GET /v1/worker/outputs/:name": { verb: "fetch_data", target: "step", artifact: "name" },
  "POST /v1/worker/submit": { verb: "post_result", target: "step" },
  "POST /v1/worker/result": { verb: "post_result", target: "step" },
  "POST /v1/worker/artifact": { verb: "emit_output", target: "step", artifact: "name" },
  "POST /v1/worker/stats": { verb: "emit_output", target: "step" },
  "POST /v1/worker/degradation": { verb: "emit_output", target: "step" },
} as const satisfies RuleTable;

/** What the native routes demand. */
export const ROUTES = {
  "GET /v1/health": "open",
  "GET /v1/ready": { verb: "read_task_state", target: "none" },
  "GET /v1/token": { verb: "verify_token", target: "none" },
  "POST /v1/keys/rotate": { verb: "administer", target: "host" },

  "GET /v1/queues": { verb: "read_task_state", target: "host" },

  "POST /v1/runs": { verb: "start_task", target: "none" },
  "GET /v1/runs": { verb: "read_task_state", target: "host" },
  "GET /v1/runs/:id": { verb: "read_task_state", target: "run" },
  "DELETE /v1/runs/:id": { verb: "administer", target: "run" },
  "GET /v1/runs/:id/events": { verb: "subscribe_events", target: "run" },
  "GET /v1/runs/:id/archive": { verb: "read_trace", target: "run" },
  "POST /v1/runs/:id/hold": { verb: "administer", target: "run" },
  "POST /v1/runs/:id/release": { verb: "administer", target: "run" },
  "POST /v1/removals": { verb: "administer", target: "host" },
  "POST /v1/gc": { verb: "administer", target: "host" },
  "POST /v1/archives": { verb: "administer", target: "host" },
  "POST /v1/runs/:id/cancel": { verb: "cancel_task", target: "run" },
  "POST /v1/runs/:id/pause": { verb: "pause_loop", target: "run" },
  "POST /v1/runs/:id/resume": { verb: "resume_loop", target: "run" },
  "POST /v1/runs/:id/signals": { verb: "inject_directive", target: "run" },
  "POST /v1/runs/:id/fork": { verb: "start_task", target: "run" },
  "POST /v1/runs/:id/rerun": { verb: "start_task", target: "run" },
  "GET /v1/events": { verb: "subscribe_events", target: "host" },

  "POST /v1/schedules": { verb: "administer", target: "host" },
  "GET /v1/schedules": { verb: "read_task_state", target: "host" },
  "GET /v1/schedules/:name": { verb: "read_task_state", target: "host" },
  "DELETE /v1/schedules/:name": { verb: "administer", target: "host" },
  "POST /v1/schedules/:name/pause": { verb: "administer", target: "host" },
  "POST /v1/schedules/:name/resume": { verb: "administer", target: "host" },
  "POST /v1/schedules/:name/trigger": { verb: "start_task", target: "host" },

  "POST /v1/operators": { verb: "attach_session", target: "none" },
  "GET /v1/operators": { verb: "read_task_state", target: "host" },
  "GET /v1/operators/:sid": { verb: "heartbeat", target: "session" },
  "DELETE /v1/operators/:sid": { verb: "detach_session", target: "session" },
  "GET /v1/operators/:sid/socket": { verb: "dispatch_attempt", target: "session" },
  "GET /v1/runs/:id/seats": { verb: "read_task_state", target: "run" },
  "POST /v1/runs/:id/seats": { verb: "dispatch_attempt", target: "run" },
  "DELETE /v1/runs/:id/seats/:seat": { verb: "dispatch_attempt", target: "run" },
  "GET /v1/runs/:id/handover": { verb: "poll_task", target: "run" },
  "GET /v1/runs/:id/requests": { verb: "answer_query", target: "run" },
  "POST /v1/runs/:id/requests/:request/answer": { verb: "answer_query", target: "run" },
  "POST /v1/runs/:id/requests/:request/verdict": { verb: "override_verdict", target: "run" },

  ...WORKER_RULES,
  "POST /v1/worker/progress": { verb: "emit_output", target: "step" },
  "POST /v1/worker/token": { verb: "verify_token", target: "step" },
} as const satisfies RuleTable;

/** What a route demands; undefined where the table does not have it. */
export function ruleOf(method: string, path: string, rules: RuleTable = ROUTES): RouteRule | "open" | undefined {
  const name = `${method === "HEAD" ? "GET" : method} ${path}`;
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}
