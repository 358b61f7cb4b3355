/**
 * The frames of the operator protocol, and how messages become them: pure, and safe to hand anything to.
 *
 * Owns: the shapes and the two codecs. Does not own: what a frame means (connection.ts).
 *
 * F1  Reading never throws: a message is a frame, or a sentence that says why it is none.
 * F2  No message takes memory or depth beyond its own length and MAX_DEPTH: MessagePack is looked over before it is decoded.
 */
import { type Static, type TObject, Type } from "@sinclair/typebox";
import { Ajv } from "ajv";
import { Packr } from "msgpackr";
import type { CloseReason, RequestKind } from "../../stores/ports.ts";
import type { Json } from "../flow/index.ts";
import { jsonProblem, parseJson, type WorkerSpec } from "../workers/index.ts";
import { packedProblem } from "./packed-shape.ts";

/** Largest message of a client, in bytes. */
export const MAX_MESSAGE: number = 1024 * 1024;

/** A request as it is handed out. Times in milliseconds since 1970. */
export interface RequestFrame {
  readonly id: string;
  readonly kind: RequestKind;
  readonly run: string;
  readonly step: string;
  readonly key: string;
  readonly attempt: number;
  readonly agent: string;
  readonly seat: string;
  readonly generation: number;
  /** 1 for the first; a later one may be news, or not. */
  readonly delivery: number;
  readonly deadline?: number;
  readonly worker?: WorkerSpec;
  /** The step's input; left out where it is large: the worker fetches it anyway. */
  readonly directive?: Json;
  readonly question?: Json;
  readonly result?: Json;
  /** Of a step: what its worker shows to the host. */
  readonly handle?: string;
  readonly token?: string;
}

/** What the host says, before its `seq` is on it. */
export type ServerFrame =
  | {
      readonly type: "hello";
      readonly protocol: 1;
      readonly session: string;
      /** Most deliveries that are not `seen`. */
      readonly window: number;
      readonly heartbeat_ms: number;
      readonly max_message: number;
    }
  | { readonly type: "request"; readonly request: RequestFrame }
  | { readonly type: "withdrawn"; readonly id: string; readonly reason: CloseReason | "taken_over" }
  /** Once a socket: all that is open has been handed out on it. What it did not hear of again needs nothing any more. */
  | { readonly type: "caught_up" }
  | { readonly type: "done"; readonly re: number }
  | { readonly type: "refused"; readonly re: number | null; readonly code: string; readonly message: string }
  | { readonly type: "ping" };

const closed = { additionalProperties: false } as const;
const n = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const id = Type.String({ minLength: 1, maxLength: 64 });
const text = Type.String({ maxLength: 4000 });

const CLIENT_FRAMES = {
  ack: Type.Object({ type: Type.Literal("ack"), n, id, note: Type.Optional(text) }, closed),
  halt: Type.Object({ type: Type.Literal("halt"), n, id, value: Type.Unknown(), reason: Type.Optional(text) }, closed),
  error: Type.Object({ type: Type.Literal("error"), n, id, message: text }, closed),
  answer: Type.Object({ type: Type.Literal("answer"), n, id, value: Type.Unknown() }, closed),
  hook: Type.Object({ type: Type.Literal("hook"), n, id, ok: Type.Boolean(), reason: Type.Optional(text) }, closed),
  seen: Type.Object({ type: Type.Literal("seen"), n, seq: n }, closed),
  pong: Type.Object({ type: Type.Literal("pong"), n }, closed),
} as const satisfies Readonly<Record<string, TObject>>;

/** What a client says. `n` grows with every frame of a connection. */
export type ClientFrame = {
  [K in keyof typeof CLIENT_FRAMES]: Static<(typeof CLIENT_FRAMES)[K]>;
}[keyof typeof CLIENT_FRAMES];

/** What became of a message. `re`: the frame's `n`, where it could be made out. */
export type ReadFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  | { readonly ok: false; readonly re: number | null; readonly problem: string };

/** Reads and writes frames. */
export interface FrameCodec {
  /** F1, F2. */
  read(message: string | Uint8Array): ReadFrame;
  write(frame: ServerFrame & { readonly seq: number }): string | Uint8Array;
}

/** Makes the codecs. The schemas are compiled once for all of them. */
export function frameCodecs(): Readonly<Record<"json" | "msgpack", FrameCodec>> {
  const ajv = new Ajv({ allErrors: false });
  const checks = new Map(Object.entries(CLIENT_FRAMES).map(([type, schema]) => [type, ajv.compile(schema)]));
  const read = (value: unknown): ReadFrame => {
    const re = numberOf(value);
    const problem = jsonProblem(value);
    if (problem !== undefined) return { ok: false, re, problem };
    const type = propertyOf(value, "type");
    const check = typeof type === "string" ? checks.get(type) : undefined;
    if (check === undefined) {
      return { ok: false, re, problem: `a frame's type is one of ${[...checks.keys()].join(", ")}` };
    }
    if (check(value)) return { ok: true, frame: value as ClientFrame };
    const [error] = check.errors ?? [];
    return { ok: false, re, problem: `${String(type)}${error?.instancePath ?? ""}: ${error?.message ?? "malformed"}` };
  };
  return { json: jsonCodec(read), msgpack: msgpackCodec(read) };
}

type ReadValue = (value: unknown) => ReadFrame;

function jsonCodec(read: ReadValue): FrameCodec {
  return {
    read(message) {
      if (typeof message !== "string") return unreadable("frames of this subprotocol are text");
      const parsed = parseJson(message);
      return parsed.ok ? read(parsed.value) : unreadable(parsed.error);
    },
    write: (frame) => JSON.stringify(frame),
  };
}

function msgpackCodec(read: ReadValue): FrameCodec {
  const packr = new Packr({ useRecords: false, mapsAsObjects: true, structuredClone: false });
  return {
    read(message) {
      if (typeof message === "string") return unreadable("frames of this subprotocol are binary");
      const problem = packedProblem(message);
      if (problem !== undefined) return unreadable(problem);
      try {
        return read(packr.unpack(message));
      } catch (cause) {
        return unreadable(cause instanceof Error ? cause.message : String(cause));
      }
    },
    write: (frame) => packr.pack(frame),
  };
}

function unreadable(problem: string): ReadFrame {
  return { ok: false, re: null, problem };
}

function numberOf(value: unknown): number | null {
  const found = propertyOf(value, "n");
  return typeof found === "number" && Number.isSafeInteger(found) && found >= 0 ? found : null;
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
