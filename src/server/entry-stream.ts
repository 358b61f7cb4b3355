/**
 * A run's journal as server-sent events: each entry when it is durable, in order, from any seq on.
 *
 * The id of an event is the entry's seq, its name the entry's type, its data the entry as stored. The stream ends after
 * `run_finished`; one that is cut off is resumed after the last id.
 */
import type { Host } from "../host.ts";

/** Entries read at once. */
const PAGE = 500;

/** The texts of the events, until the run has ended or the signal is aborted. */
export async function* entryStream(
  host: Pick<Host, "entries" | "onEntries">,
  runId: string,
  fromSeq: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let bell = Promise.withResolvers<void>();
  const ring = (): void => bell.resolve();
  // Listening before reading: what is written in between rings.
  const off = host.onEntries(runId, ring);
  signal.addEventListener("abort", ring);
  try {
    let next = fromSeq;
    while (!signal.aborted) {
      bell = Promise.withResolvers<void>();
      const rows = await host.entries(runId, next, PAGE);
      for (const { seq, type, text } of rows) {
        yield `id: ${seq}\nevent: ${type}\ndata: ${text}\n\n`;
        if (type === "run_finished") return;
        next = seq + 1;
      }
      if (rows.length === 0) await bell.promise;
    }
  } finally {
    off();
    signal.removeEventListener("abort", ring);
  }
}
