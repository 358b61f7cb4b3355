/** Who watches which run: observers of its events, and those who wait for its end. Survives parking; costs nothing else. */
import type { RunResult } from "../kernel/index.ts";
import type { HostObserver, RunEvent, RunObserver } from "./run-events.ts";

interface Watched {
  readonly observers: Set<RunObserver>;
  readonly end: PromiseWithResolvers<RunResult>;
}

/** The watchers of one engine's runs. */
export class RunWatch {
  readonly #runs = new Map<string, Watched>();
  readonly #everywhere = new Set<HostObserver>();

  /** How the run ends. Rejects where the engine stops driving it before that. */
  result(runId: string): Promise<RunResult> {
    return this.#watched(runId).end.promise;
  }

  /** Adds an observer; the returned function removes it. */
  observe(runId: string, observer: RunObserver): () => void {
    this.#watched(runId).observers.add(observer);
    return () => void this.#runs.get(runId)?.observers.delete(observer);
  }

  /** Adds an observer of all runs; the returned function removes it. */
  observeAll(observer: HostObserver): () => void {
    this.#everywhere.add(observer);
    return () => void this.#everywhere.delete(observer);
  }

  /** Hands an event to the run's observers. */
  tell(runId: string, event: RunEvent): void {
    for (const observer of this.#everywhere) observer(runId, event);
    const watched = this.#runs.get(runId);
    if (watched !== undefined) for (const observer of watched.observers) observer(event);
  }

  /** The run has ended. */
  ended(runId: string, result: RunResult): void {
    this.#runs.get(runId)?.end.resolve(result);
    this.#runs.delete(runId);
  }

  /** The run has ended, or will never end: `dead_letter` has an error instead of a result. */
  settle(runId: string, end: RunResult | Error): void {
    if (end instanceof Error) this.failed(runId, end);
    else this.ended(runId, end);
  }

  /** The engine no longer drives the run. */
  failed(runId: string, error: Error): void {
    this.#runs.get(runId)?.end.reject(error);
    this.#runs.delete(runId);
  }

  /** The engine drives nothing any more. */
  close(error: Error): void {
    for (const runId of [...this.#runs.keys()]) this.failed(runId, error);
  }

  #watched(runId: string): Watched {
    let watched = this.#runs.get(runId);
    if (watched === undefined) {
      watched = { observers: new Set(), end: Promise.withResolvers() };
      // Whoever needs the result awaits it; a run nobody awaits must not end the process.
      watched.end.promise.catch(() => {});
      this.#runs.set(runId, watched);
    }
    return watched;
  }
}
