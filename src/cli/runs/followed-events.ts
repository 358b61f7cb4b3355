/**
 * The live events of the host that owns a data directory, over reconnects and restarts.
 *
 * Where the connection breaks, the host is looked for again, for it may have started anew elsewhere, and the stream goes on
 * after the last durable event. It is given up after MOST_TRIES that brought nothing.
 */

import { EventSourceParserStream } from "eventsource-parser/stream";
import { ClientError } from "../../client/index.ts";
import type { RunningHost } from "./running-host.ts";

/** One event of a stream. */
export interface LiveEvent {
  /** Of durable events: where to go on after. */
  readonly id?: string;
  readonly name: string;
  readonly data: string;
}

/** What following needs. */
export interface FollowPorts {
  /** The host that owns the directory now; undefined where none does. */
  readonly find: () => Promise<RunningHost | undefined>;
  readonly wait: (ms: number) => Promise<void>;
  /** Told when the connection is lost, and when it is there again. */
  readonly onConnection?: (isThere: boolean) => void;
}

const MOST_TRIES = 10;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/**
 * The events of a path, from after an id on. Whoever has enough stops asking.
 * @throws ClientError what the host refused, or `host_unreachable` where it does not come back.
 */
export async function* followEvents(path: string, after: number, ports: FollowPorts): AsyncGenerator<LiveEvent> {
  let last = String(after);
  let tries = 0;
  for (;;) {
    const host = await ports.find();
    if (host !== undefined) {
      for await (const event of connected(host, path, last)) {
        if (tries > 0) ports.onConnection?.(true);
        tries = 0;
        if (event.id !== undefined) last = event.id;
        yield event;
      }
    }
    if (tries === 0) ports.onConnection?.(false);
    tries += 1;
    if (tries > MOST_TRIES) throw new ClientError("host_unreachable", "the host has gone and did not come back");
    await ports.wait(Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS));
  }
}

/** The events of one connection; ends where that breaks. */
async function* connected(host: RunningHost, path: string, last: string): AsyncGenerator<LiveEvent> {
  const body = await host.stream(path, last);
  if (body === undefined) return;
  const events = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await events.read();
      if (done) return;
      yield { ...(value.id === undefined ? {} : { id: value.id }), name: value.event ?? "message", data: value.data };
    }
  } catch (error) {
    // The connection broke: what was told until then has been given.
    if (!(error instanceof TypeError)) throw error;
  } finally {
    await events.cancel().catch(ignoreBroken);
  }
}

/** A stream that broke cannot be cancelled, and need not. */
function ignoreBroken(): void {}
