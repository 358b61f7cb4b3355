/**
 * The worker contract of a host, with what it needs of the host's other parts.
 *
 * Owns: which part stands behind each of its ports, and the lives of renewed tokens. Does not own: the contract
 * (src/operators).
 */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Stores } from "../stores/ports.ts";
import { type Binding, type Capabilities, CapabilityError, isHandle } from "./capability/index.ts";
import { type Clock, type Engine, EngineError, stepIdOf } from "./engine/index.ts";
import type { Executables } from "./executables.ts";
import type { JournalBell } from "./journal-bell.ts";
import { type OperatorDesk, RunOutputs, WorkerContract } from "./operators/index.ts";

/** How long a renewed token lives where its step has no deadline, in milliseconds. */
const TOKEN_LIFE_MS = 3_600_000;
/** Runs whose Blueprint versions are remembered. */
const REMEMBERED_RUNS = 1_000;

/** What the contract is put together from. */
export interface WorkerContractParts {
  readonly desk: OperatorDesk;
  readonly stores: Pick<Stores, "blobs" | "runs">;
  readonly journals: JournalBell;
  readonly executables: Pick<Executables, "layout">;
  readonly engine: Pick<Engine, "emit">;
  readonly clock: Pick<Clock, "now">;
}

/** Opens the contract of a host. */
export function openWorkerContract(parts: WorkerContractParts): WorkerContract {
  const { desk, stores, journals, executables, engine, clock } = parts;
  // A run keeps its version for life.
  const versions = new LRUCache<string, Promise<string>>({ max: REMEMBERED_RUNS });
  const readVersion = async (runId: string): Promise<string> => {
    const run = await stores.runs.get(runId);
    if (run !== undefined) return run.blueprintVersion;
    throw new EngineError("run_unknown", `there is no run ${runId}`, { details: { runId } });
  };
  const versionOf = (runId: string): Promise<string> => {
    let version = versions.get(runId);
    if (version === undefined) {
      version = readVersion(runId);
      versions.set(runId, version);
      version.catch(() => versions.delete(runId));
    }
    return version;
  };
  return new WorkerContract({
    desk,
    outputs: new RunOutputs({ journals, blobs: stores.blobs }, (heard) => void journals.listenToAll(heard)),
    layout: async (runId) => executables.layout(await versionOf(runId)),
    stepId: (runId, key) => stepIdOf((text) => hash("sha256", text), runId, key),
    emit: (runId, key, attempt, event) => engine.emit(runId, key, attempt, event),
    clock,
  });
}

/** A token that was made out again. */
export interface RenewedToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * A worker's token with a later end: an hour from now, or its step's deadline where that comes first, and never earlier than
 * its own end.
 * @throws CapabilityError as `Capabilities.remint`; OperatorError `request_closed`, `request_unknown`.
 */
export async function renewedToken(
  {
    contract,
    capabilities,
    clock,
  }: {
    readonly contract: WorkerContract;
    readonly capabilities: Capabilities;
    readonly clock: Pick<Clock, "now">;
  },
  binding: Binding,
  token: string,
): Promise<RenewedToken> {
  if (isHandle(token))
    throw new CapabilityError("never_widens", "a handle ends with its step: there is nothing to renew");
  const deadline = await contract.deadline(binding);
  const now = clock.now();
  const renewed = capabilities.remint(token, Math.min(now + TOKEN_LIFE_MS, deadline ?? Number.POSITIVE_INFINITY), now);
  return { token: renewed, expiresAt: capabilities.verify(renewed, now).expiresAt ?? now };
}
