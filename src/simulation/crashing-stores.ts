/**
 * A host's stores up to its crash: when the journal has so many entries, the host is dead.
 *
 * The entry at which it dies is the last that is kept, also where it stood in the middle of a batch: so every position of
 * the journal can be the last one. From then on nothing takes effect and nothing is answered.
 */
import type { Append, Stores } from "../../stores/ports.ts";

/** The stores of one life of a host. */
export interface CrashingStores {
  readonly stores: Stores;
  /** Resolves when the host is dead. */
  readonly crashed: Promise<void>;
}

/** @param last the seq of the last entry that is kept; undefined: it never crashes. */
export function crashingStores(inner: Stores, last: number | undefined): CrashingStores {
  const { promise: crashed, resolve: crash } = Promise.withResolvers<void>();
  let dead = false;
  const whileAlive = <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      if (dead) return never();
      const result = await call(...args);
      return dead ? never() : result;
    };
  };
  const { journals, runs, ownership, snapshots, schedules, documents, blobs, operators, children } = inner;
  const stores: Stores = {
    name: inner.name,
    durability: inner.durability,
    journals: {
      append: whileAlive(async (batch: readonly Append[]) => {
        const kept = batch.map((append) => upTo(append, last));
        dead = last !== undefined && kept.some(({ expectedSeq, rows }) => expectedSeq + rows.length > last);
        const results = await journals.append(kept);
        if (dead) crash();
        return results;
      }),
      read: whileAlive(journals.read),
      tail: whileAlive(journals.tail),
      end: whileAlive(journals.end),
    },
    runs: {
      create: whileAlive(runs.create),
      get: whileAlive(runs.get),
      byIdempotencyKey: whileAlive(runs.byIdempotencyKey),
      list: whileAlive(runs.list),
      remove: whileAlive(runs.remove),
      hold: whileAlive(runs.hold),
      refusals: whileAlive(runs.refusals),
      sizes: whileAlive(runs.sizes),
    },
    ownership: {
      renew: whileAlive(ownership.renew),
      leave: whileAlive(ownership.leave),
      claim: whileAlive(ownership.claim),
      nextWake: whileAlive(ownership.nextWake),
    },
    snapshots: { put: whileAlive(snapshots.put), get: whileAlive(snapshots.get) },
    schedules,
    documents,
    blobs,
    operators,
    children,
    [Symbol.asyncDispose]: async () => {},
  };
  return { stores, crashed };
}

/** The part of an append that is written before the crash; what it changes in the run's row belongs to its end. */
function upTo(append: Append, last: number | undefined): Append {
  if (last === undefined || append.expectedSeq + append.rows.length - 1 <= last) return append;
  const { patch: _unwritten, ...rest } = append;
  return { ...rest, rows: append.rows.slice(0, Math.max(last - append.expectedSeq + 1, 0)) };
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}
