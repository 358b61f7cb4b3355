/**
 * Collecting: removing the runs that a policy does not keep, then the texts that no run uses.
 *
 * L1  What is judged is a run that nobody's run has started; what it has started goes with it, or is kept with it.
 * L2  A run that is held is kept and not counted. One that the store will not remove (it, or what it has started, is held or
 *     has not ended, or a run that has not ended needs it) is kept.
 * L3  Work is done a page at a time: others go on between two pages.
 */
import { type Collected, type RunRecord, type RunSize, StoreError, type Stores } from "../../stores/ports.ts";
import { CLASSES, type Retention, type RetentionClass, type RetentionRule } from "./policy.ts";

/** Runs looked at, or texts removed, at once. */
const PAGE = 200;
/** Runs are removed so many at once, or as many as have so many entries: a transaction others wait for. */
const REMOVED_RUNS = 50;
const REMOVED_ENTRIES = 10_000;

/** What collecting needs. */
export interface CollectPorts {
  readonly stores: Pick<Stores, "runs" | "blobs" | "documents">;
  /** Lets others go on; called between two pages. */
  readonly turn: () => Promise<void>;
}

/** What is collected by. */
export interface CollectOrder {
  readonly retention: Retention;
  /** Milliseconds since 1970, by the clock that wrote the runs. */
  readonly now: number;
}

/** A run that is not kept. */
export interface ExpiredRun {
  readonly run: RunRecord;
  /** With what it has started. */
  readonly size: RunSize;
}

/** What was removed. Bytes are of the texts. */
export interface Collection {
  readonly runs: number;
  readonly blobs: Collected;
  readonly documents: Collected;
}

/** Of a run's row what removing it needs: many are kept in mind. */
type Removable = Pick<RunRecord, "runId" | "nextSeq">;

/** The runs that would be removed, class by class, the newest of each first. Changes nothing. */
export async function expiredRuns(ports: CollectPorts, order: CollectOrder): Promise<readonly ExpiredRun[]> {
  const { stores, turn } = ports;
  const expired: ExpiredRun[] = [];
  for (const status of CLASSES) {
    const rule = order.retention[status];
    if (rule === undefined) continue;
    for await (const page of expiredPages(ports, status, new Judge(rule, order.now))) {
      const sizes = await stores.runs.sizes(page.map(({ runId }) => runId));
      expired.push(...page.map((run, index) => ({ run, size: sizes[index] ?? { runs: 0, bytes: 0 } })));
      await turn();
    }
  }
  return expired;
}

/** Collects. */
export async function collect(ports: CollectPorts, order: CollectOrder): Promise<Collection> {
  const { stores, turn } = ports;
  let runs = 0;
  for (const status of CLASSES) {
    const rule = order.retention[status];
    if (rule === undefined) continue;
    // Found first, then removed: a page begins after the last run of the one before, which must be here.
    const expired: Removable[] = [];
    for await (const page of expiredPages(ports, status, new Judge(rule, order.now))) {
      expired.push(...page.map(({ runId, nextSeq }) => ({ runId, nextSeq })));
    }
    for (const some of portions(expired)) {
      runs += await remove(ports, some);
      await turn();
    }
  }
  return {
    runs,
    blobs: await collectAll(turn, (limit) => stores.blobs.collect({ limit })),
    documents: await collectAll(turn, (limit) => stores.documents.collect({ limit })),
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

  keeps({ updatedAt }: RunRecord, bytes: number): boolean {
    const { count: most = Number.POSITIVE_INFINITY, bytes: mostBytes = Number.POSITIVE_INFINITY } = this.#rule;
    this.#count += 1;
    this.#bytes += bytes;
    return this.#count <= most && this.#bytes <= mostBytes && updatedAt >= this.#oldest;
  }
}

/** What a judge does not keep of a class, by the pages in which it was looked at. */
async function* expiredPages(
  { stores: { runs }, turn }: CollectPorts,
  status: RetentionClass,
  judge: Judge,
): AsyncGenerator<readonly RunRecord[]> {
  for (let before: string | undefined; ; ) {
    const page = await runs.list({ status: [status], limit: PAGE, ...(before === undefined ? {} : { before }) });
    const judged = await roots(runs, page);
    const sizes = judge.wantsSizes ? await runs.sizes(judged.map(({ runId }) => runId)) : [];
    const expired = judged.filter((run, index) => !judge.keeps(run, sizes[index]?.bytes ?? 0));
    const refusals = await runs.refusals(expired.map(({ runId }) => runId));
    const removable = expired.filter((_, index) => refusals[index] === undefined);
    if (removable.length > 0) yield removable;
    before = page.at(-1)?.runId;
    if (page.length < PAGE) return;
    await turn();
  }
}

/** Those that are judged (L1, L2). */
async function roots(runs: Stores["runs"], page: readonly RunRecord[]): Promise<readonly RunRecord[]> {
  const judged: RunRecord[] = [];
  for (const run of page) {
    const parent = run.parentRunId === undefined ? undefined : await runs.get(run.parentRunId);
    if (parent === undefined && run.held !== true) judged.push(run);
  }
  return judged;
}

/** Runs in portions that the store removes without keeping others for long. */
function* portions(runs: readonly Removable[]): Generator<readonly Removable[]> {
  let portion: Removable[] = [];
  let entries = 0;
  for (const run of runs) {
    portion.push(run);
    entries += run.nextSeq - 1;
    if (portion.length < REMOVED_RUNS && entries < REMOVED_ENTRIES) continue;
    yield portion;
    portion = [];
    entries = 0;
  }
  if (portion.length > 0) yield portion;
}

/** Removes runs, each by itself: one that somebody holds or forks meanwhile stays, and the others go. */
async function remove({ stores: { runs } }: CollectPorts, some: readonly Removable[]): Promise<number> {
  const removals = some.map(({ runId }) =>
    runs.remove([runId]).catch((error: unknown) => {
      if (error instanceof StoreError && (error.code === "run_held" || error.code === "run_live")) return 0;
      throw error;
    }),
  );
  let removed = 0;
  for (const removal of await Promise.allSettled(removals)) {
    if (removal.status === "rejected") throw removal.reason;
    removed += removal.value;
  }
  return removed;
}

async function collectAll(
  turn: CollectPorts["turn"],
  collectSome: (limit: number) => Promise<Collected>,
): Promise<Collected> {
  let all: Collected = { count: 0, bytes: 0 };
  for (;;) {
    const { count, bytes } = await collectSome(PAGE);
    all = { count: all.count + count, bytes: all.bytes + bytes };
    if (count < PAGE) return all;
    await turn();
  }
}
