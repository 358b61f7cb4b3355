/**
 * Keeping a host's store small: collecting by the policy of its data directory.
 *
 * Owns: where the policy is kept, and collecting by itself. Does not own: what is collected (retention).
 */
import { join } from "node:path";
import type { Clock, Timer } from "./engine/index.ts";
import type { Json, JsonObject } from "./flow/index.ts";
import { readIfThere } from "./optional-text.ts";
import {
  type Collection,
  type CollectPorts,
  collect,
  type ExpiredRun,
  expiredRuns,
  parseRetention,
  type Retention,
  RetentionError,
} from "./retention/index.ts";
import { runObject } from "./run-object.ts";

/** When a host first collects by itself, and how long after that again, in milliseconds. */
export const FIRST_COLLECTION_MS = 60_000;
export const COLLECT_EVERY_MS = 3_600_000;

/** What upkeep needs. */
export interface UpkeepParts {
  readonly stores: CollectPorts["stores"];
  readonly clock: Clock;
  /** Where the policy's file is, if there is a directory. */
  readonly dataDir?: string;
  readonly onDefect: (error: unknown) => void;
}

/** One host's upkeep. */
export class Upkeep implements AsyncDisposable {
  readonly #parts: UpkeepParts;
  #timer: Timer | undefined;
  /** The collections so far; the next begins when they are done. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /**
   * Removes what is not kept. `retention`: instead of the data directory's policy.
   * @throws RetentionError; StoreError.
   */
  collect(retention?: Retention): Promise<Collection> {
    const done = this.#last.then(async () => collect(this.#ports, await this.#order(retention)));
    this.#last = done.catch(() => undefined); // The caller is told; the next collection is another.
    return done;
  }

  /** The runs that `collect` would remove. Changes nothing. @throws as `collect`. */
  async expired(retention?: Retention): Promise<readonly ExpiredRun[]> {
    return expiredRuns(this.#ports, await this.#order(retention));
  }

  /**
   * Collects by itself from now on. `report` is told what was removed, where a run was.
   * @throws RetentionError where the data directory's policy is not one.
   */
  async start(report: (collection: Collection) => void = () => {}): Promise<void> {
    await this.#order();
    if (this.#timer === undefined) this.#arm(FIRST_COLLECTION_MS, report);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#last;
  }

  #arm(delay: number, report: (collection: Collection) => void): void {
    if (this.#closed) return;
    const { clock, onDefect } = this.#parts;
    this.#timer = clock.timer(clock.now() + delay, () => {
      void this.collect()
        .then((collection) => {
          if (collection.runs > 0) report(collection);
        })
        .catch(onDefect)
        .finally(() => this.#arm(COLLECT_EVERY_MS, report));
    });
  }

  get #ports(): CollectPorts {
    return { stores: this.#parts.stores, turn: () => new Promise((resolve) => setImmediate(resolve)) };
  }

  async #order(given?: Retention): Promise<{ readonly retention: Retention; readonly now: number }> {
    const { clock, dataDir } = this.#parts;
    return {
      retention: given ?? (dataDir === undefined ? {} : await keptRetention(dataDir)),
      now: clock.now(),
    };
  }
}

/** The policy's file in a data directory. Without it every run is kept. */
export function retentionFile(dataDir: string): string {
  return join(dataDir, "retention.json");
}

async function keptRetention(dataDir: string): Promise<Retention> {
  const file = retentionFile(dataDir);
  const text = await readIfThere(file);
  if (text === undefined) return {};
  try {
    return parseRetention(JSON.parse(text) as Json);
  } catch (cause) {
    throw new RetentionError(`${file}: ${(cause as Error).message}`, { cause });
  }
}

/** What was collected, as the surfaces give it out. */
export function collectionObject({ runs, blobs, documents }: Collection): JsonObject {
  return { runs, blobs: blobs.count, documents: documents.count, bytes: blobs.bytes + documents.bytes };
}

/** Runs that are named of those that would be removed. */
const MOST_NAMED = 1000;

/** What would be collected, as the surfaces give it out; `expired` names the first MOST_NAMED. Bytes are at most so many. */
export function expiredObject(expired: readonly ExpiredRun[]): JsonObject {
  return {
    dry_run: true,
    runs: expired.reduce((sum, { size }) => sum + size.runs, 0),
    bytes: expired.reduce((sum, { size }) => sum + size.bytes, 0),
    expired: expired.slice(0, MOST_NAMED).map(({ run, size }) => ({ ...runObject(run), ...size })),
  };
}
