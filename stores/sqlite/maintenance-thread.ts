/** One maintenance task in a thread: it begins with the thread, answers once, and ends it. */
import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { Usage } from "../ports.ts";
import { backUp } from "./backup.ts";
import { openForReading } from "./connection.ts";
import { findDamage } from "./sql/find-damage.ts";
import { measureUsage } from "./sql/measure-usage.ts";
import { type StoreFailure, storeError, toFailure } from "./store-failure.ts";

/** What to do. */
export type MaintenanceTask =
  | { readonly kind: "backup"; readonly file: string }
  | { readonly kind: "usage" }
  | { readonly kind: "check" };

/** What the thread is started with. */
export interface MaintenanceThreadData {
  readonly database: string;
  readonly task: MaintenanceTask;
}

/** What it answers. */
export type MaintenanceAnswer =
  | { readonly value: "done" | Usage | readonly string[] }
  | { readonly failure: StoreFailure };

const { database, task } = workerData as MaintenanceThreadData;
parentPort?.postMessage(answer());

function answer(): MaintenanceAnswer {
  try {
    const db = openForReading(database);
    try {
      switch (task.kind) {
        case "backup":
          backUp(db, task.file);
          return { value: "done" };
        case "usage":
          return { value: measureUsage(db, database) };
        case "check":
          return { value: damage(db) };
      }
    } finally {
      db.close();
    }
  } catch (cause) {
    return { failure: toFailure(storeError(cause, "read", database)) };
  }
}

/** Damage that keeps the check itself from reading on is a line too. */
function damage(db: DatabaseSync): readonly string[] {
  try {
    return findDamage(db);
  } catch (cause) {
    const error = storeError(cause, "read", database);
    if (error.code === "store_corrupt") return [error.message];
    throw error;
  }
}
