/** The verb that each frame of an operator demands of its session: what rules.ts of the server is for routes. */
import type { Verb } from "../capability/index.ts";
import type { ClientFrame } from "./frames.ts";

/** By type of frame. */
export const FRAME_VERBS = {
  ack: "dispatch_attempt",
  hook: "dispatch_attempt",
  halt: "mark_pass",
  error: "mark_blocked",
  answer: "query_senior",
  seen: "heartbeat",
  pong: "heartbeat",
} as const satisfies Readonly<Record<ClientFrame["type"], Verb>>;

/** Demanded for the handle and the token in a step's request: without it the request goes out without them. */
export const CREDENTIALS_VERB = "mint_worker_token" satisfies Verb;
