/**
 * The frames of the reference system's operator protocol, in both directions. Pure.
 *
 * F1  What is no frame is undefined: the reference drops it without a word, and so does the door.
 */
import { type Static, Type } from "@sinclair/typebox";
import { Ajv } from "ajv";
import { parseJson, type RequestFrame } from "../../host.ts";
import { type DirectiveParts, directive } from "./directive.ts";

/** What the client is asked. `run_id`, `seat` and `delivery` are additions: it hands on what it does not know. */
export type ServerFrame = Readonly<Record<string, unknown>> & {
  readonly type: "spawn" | "ask" | "hook_before" | "hook_after";
  readonly req_id: string;
  /** The step's id. */
  readonly task_id: string;
};

const reqId = Type.String({ minLength: 1, maxLength: 64 });
const text = Type.Optional(Type.Union([Type.String(), Type.Null()]));

const CLIENT_FRAMES = {
  spawn_ack: Type.Object({
    type: Type.Literal("spawn_ack"),
    req_id: reqId,
    value: Type.Optional(Type.Unknown()),
    ok: Type.Optional(Type.Boolean()),
    error: text,
    stats: Type.Optional(Type.Unknown()),
  }),
  spawn_halt: Type.Object({
    type: Type.Literal("spawn_halt"),
    req_id: reqId,
    value: Type.Optional(Type.Unknown()),
    reason: text,
  }),
  answer: Type.Object({ type: Type.Literal("answer"), req_id: reqId, value: Type.Unknown() }),
  hook_ack: Type.Object({ type: Type.Literal("hook_ack"), req_id: reqId, ok: Type.Boolean(), reason: text }),
} as const;

/** What the client says. */
export type ClientFrame = {
  [K in keyof typeof CLIENT_FRAMES]: Static<(typeof CLIENT_FRAMES)[K]>;
}[keyof typeof CLIENT_FRAMES];

/** Makes the reader of the client's messages (F1). The schemas are compiled once for all sockets. */
export function clientFrames(): (message: string | Uint8Array) => ClientFrame | undefined {
  const ajv = new Ajv({ allErrors: false });
  const check = ajv.compile<ClientFrame>(Type.Union(Object.values(CLIENT_FRAMES)));
  return (message) => {
    const parsed = typeof message === "string" ? parseJson(message) : undefined;
    return parsed?.ok && check(parsed.value) ? parsed.value : undefined;
  };
}

/** A request as the client is asked it. */
export function serverFrame(request: RequestFrame, about: Pick<DirectiveParts, "context" | "baseUrl">): ServerFrame {
  const { id, kind, run, step, agent, attempt, seat, delivery, worker, question = null, result = null } = request;
  const head = { req_id: id, task_id: step, run_id: run, seat, delivery };
  const who = { agent, attempt };
  switch (kind) {
    case "step": {
      const { token = "", handle = "" } = request;
      return {
        type: "spawn",
        ...head,
        ...who,
        capability_token: token,
        worker_handle: handle,
        ...(worker === undefined ? {} : { worker: { variant: worker.variant, tools: [...worker.tools] } }),
        directive: directive({ ...about, request }),
      };
    }
    case "ask":
      return { type: "ask", ...head, question };
    case "hook_before":
      return { type: "hook_before", ...head, ...who };
    case "hook_after":
      return { type: "hook_after", ...head, ...who, result };
  }
}
