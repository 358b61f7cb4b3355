/**
 * `swarm-host operator attach`: sits at seats and sees to what they are asked for, until Ctrl-C.
 *
 * Owns: the session, the seats and the socket, and that requests are seen to a few at a time. Does not own: how one is
 * seen to: by a command (answered-by-command.ts) or by a person (answered-by-person.ts).
 *
 * A1  A session that was joined here and is kept in no file is left at the end: its seats are vacant, and what they are
 *     asked for waits for the next holder.
 * A2  At most `--concurrency` requests are seen to at a time. The others wait here, and when these are many, at the host.
 */
import {
  ClientError,
  type HostAddress,
  type JoinedSession,
  OperatorClient,
  OperatorConnection,
  type RequestFrame,
} from "../../client/index.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { type HostFlags, hostAddress } from "../host-address.ts";
import { type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { readSession, writeSession } from "./session-file.ts";

/** Options as commander gives them. */
export interface AttachFlags extends HostFlags {
  readonly description: string;
  readonly sessionFile?: string;
  readonly run?: readonly string[];
  readonly seat?: string;
  readonly exec?: string;
  readonly launch?: string;
  readonly concurrency: number;
}

/** What somebody does about a request. Rejects only where it cannot be seen to here at all. */
export type SeeTo = (request: RequestFrame, signal: AbortSignal) => Promise<void>;

/** What an answerer works with. */
export interface Attended {
  readonly surface: Surface;
  readonly connection: OperatorConnection;
  /** Where the host is; the credential is the session's. */
  readonly address: HostAddress;
  readonly style: Style;
  /** Says a line to the person at the terminal. */
  readonly say: (line: string) => void;
  /** Aborted when no more requests come. */
  readonly over: AbortSignal;
}

/** Attaches. Exit code 0 when it is told to stop. */
export async function attachCommand(surface: Surface, flags: AttachFlags): Promise<ExitCode> {
  const style = styleFor(surface.stderr, surface.env);
  const say = (line: string): void => void surface.stderr.write(`${line}\n`);
  const address = await hostAddress(surface, flags);
  const operators = new OperatorClient(address);
  const { session, isOurs } = await joined(operators, flags);
  const stop = new AbortController();
  const off = surface.onSignal(() => stop.abort());
  try {
    for (const runId of flags.run ?? []) {
      const seat = flags.seat === undefined ? {} : { seat: flags.seat };
      const { sessionId } = session;
      const taken = await operators.take({ runId, sessionId, description: flags.description, ...seat });
      say(`${style.good(style.glyphs.pass)} holds seat ${String(taken["seat"])} of run ${runId}`);
    }
    await attend(surface, { url: address.url, credential: session.secret }, session, flags, stop.signal, {
      style,
      say,
    });
    return EXIT.done;
  } finally {
    off();
    if (isOurs) await operators.leave(session.sessionId).catch(passUnknown);
  }
}

async function joined(
  operators: OperatorClient,
  { sessionFile, description }: AttachFlags,
): Promise<{ readonly session: JoinedSession; readonly isOurs: boolean }> {
  const kept = sessionFile === undefined ? undefined : await readSession(sessionFile);
  if (kept !== undefined) return { session: kept, isOurs: false };
  const session = await operators.join(description);
  if (sessionFile === undefined) return { session, isOurs: true };
  try {
    await writeSession(sessionFile, session);
  } catch (error) {
    await operators.leave(session.sessionId).catch(passUnknown);
    throw error;
  }
  return { session, isOurs: false };
}

async function attend(
  surface: Surface,
  address: HostAddress,
  { sessionId }: JoinedSession,
  flags: AttachFlags,
  stop: AbortSignal,
  { style, say }: Pick<Attended, "style" | "say">,
): Promise<void> {
  const places = new Places(flags.concurrency);
  const underWay = new Set<Promise<void>>();
  let seeTo: SeeTo = async () => {};
  await using connection = new OperatorConnection({
    address,
    sessionId,
    onConnected: () => say(`${style.good("attached")} to ${address.url} as ${sessionId}`),
    onDisconnected: (reason) => say(style.warn(`disconnected: ${reason}; connecting again`)),
    async onRequest(request, signal) {
      const release = await places.take(signal);
      if (release === undefined) return;
      const work = seeTo(request, AbortSignal.any([signal, stop]))
        .catch((error: unknown) =>
          say(style.bad(`${request.id}: ${error instanceof Error ? error.message : String(error)}`)),
        )
        .finally(() => {
          release();
          underWay.delete(work);
        });
      underWay.add(work);
    },
  });
  const over = new AbortController();
  const attended: Attended = { surface, connection, address, style, say, over: over.signal };
  const command = flags.exec ?? flags.launch;
  seeTo =
    command === undefined
      ? (await import("./answered-by-person.ts")).answeredByPerson(attended)
      : (await import("./answered-by-command.ts")).answeredByCommand(attended, {
          command,
          submits: flags.launch !== undefined,
        });
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    await Promise.race([stopped, connection.closed]);
  } finally {
    over.abort();
  }
  await Promise.all(underWay);
}

/** A session that has gone is left already. */
function passUnknown(error: unknown): void {
  if (!(error instanceof ClientError && error.code === "session_unknown")) throw error;
}

/** So many at a time, in the order they came. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** A place; undefined where nobody needs it any more. */
  async take(signal: AbortSignal): Promise<(() => void) | undefined> {
    while (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (signal.aborted) {
      this.#waiting.shift()?.();
      return undefined;
    }
    this.#free -= 1;
    return () => {
      this.#free += 1;
      this.#waiting.shift()?.();
    };
  }
}
