/**
 * Audits that go on while their runs do: a host's after-run audits that nobody waits for.
 *
 * Each is counted for its run until it ends. A run's end waits for its audits, the host's end for all, both within a bound;
 * past it they are aborted.
 */
import type { Clock, StepAbort } from "../engine/index.ts";

/** How long a run's end, and the host's, waits for audits, in milliseconds. */
export const AUDIT_GRACE_MS = 30_000;

interface Task {
  readonly done: Promise<void>;
  readonly controller: AbortController;
}

/** The audits under way on one host. */
export class AuditTasks implements AsyncDisposable {
  readonly #clock: Pick<Clock, "now" | "timer">;
  readonly #tasks = new Map<string, Set<Task>>();

  constructor(clock: Pick<Clock, "now" | "timer">) {
    this.#clock = clock;
  }

  /** Starts an audit of a run. @param audit never rejects; it obeys its signal. */
  start(runId: string, audit: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController();
    const tasks = this.#tasks.get(runId) ?? new Set();
    this.#tasks.set(runId, tasks);
    const task: Task = {
      controller,
      done: audit(controller.signal).finally(() => {
        tasks.delete(task);
        if (tasks.size === 0) this.#tasks.delete(runId);
      }),
    };
    tasks.add(task);
  }

  /** Audits under way. */
  get underWay(): number {
    return [...this.#tasks.values()].reduce((sum, tasks) => sum + tasks.size, 0);
  }

  /** Resolves when the run's audits have ended, or have had their time. */
  settle(runId: string): Promise<void> {
    return this.#settle([...(this.#tasks.get(runId) ?? [])]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settle([...this.#tasks.values()].flatMap((tasks) => [...tasks]));
  }

  async #settle(tasks: readonly Task[]): Promise<void> {
    if (tasks.length === 0) return;
    const message = `the audit did not end within ${AUDIT_GRACE_MS} ms of what it audits`;
    const timer = this.#clock.timer(this.#clock.now() + AUDIT_GRACE_MS, () => {
      for (const { controller } of tasks) controller.abort({ kind: "cancelled", message } satisfies StepAbort);
    });
    await Promise.allSettled(tasks.map(({ done }) => done));
    timer.cancel();
  }
}
