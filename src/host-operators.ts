/**
 * The operators of a host: the desk, with what it needs of the host's other parts.
 *
 * Owns: which part stands behind each of the desk's ports. Does not own: any rule of the desk (src/operators).
 */
import { randomBytes } from "node:crypto";
import type { Stores } from "../stores/ports.ts";
import { type AttemptState, type Capabilities, type CredentialSources, isVerb } from "./capability/index.ts";
import { type Clock, type Engine, EngineError } from "./engine/index.ts";
import { isJsonObject, type Json } from "./flow/index.ts";
import { Desk } from "./operators/index.ts";

/** What the desk is put together from. */
export interface HostParts {
  readonly stores: Pick<Stores, "operators" | "runs" | "documents">;
  readonly clock: Clock;
  readonly engine: Pick<Engine, "wake" | "seatChanged" | "emit">;
  readonly capabilities: Capabilities;
  /** Told what nobody waits for. */
  readonly onDefect: (error: unknown) => void;
}

/** Opens the desk of a host. */
export function openDesk({ stores, clock, engine, capabilities, onDefect }: HostParts): Desk {
  return new Desk({
    store: stores.operators,
    clock,
    credentials: {
      handle: (binding) => capabilities.handle(binding),
      token: (binding, { subject, expiresAt }) =>
        capabilities.mint({ role: "worker", subject: subject.slice(0, 200), binding, expiresAt }, clock.now()),
    },
    newId: () => randomBytes(16).toString("hex"),
    newSecret: () => randomBytes(32).toString("hex"),
    wake: async (runId) => {
      try {
        await engine.wake(runId);
      } catch (error) {
        // The host that starts next wakes whoever has an answer waiting.
        if (!(error instanceof EngineError && error.code === "engine_closed")) throw error;
      }
    },
    seatChanged: (runId, change) => engine.seatChanged(runId, change),
    emit: (runId, key, attempt, event) => engine.emit(runId, key, attempt, event),
    declared: async (runId) => {
      const run = await stores.runs.get(runId);
      if (run === undefined) throw new EngineError("run_unknown", `there is no run ${runId}`, { details: { runId } });
      const document = await stores.documents.get(run.blueprintVersion);
      return { status: run.status, seats: document === undefined ? [] : seatsIn(JSON.parse(document.text) as Json) };
    },
    onDefect,
  });
}

/** Where the desk's credentials are looked up. */
export function deskSources(desk: Desk): CredentialSources {
  const stateOf: CredentialSources["attempt"] = async (binding): Promise<AttemptState | undefined> => {
    const standing = await desk.stepStanding(binding);
    if (standing === undefined) return undefined;
    const { runId, key, attempt } = binding;
    const { fence, seatGeneration: generation, state, closedReason } = standing;
    return {
      attempt: { runId, key, attempt, fence, ...(generation === undefined ? {} : { generation }) },
      life: state === "open" ? "open" : state === "submitted" || closedReason === "completed" ? "answered" : "ended",
    };
  };
  return {
    session: async (secret) => {
      const session = await desk.authenticate(secret);
      if (session === undefined) return undefined;
      const { sessionId, verbs, endsAt } = session;
      return {
        sessionId,
        ...(verbs === undefined ? {} : { verbs: verbs.filter(isVerb) }),
        ...(endsAt === undefined ? {} : { expiresAt: endsAt }),
      };
    },
    handle: async (handle) => {
      const found = await desk.byHandle(handle);
      if (found === undefined) return undefined;
      const { runId, key, attempt, fence } = found.request;
      return { runId, key, attempt, fence, generation: found.generation };
    },
    attempt: stateOf,
  };
}

/** The seats a linked Blueprint document declares. */
function seatsIn(document: Json): readonly string[] {
  const operators = isJsonObject(document) ? document["operators"] : undefined;
  if (!Array.isArray(operators)) return [];
  return operators.flatMap((one) => (isJsonObject(one) && typeof one["name"] === "string" ? [one["name"]] : []));
}
