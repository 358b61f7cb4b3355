/**
 * Collecting: removing the runs that a policy does not keep, then the texts that no run uses.
 *
 * L1  A run that is held, has not ended, or is needed by one that has not (its child, or the source of its fork) is kept.
 * L2  Work is done a page at a time: the store's other writers go on between two pages.
 */
import { type Collected, type RunRecord, type RunStatus, StoreError, type Stores } from "../../stores/ports.ts";
import { CLASSES, type Retention, type RetentionRule } from "./policy.ts";

/** Runs looked at, or texts removed, at once. */
const PAGE = 200;

const LIVE: readonly RunStatus[] = ["pending", "running", "waiting", "suspended", "paused"];

/** The stores that are collected from. */
export type CollectedStores = Pick<Stores, "runs" | "blobs" | "documents">;

/** What was removed. Bytes are of the texts. */
export interface Collection {
  readonly runs: number;
  readonly blobs: Collected;
  readonly documents: Collected;
}

/** Collects. `now`: milliseconds since 1970, by the clock that wrote the runs. */
export async function collect(stores: CollectedStores, retention: Retention, now: number): Promise<Collection> {
  let runs = 0;
  const sources = Object.keys(retention).length === 0 ? new Set<string>() : await sourcesOfLive(stores);
  for (const status of CLASSES) {
    const rule = retention[status];
    if (rule === undefined) continue;
    // What is removed goes a page later than it was found: the next page begins after the last run of this one.
    let expired: readonly string[] = [];
    const judge = new Judge(rule, now);
    for await (const page of pages(stores, [status])) {
      runs += await remove(stores, expired);
      expired = await expiredOf(stores, page, judge, sources);
    }
    runs += await remove(stores, expired);
  }
  return {
    runs,
    blobs: await collectAll((limit) => stores.blobs.collect({ limit })),
    documents: await collectAll((limit) => stores.documents.collect({ limit })),
  };
}

/** Judges the runs of one class, from the newest on. */
class Judge {
  readonly #rule: RetentionRule;
  readonly #oldest: number;
  #count = 0;
  #bytes = 0;

  constructor(rule: RetentionRule, now: number) {
    this.#rule = rule;
    this.#oldest = rule.ageMs === undefined ? Number.NEGATIVE_INFINITY : now - rule.ageMs;
  }

  get wantsSizes(): boolean {
    return this.#rule.bytes !== undefined;
  }

  keeps({ updatedAt }: RunRecord, size: number): boolean {
    const { count = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = this.#rule;
    this.#count += 1;
    this.#bytes += size;
    return this.#count <= count && this.#bytes <= bytes && updatedAt >= this.#oldest;
  }
}

async function expiredOf(
  stores: CollectedStores,
  page: readonly RunRecord[],
  judge: Judge,
  sources: ReadonlySet<string>,
): Promise<readonly string[]> {
  const subject = page.filter(({ held }) => held !== true);
  const sizes = judge.wantsSizes ? await stores.runs.sizes(subject.map(({ runId }) => runId)) : [];
  const expired: string[] = [];
  for (const [index, run] of subject.entries()) {
    if (judge.keeps(run, sizes[index] ?? 0) || sources.has(run.runId)) continue;
    if (!(await parentLives(stores, run))) expired.push(run.runId);
  }
  return expired;
}

async function parentLives({ runs }: CollectedStores, { parentRunId }: RunRecord): Promise<boolean> {
  const parent = parentRunId === undefined ? undefined : await runs.get(parentRunId);
  return parent !== undefined && LIVE.includes(parent.status);
}

/** The runs that live runs are forks of: what they have not executed yet may be taken over from there. */
async function sourcesOfLive(stores: CollectedStores): Promise<ReadonlySet<string>> {
  const sources = new Set<string>();
  for await (const page of pages(stores, LIVE)) {
    for (const { forkedFrom } of page) if (forkedFrom !== undefined) sources.add(forkedFrom);
  }
  return sources;
}

async function* pages({ runs }: CollectedStores, status: readonly RunStatus[]): AsyncGenerator<readonly RunRecord[]> {
  let before: string | undefined;
  for (;;) {
    const page = await runs.list({ status, limit: PAGE, ...(before === undefined ? {} : { before }) });
    if (page.length > 0) yield page;
    before = page.at(-1)?.runId;
    if (page.length < PAGE) return;
  }
}

async function remove({ runs }: CollectedStores, runIds: readonly string[]): Promise<number> {
  if (runIds.length === 0) return 0;
  try {
    return await runs.remove(runIds);
  } catch (error) {
    if (!isHeld(error)) throw error;
  }
  // Somebody has held one of them meanwhile: the others go one by one.
  let removed = 0;
  for (const runId of runIds) {
    removed += await runs.remove([runId]).catch((error: unknown) => {
      if (isHeld(error)) return 0;
      throw error;
    });
  }
  return removed;
}

function isHeld(error: unknown): boolean {
  return error instanceof StoreError && error.code === "run_held";
}

async function collectAll(collectSome: (limit: number) => Promise<Collected>): Promise<Collected> {
  let all: Collected = { count: 0, bytes: 0 };
  for (;;) {
    const { count, bytes } = await collectSome(PAGE);
    all = { count: all.count + count, bytes: all.bytes + bytes };
    if (count < PAGE) return all;
  }
}
