/**
 * Roles, verbs, and the gate between them.
 *
 * G1  A role that the gate does not give a verb does not have it, whatever a token says.
 * G2  Every verb has an entrance that demands it: a route, a frame, or a call of the host (spec/capability/entrances.spec.ts).
 */

/** Who may hold a token. */
export const ROLES = ["operator", "worker", "observer", "senior"] as const;
export type Role = (typeof ROLES)[number];

/** What can be asked of a host, each allowed or denied by itself. `administer` is all upkeep of the host as a whole. */
export const VERBS = [
  "start_task",
  "dispatch_attempt",
  "mint_worker_token",
  "read_task_state",
  "cancel_task",
  "query_senior",
  "mark_pass",
  "mark_blocked",
  "attach_session",
  "detach_session",
  "heartbeat",
  "poll_task",
  "fetch_prompt",
  "fetch_data",
  "post_result",
  "verify_token",
  "emit_output",
  "subscribe_events",
  "read_trace",
  "answer_query",
  "override_verdict",
  "pause_loop",
  "resume_loop",
  "inject_directive",
  "administer",
] as const;
export type Verb = (typeof VERBS)[number];

/** What a worker needs for its own step. */
export const LEAF_VERBS = ["fetch_prompt", "fetch_data", "post_result", "verify_token", "emit_output"] as const;

/** What a worker needs beside that to start runs of its own. */
export const SWARM_VERBS = ["start_task", "dispatch_attempt", "read_task_state", "cancel_task", "poll_task"] as const;

/** The most a role can have. `administer` is nobody's: it takes the host's own credential. */
export const GATE: Readonly<Record<Role, ReadonlySet<Verb>>> = {
  operator: new Set<Verb>([
    "start_task",
    "dispatch_attempt",
    "mint_worker_token",
    "read_task_state",
    "cancel_task",
    "query_senior",
    "mark_pass",
    "mark_blocked",
    "attach_session",
    "detach_session",
    "heartbeat",
    "poll_task",
  ]),
  worker: new Set<Verb>([...LEAF_VERBS, ...SWARM_VERBS]),
  observer: new Set<Verb>(["read_task_state", "subscribe_events", "read_trace"]),
  senior: new Set<Verb>(["answer_query", "override_verdict", "pause_loop", "resume_loop", "inject_directive"]),
};

const ROLE_NAMES: ReadonlySet<unknown> = new Set(ROLES);
const VERB_NAMES: ReadonlySet<unknown> = new Set(VERBS);

/** Whether a text names a role. */
export function isRole(text: unknown): text is Role {
  return ROLE_NAMES.has(text);
}

/** Whether a text names a verb. */
export function isVerb(text: unknown): text is Verb {
  return VERB_NAMES.has(text);
}

/** Verbs as a token lists them: each once, in order of their names. */
export function sortedVerbs(verbs: Iterable<Verb>): readonly Verb[] {
  return [...new Set(verbs)].sort();
}

/** Whether verbs are as a token lists them. */
export function isSorted(verbs: readonly Verb[]): boolean {
  return verbs.every((verb, index) => index === 0 || (verbs[index - 1] ?? "") < verb);
}
