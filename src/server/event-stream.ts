/**
 * Server-sent events: what is durable, in order, each with an id to go on after; and beside it what is only said in
 * passing, without ids.
 *
 * E1  Durable events are read a page at a time, when the reader has taken the page before: a slow reader costs a page.
 * E2  Passing events wait in a bounded list; where the reader is too slow the oldest are dropped.
 * E3  A stream that has nothing to say for HEARTBEAT_MS says a comment, so that who listens can tell silence from a dead
 *     connection.
 */

/** After how much silence a comment is sent, in milliseconds. */
export const HEARTBEAT_MS = 15_000;
/** Passing events that wait, and their characters together (E2). */
const MOST_PASSING = 256;
const MOST_PASSING_TEXT = 1024 * 1024;

/** A durable event: `id` is where to go on after, `data` a line of JSON. */
export interface DurableEvent {
  readonly id: number;
  readonly name: string;
  readonly data: string;
  /** Nothing comes after it. */
  readonly isLast?: boolean;
}

/** What a stream is made of. */
export interface EventSource {
  /** Durable events after an id; empty where there are none yet. */
  readonly read: (after: number) => Promise<readonly DurableEvent[]>;
  /** Calls `ring` whenever there may be more to read; the returned function ends that. */
  readonly listen: (ring: () => void) => () => void;
  /** Calls `say` with each passing event; the returned function ends that. */
  readonly passing?: (say: (name: string, data: string) => void) => () => void;
  /** Calls `fire` once after some milliseconds, unless the returned function was called. */
  readonly timer: (ms: number, fire: () => void) => () => void;
}

/** The texts of the events after an id, until the last one or until the signal is aborted. */
export async function* eventStream(source: EventSource, after: number, signal: AbortSignal): AsyncGenerator<string> {
  let bell = Promise.withResolvers<boolean>();
  const ring = (): void => bell.resolve(true);
  const passing = new PassingEvents();
  // Listening before reading: what is written in between rings.
  const off = source.listen(ring);
  const hush = source.passing?.((name, data) => {
    passing.add(`event: ${name}\ndata: ${data}\n\n`);
    ring();
  });
  signal.addEventListener("abort", ring);
  try {
    // So that the answer begins at once, whenever there is something to tell.
    yield ": open\n\n";
    let last = after;
    while (!signal.aborted) {
      bell = Promise.withResolvers();
      const events = await source.read(last);
      for (const { id, name, data, isLast = false } of events) {
        yield `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`;
        if (isLast) return;
        last = id;
      }
      const said = passing.take();
      if (said !== "") yield said;
      if (events.length > 0 || said !== "") continue;
      const cancel = source.timer(HEARTBEAT_MS, () => bell.resolve(false));
      const rung = await bell.promise;
      cancel();
      if (!rung) yield ": still here\n\n";
    }
  } finally {
    off();
    hush?.();
    signal.removeEventListener("abort", ring);
  }
}

/** E2. */
class PassingEvents {
  #texts: string[] = [];
  #size = 0;

  add(text: string): void {
    this.#texts.push(text);
    this.#size += text.length;
    while (this.#texts.length > MOST_PASSING || this.#size > MOST_PASSING_TEXT)
      this.#size -= this.#texts.shift()!.length;
  }

  /** All of them as one text, and forgets them. */
  take(): string {
    const text = this.#texts.join("");
    this.#texts = [];
    this.#size = 0;
    return text;
  }
}
