/**
 * The Maintenance port: what reads the whole store, each in a thread of its own beside the host's work.
 *
 * X1  One task at a time, in the order of the calls.
 */
import { Worker } from "node:worker_threads";
import type { Maintenance, Usage } from "../ports.ts";
import type { MaintenanceAnswer, MaintenanceTask, MaintenanceThreadData } from "./maintenance-thread.ts";
import { fromFailure, storeError } from "./store-failure.ts";
import { threadFile } from "./thread-file.ts";

/** Maintains one database. */
export class MaintenanceThreads implements Maintenance {
  readonly #database: string;
  #last: Promise<unknown> = Promise.resolve();

  /** @param database Its path. Opened for reading only, by each task anew. */
  constructor(database: string) {
    this.#database = database;
  }

  async backup(file: string): Promise<void> {
    await this.#next({ kind: "backup", file });
  }

  async usage(): Promise<Usage> {
    return (await this.#next({ kind: "usage" })) as Usage;
  }

  async integrityCheck(): Promise<readonly string[]> {
    return (await this.#next({ kind: "check" })) as readonly string[];
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #next(task: MaintenanceTask): Promise<unknown> {
    const done = this.#last.then(() => this.#run(task));
    this.#last = done.catch(() => undefined); // The caller is told; what comes next is another task.
    return done;
  }

  #run(task: MaintenanceTask): Promise<unknown> {
    const workerData: MaintenanceThreadData = { database: this.#database, task };
    const thread = new Worker(threadFile("maintenance-thread"), {
      workerData,
      name: `store ${task.kind}`,
      execArgv: [],
    });
    return new Promise((resolve, reject) => {
      thread.on("message", (answer: MaintenanceAnswer) => {
        if ("failure" in answer) reject(fromFailure(answer.failure));
        else resolve(answer.value);
      });
      thread.on("error", (cause) => reject(storeError(cause, "maintain", this.#database)));
      thread.on("exit", () => reject(storeError(new Error("its thread has ended"), "maintain", this.#database)));
    });
  }
}
