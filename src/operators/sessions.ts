/**
 * Sessions: operators that have joined.
 *
 * Owns: secrets (shown once, kept as digests), when a session was last seen, and when it expires. Does not own: sockets
 * (delivery.ts), the seats it holds (seats.ts).
 *
 * S1  A session expires SESSION_IDLE_MS after it was last seen, and never while a socket is attached. Expiry is judged
 *     before a use is counted: a session that has expired is not revived by its use.
 *     A session that was given an end does not outlive it, attached or not.
 * S2  When it was last seen is written at most every TOUCH_MS; what a crash takes of it is less than that.
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { SeatRecord, SessionRecord } from "../../stores/ports.ts";
import type { Timer } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import { OperatorError } from "./errors.ts";
import type { JoinOrder, OperatorSession } from "./operator-desk.ts";
import type { DeskPorts } from "./ports.ts";

/** How long a session lives without a socket and unused. */
export const SESSION_IDLE_MS: number = 24 * 3_600_000;
/** How often expired sessions are looked for. */
export const SWEEP_MS = 300_000;
const TOUCH_MS = 60_000;
const MAX_DESCRIPTION = 1_000;
const MAX_MANIFEST: number = 64 * 1024;
/** Sessions ended in one write. */
const SWEEP_PAGE = 100;

/** What sessions need to know of their sockets, and what they have done to seats. */
export interface SessionObserver {
  readonly connected: (sessionId: string) => boolean;
  /** They are gone; these seats are vacant. */
  readonly left: (sessionIds: readonly string[], vacated: readonly SeatRecord[], reason: string) => Promise<void>;
}

/** The sessions of one host. */
export class SessionBook implements Disposable {
  readonly #ports: DeskPorts;
  readonly #observer: SessionObserver;
  /** When a session was last written as seen. */
  readonly #touched = new Map<string, number>();
  #sweep: Timer | undefined;
  #isClosed = false;

  constructor(ports: DeskPorts, observer: SessionObserver) {
    this.#ports = ports;
    this.#observer = observer;
  }

  /** @throws OperatorError `session_invalid`, `sessions_full`. */
  async join({ description, manifest, verbs, endsAt }: JoinOrder): Promise<{
    readonly session: OperatorSession;
    readonly secret: string;
  }> {
    const text = manifest === undefined ? undefined : JSON.stringify(manifest);
    if (description.trim() === "" || description.length > MAX_DESCRIPTION || (text?.length ?? 0) > MAX_MANIFEST) {
      throw new OperatorError(
        "session_invalid",
        `a session says who it is in 1 to ${MAX_DESCRIPTION} characters, and its manifest has at most ${MAX_MANIFEST}`,
      );
    }
    const id = this.#ports.newId();
    const secret = `ss-${id}-${this.#ports.newSecret()}`;
    const now = this.#ports.clock.now();
    const record: SessionRecord = {
      sessionId: `S-${id}`,
      secretDigest: digestOf(secret),
      description,
      ...(text === undefined ? {} : { manifest: text }),
      ...(verbs === undefined ? {} : { verbs }),
      ...(endsAt === undefined ? {} : { endsAt }),
      createdAt: now,
      lastSeenAt: now,
    };
    if ((await this.#ports.store.sessions.create(record)) === "full") {
      throw new OperatorError(
        "sessions_full",
        "there are as many sessions as there can be: end one that is not needed",
      );
    }
    this.#plan();
    return { session: this.#view(record), secret };
  }

  /** The live session that a secret belongs to. */
  async authenticate(secret: string): Promise<OperatorSession | undefined> {
    const id = /^ss-([0-9a-f]{32})-[0-9a-f]{64}$/u.exec(secret)?.[1] ?? "";
    const record = await this.#live(`S-${id}`);
    const kept = record?.secretDigest ?? "0".repeat(64);
    const isRight = timingSafeEqual(Buffer.from(digestOf(secret), "hex"), Buffer.from(kept, "hex"));
    if (record === undefined || !isRight) return undefined;
    await this.seen([record.sessionId]);
    return this.#view(record);
  }

  /** @throws OperatorError `session_unknown`. */
  async get(sessionId: string): Promise<OperatorSession> {
    const record = await this.#live(sessionId);
    if (record === undefined) throw unknownSession(sessionId);
    return this.#view(record);
  }

  /** Oldest first. */
  async list(query: { readonly limit: number; readonly after?: string }): Promise<readonly OperatorSession[]> {
    await this.sweep();
    return (await this.#ports.store.sessions.list(query)).map((record) => this.#view(record));
  }

  /** @throws OperatorError `session_unknown`. */
  async leave(sessionId: string): Promise<void> {
    await this.get(sessionId);
    await this.#end([sessionId], "left");
  }

  /** They are alive (S2). */
  async seen(sessionIds: readonly string[]): Promise<void> {
    const now = this.#ports.clock.now();
    const due = sessionIds.filter((sessionId) => now - (this.#touched.get(sessionId) ?? 0) >= TOUCH_MS);
    if (due.length === 0) return;
    for (const sessionId of due) this.#touched.set(sessionId, now);
    await this.#ports.store.sessions.touch(due, now);
  }

  /** Ends the sessions that have expired (S1). */
  async sweep(): Promise<void> {
    for (let after: string | undefined; ; ) {
      const over = { seenBefore: this.#horizon, end: this.#ports.clock.now() };
      const query = { limit: SWEEP_PAGE, over, ...(after === undefined ? {} : { after }) };
      const idle = await this.#ports.store.sessions.list(query);
      const expired = idle.filter((record) => this.#hasExpired(record)).map(({ sessionId }) => sessionId);
      // The last stays in the list where it is connected, and goes first where it is not.
      after = idle.findLast(({ sessionId }) => !expired.includes(sessionId))?.sessionId ?? after;
      if (expired.length > 0) await this.#end(expired, "expired");
      if (idle.length < SWEEP_PAGE) return;
    }
  }

  /** Begins to look for expired sessions, where there are any. */
  async start(): Promise<void> {
    await this.sweep();
    if ((await this.#ports.store.sessions.list({ limit: 1 })).length > 0) this.#plan();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#sweep?.cancel();
  }

  get #horizon(): number {
    return this.#ports.clock.now() - SESSION_IDLE_MS;
  }

  #hasExpired({ sessionId, lastSeenAt, endsAt }: SessionRecord): boolean {
    if (endsAt !== undefined && endsAt <= this.#ports.clock.now()) return true;
    return lastSeenAt < this.#horizon && !this.#observer.connected(sessionId);
  }

  async #live(sessionId: string): Promise<SessionRecord | undefined> {
    const record = await this.#ports.store.sessions.get(sessionId);
    if (record === undefined || !this.#hasExpired(record)) return record;
    await this.#end([sessionId], "expired");
    return undefined;
  }

  async #end(sessionIds: readonly string[], reason: string): Promise<void> {
    const vacated = await this.#ports.store.sessions.remove(sessionIds, this.#ports.clock.now());
    for (const sessionId of sessionIds) this.#touched.delete(sessionId);
    await this.#observer.left(sessionIds, vacated, reason);
  }

  #plan(): void {
    if (this.#sweep !== undefined || this.#isClosed) return;
    const { clock, onDefect } = this.#ports;
    this.#sweep = clock.timer(clock.now() + SWEEP_MS, () => {
      this.#sweep = undefined;
      this.start().catch(onDefect);
    });
  }

  #view({ sessionId, description, manifest, verbs, endsAt, createdAt, lastSeenAt }: SessionRecord): OperatorSession {
    return {
      sessionId,
      description,
      ...(manifest === undefined ? {} : { manifest: JSON.parse(manifest) as Json }),
      ...(verbs === undefined ? {} : { verbs }),
      ...(endsAt === undefined ? {} : { endsAt }),
      createdAt,
      lastSeenAt,
      connected: this.#observer.connected(sessionId),
    };
  }
}

/** No such session. */
export function unknownSession(sessionId: string): OperatorError {
  return new OperatorError(
    "session_unknown",
    `there is no session ${sessionId}: it left, it expired, or it never was`,
    {
      details: { session: sessionId },
    },
  );
}

function digestOf(secret: string): string {
  return hash("sha256", secret);
}
