/**
 * What the routes of the compatibility door demand, as one table beside ROUTES.
 *
 * The client it is for shows a credential on some routes and nothing on the others. On those `anyone` may ask: turned on,
 * the door lets every process of this machine join as an operator, start Blueprints that have run here, and see, cancel and
 * seat the runs whose ids it knows. What that is worth is bounded by three rules.
 *
 * R1  A run's id has 80 random bits, and no route lists runs: who has not been told one has none.
 * R2  A session that joined here has the verbs of working on requests, on the native port too: it starts, lists, reads and
 *     cancels nothing (session-routes.ts).
 * R3  A Blueprint is started by its id, and only if it has run here before; a document takes a credential (launch.ts).
 */
import { type RuleTable, WORKER_RULES } from "../rules.ts";

/** What the door's routes demand. */
export const COMPAT_ROUTES = {
  "GET /v1/healthz": "open",
  "GET /v1/status": { verb: "read_task_state", target: "host", anyone: true },
  "GET /v1/doctor": { verb: "read_task_state", target: "host", anyone: true },

  "POST /v1/tasks": { verb: "start_task", target: "none", anyone: true },
  "GET /v1/tasks/:task/runs/:id/steps": { verb: "read_task_state", target: "run", anyone: true },
  "GET /v1/runs/:id": { verb: "read_task_state", target: "run", anyone: true },
  "GET /v1/runs/:id/trace": { verb: "read_trace", target: "run", anyone: true },
  "POST /v1/runs/:id/cancel": { verb: "cancel_task", target: "run", anyone: true },

  "POST /v1/operators": { verb: "attach_session", target: "none", anyone: true },
  "DELETE /v1/operators/:sid": { verb: "detach_session", target: "session" },
  "GET /v1/operators/:sid/ws": { verb: "dispatch_attempt", target: "session" },

  ...WORKER_RULES,
} as const satisfies RuleTable;
