/**
 * Signals while a run runs: the first cancels in good order, the second ends the process at once.
 *
 * I1  Before `launching` there is nothing to cancel: the first signal ends the process.
 * I2  The run is cancelled at most once, by the first signal, which also decides the exit code. A signal that arrives
 *     while the run is being launched cancels it as soon as there is something to cancel.
 */
import { type CancelSignal, SIGNAL_EXIT } from "../exit-code.ts";
import type { Surface } from "../surface.ts";

/** What can be cancelled. */
export interface Cancellable {
  cancel(request: { readonly reason: string; readonly by: string }): Promise<void>;
}

/** What is said when a signal arrives, and what must be undone before the process ends. */
export interface InterruptHooks {
  readonly onCancel: (signal: CancelSignal) => void;
  readonly beforeExit: () => void;
}

/** Listens until it is disposed. */
export class Interrupt implements Disposable {
  readonly #surface: Surface;
  readonly #hooks: InterruptHooks;
  readonly #off: () => void;
  #launching = false;
  #run: Cancellable | undefined;
  #first: CancelSignal | undefined;

  constructor(surface: Surface, hooks: InterruptHooks) {
    this.#surface = surface;
    this.#hooks = hooks;
    this.#off = surface.onSignal((signal) => this.#onSignal(signal));
  }

  /** The signal that cancelled the run. */
  get signal(): CancelSignal | undefined {
    return this.#first;
  }

  /** From now on something may have begun that must be cancelled, not dropped. */
  launching(): void {
    this.#launching = true;
  }

  /** The run that the first signal cancels, whether it has come already or not. */
  watch(run: Cancellable): void {
    this.#run = run;
    if (this.#first !== undefined) this.#cancel(run, this.#first);
  }

  [Symbol.dispose](): void {
    this.#off();
  }

  #onSignal(signal: CancelSignal): void {
    if (!this.#launching || this.#first !== undefined) {
      this.#hooks.beforeExit();
      this.#surface.exitNow(SIGNAL_EXIT[signal]);
    }
    this.#first = signal;
    this.#hooks.onCancel(signal);
    if (this.#run !== undefined) this.#cancel(this.#run, signal);
  }

  #cancel(run: Cancellable, signal: CancelSignal): void {
    // The run's result tells how this went; a cancel that fails rejects that too.
    run.cancel({ reason: `received ${signal}`, by: "cli" }).catch(() => {});
  }
}
