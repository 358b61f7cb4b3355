/**
 * The one disk of a simulation, and the link each host has to it.
 *
 * Owns: when a call of a host takes effect, when the host hears of it, and what a crash leaves of it.
 *
 * F1  A host's writes take effect in the order it made them; its reads in any order. Both happen only when the scheduler
 *     says so, and the answer to a write comes in a step of its own.
 * F2  A crash drops what has not taken effect, except that a prefix of the oldest batch may have (a torn batch), and
 *     answers nothing any more.
 * F3  Everything that took effect is remembered, so that the end can be held against it.
 */
import { openMemoryStores } from "../../stores/memory/index.ts";
import { type Append, type AppendResult, type RunRecord, StoreError, type Stores } from "../../stores/ports.ts";
import { ENDED } from "../../stores/run-status.ts";

/** What all hosts share. */
export class SimulatedDisk {
  readonly stores: Stores;
  /** Texts that took effect, by run (F3). */
  readonly written = new Map<string, string[]>();
  /** What must not happen and did. */
  readonly violations: string[] = [];
  /** Whether writes fail for want of space. */
  full = false;

  constructor(now: () => number) {
    this.stores = openMemoryStores({ now });
  }

  /** Appends at once, and checks that what has ended does not change. */
  async append(batch: readonly Append[]): Promise<readonly AppendResult[]> {
    const before = await Promise.all(batch.map(({ runId }) => this.stores.runs.get(runId)));
    const results = await this.stores.journals.append(batch);
    for (const [index, { runId, rows }] of batch.entries()) {
      if (results[index] !== "appended") continue;
      const former = before[index] as RunRecord;
      if (ENDED.has(former.status)) this.violations.push(`${runId} had ended (${former.status}) and was changed`);
      const texts = this.written.get(runId) ?? [];
      this.written.set(runId, texts);
      texts.push(...rows.map(({ text }) => text));
    }
    return results;
  }
}

interface Operation {
  readonly name: string;
  readonly call: () => Promise<unknown>;
  readonly answer: (result: Promise<unknown>) => void;
  readonly batch?: readonly Append[];
}

/** One host's link to the disk. */
export class DiskLink {
  readonly stores: Stores;
  readonly #disk: SimulatedDisk;
  readonly #writes: Operation[] = [];
  readonly #reads: Operation[] = [];
  readonly #answers: (() => void)[] = [];
  #cut = false;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
    this.stores = this.#linked(disk.stores);
  }

  /** Whether a write can take effect, a read be answered, a write be answered. */
  get ready(): { readonly write: boolean; readonly read: number; readonly answer: boolean } {
    return { write: this.#writes.length > 0, read: this.#reads.length, answer: this.#answers.length > 0 };
  }

  /** Lets the oldest write take effect. */
  write(): string {
    const operation = this.#writes.shift()!;
    const refused = this.#disk.full && (operation.batch !== undefined || operation.name === "create");
    const result = refused ? Promise.reject(new StoreError("store_full", "no space left")) : operation.call();
    result.catch(() => {});
    this.#answers.push(() => operation.answer(result));
    return `${operation.name}${refused ? " refused: full" : ""}`;
  }

  /** Answers the oldest write that took effect. */
  answer(): void {
    this.#answers.shift()?.();
  }

  /** Answers one read. */
  read(index: number): string {
    const [operation] = this.#reads.splice(index, 1);
    operation!.answer(operation!.call());
    return operation!.name;
  }

  /** The host dies (F2); of the oldest batch the first `torn` appends still take effect. */
  async cut(torn: number): Promise<void> {
    this.#cut = true;
    const { batch } = this.#writes[0] ?? {};
    if (batch !== undefined && torn > 0 && !this.#disk.full) await this.#disk.append(batch.slice(0, torn));
    this.#writes.length = 0;
    this.#reads.length = 0;
    this.#answers.length = 0;
  }

  #queue<T>(queue: Operation[], name: string, call: () => Promise<T>, batch?: readonly Append[]): Promise<T> {
    return new Promise<T>((resolve) => {
      if (this.#cut) return;
      const answer = (result: Promise<unknown>): void => resolve(result as Promise<T>);
      queue.push({ name, call, answer, ...(batch === undefined ? {} : { batch }) });
    });
  }

  #linked({ journals, runs, ownership, snapshots, schedules, documents, blobs, operators, children }: Stores): Stores {
    const write = <T>(name: string, call: () => Promise<T>): Promise<T> => this.#queue(this.#writes, name, call);
    const read = <T>(name: string, call: () => Promise<T>): Promise<T> => this.#queue(this.#reads, name, call);
    return {
      name: "simulated",
      durability: "full",
      journals: {
        append: (batch) => this.#queue(this.#writes, "append", () => this.#disk.append(batch), batch),
        read: (...args) => read("read", () => journals.read(...args)),
        tail: (...args) => read("tail", () => journals.tail(...args)),
        end: () => read("end", () => journals.end()),
      },
      runs: {
        create: (batch) => write("create", () => runs.create(batch)),
        get: (runId) => read("get", () => runs.get(runId)),
        byIdempotencyKey: (key) => read("get", () => runs.byIdempotencyKey(key)),
        list: (query) => read("list", () => runs.list(query)),
        remove: (runIds) => write("remove", () => runs.remove(runIds)),
        hold: (runId, held) => write("hold", () => runs.hold(runId, held)),
        refusals: (runIds) => read("refusals", () => runs.refusals(runIds)),
        sizes: (runIds) => read("sizes", () => runs.sizes(runIds)),
      },
      ownership: {
        renew: (lease) => write("renew", () => ownership.renew(lease)),
        leave: (hostId) => write("leave", () => ownership.leave(hostId)),
        claim: (order) => write(`claim ${JSON.stringify(order.which)}`, () => ownership.claim(order)),
        nextWake: () => read("nextWake", () => ownership.nextWake()),
      },
      snapshots: {
        put: (runId, snapshot) => write("snapshot", () => snapshots.put(runId, snapshot)),
        get: (runId) => read("snapshot", () => snapshots.get(runId)),
      },
      schedules,
      documents,
      blobs,
      operators,
      children: {
        answered: (query) => read("answered", () => children.answered(query)),
        orphaned: (query) => read("orphaned", () => children.orphaned(query)),
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }
}
