/**
 * Keeping a host's store small: collecting by the policy of its data directory.
 *
 * Owns: where the policy is kept, and collecting by itself once an hour. Does not own: what is collected (retention).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "./engine/index.ts";
import type { Json, JsonObject } from "./flow/index.ts";
import {
  type CollectedStores,
  type Collection,
  collect,
  parseRetention,
  type Retention,
  RetentionError,
} from "./retention/index.ts";

/** How often a host collects by itself, in milliseconds. */
export const COLLECT_EVERY_MS = 3_600_000;

/** What upkeep needs. */
export interface UpkeepParts {
  readonly stores: CollectedStores;
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
    const { stores, clock, dataDir } = this.#parts;
    const done = this.#last.then(async () =>
      collect(stores, retention ?? (dataDir === undefined ? {} : await keptRetention(dataDir)), clock.now()),
    );
    this.#last = done.catch(() => undefined); // The caller is told; the next collection is another.
    return done;
  }

  /** Collects by itself from now on. */
  start(): void {
    if (this.#closed || this.#timer !== undefined) return;
    const { clock, onDefect } = this.#parts;
    this.#timer = clock.timer(clock.now() + COLLECT_EVERY_MS, () => {
      this.#timer = undefined;
      void this.collect()
        .catch(onDefect)
        .then(() => this.start());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#last;
  }
}

/** The policy's file in a data directory. Without it every run is kept. */
export function retentionFile(dataDir: string): string {
  return join(dataDir, "retention.json");
}

async function keptRetention(dataDir: string): Promise<Retention> {
  const file = retentionFile(dataDir);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw error;
  }
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
