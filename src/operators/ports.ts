/** What the operator layer needs of the host around it. */
import type { OperatorStore, RunStatus } from "../../stores/ports.ts";
import type { Clock, StepEvent } from "../engine/index.ts";
import type { StepKey } from "../flow/index.ts";

/** What a worker's credential is made out for. */
export interface WorkerBinding {
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
  readonly fence: number;
  readonly generation: number;
}

/** What a worker is handed to show. */
export interface WorkerCredentials {
  /** Short, and the same for the same binding as long as the host's key is. `digest` is what is kept. */
  readonly handle: (binding: WorkerBinding) => { readonly handle: string; readonly digest: string };
  /** Signed anew at each delivery. Times in milliseconds since 1970. */
  readonly token: (binding: WorkerBinding, order: { readonly subject: string; readonly expiresAt: number }) => string;
}

/** A change of a seat, as the run's journal is told of it. */
export interface SeatJournalEntry {
  readonly seat: string;
  readonly generation: number;
  readonly holder?: string;
  readonly reason: string;
}

/** The world of a desk. */
export interface DeskPorts {
  readonly store: OperatorStore;
  readonly clock: Clock;
  readonly credentials: WorkerCredentials;
  /** 32 random hex digits. */
  readonly newId: () => string;
  /** 64 random hex digits. */
  readonly newSecret: () => string;
  /** Brings a waiting run into memory. Rejects where that cannot be. */
  readonly wake: (runId: string) => Promise<void>;
  /** Journals a change of a seat; rejects where the run cannot be written. */
  readonly seatChanged: (runId: string, change: SeatJournalEntry) => Promise<void>;
  /** Tells the watchers of a live attempt. */
  readonly emit: (runId: string, key: StepKey, attempt: number, event: StepEvent) => void;
  /** The seats a run's Blueprint declares, and where the run stands. @throws EngineError `run_unknown`. */
  readonly declared: (runId: string) => Promise<{ readonly seats: readonly string[]; readonly status: RunStatus }>;
  /** Told what nobody waits for: a wake or a sweep that failed. */
  readonly onDefect: (error: unknown) => void;
}
