/** Frames of every kind of wrong, to a desk: each is answered or the socket is closed; nothing else happens. */
import fc from "fast-check";
import { Packr } from "msgpackr";
import { afterAll, describe, expect, it } from "vitest";
import type { Link } from "../../src/host.ts";
import { DeskFixture } from "../operators/desk-fixture.ts";
import {
  CASES,
  heldMemory,
  PATIENCE,
  report,
  spoiling,
  spoilingBytes,
  spoilt,
  spoiltBytes,
  tally,
} from "./mutations.ts";

const packr = new Packr({ useRecords: false });
const TOGETHER = 20;
const MARK = "what-only-the-other-session-is-asked";

/** What the host may answer with. */
const ANSWERS = new Set(["hello", "request", "withdrawn", "caught_up", "done", "refused", "ping"]);
const CODES = new Set([
  "frame_invalid",
  "request_unknown",
  "request_kind",
  "request_closed",
  "seat_moved",
  "submission_conflict",
]);

interface Said {
  readonly type: string;
  readonly code?: string;
  readonly request?: { readonly id: string };
}

class FuzzLink implements Link {
  readonly codec: Link["codec"];
  readonly said: Said[] = [];
  readonly buffered = 0;
  closedWith: number | undefined;

  constructor(codec: Link["codec"]) {
    this.codec = codec;
  }
  send(data: string | Uint8Array): void {
    const text = typeof data === "string" ? data : JSON.stringify(packr.unpack(data));
    expect(text).not.toContain(MARK);
    this.said.push(JSON.parse(text) as Said);
  }
  pause(): void {}
  resume(): void {}
  close(code: number): void {
    this.closedWith = code;
  }
}

/** A desk with two sessions, each in the seat of a run, and what the first can name. */
class World {
  readonly life = new DeskFixture();
  #mine = "";
  #other = "";
  #session = "";

  static async open(): Promise<World> {
    const world = new World();
    const { life } = world;
    world.#session = (await life.join()).sessionId;
    const other = await life.join();
    const { runId } = await life.launch();
    await life.desk.acquire({ runId, sessionId: other.sessionId, description: MARK });
    world.#other = (await life.stores.operators.requests.list({ of: { runId }, limit: 1 }))[0]!.requestId;
    return world;
  }

  /** Ids that frames are about: one that is open, one of another session, one that is none. */
  get ids(): readonly string[] {
    return [this.#mine, this.#other, `Q-${"0".repeat(32)}`];
  }

  /** A new socket; where the last run was answered, with a new run. */
  async attach(codec: Link["codec"]) {
    const { requests } = this.life.stores.operators;
    if ((await requests.get(this.#mine))?.state !== "open") {
      const { runId } = await this.life.launch();
      await this.life.desk.acquire({ runId, sessionId: this.#session, description: "to work" });
      this.#mine = (await requests.list({ of: { runId }, limit: 1 }))[0]!.requestId;
    }
    const link = new FuzzLink(codec);
    return { link, connection: await this.life.desk.connect(this.#session, link) };
  }
}

/** Frames as they should be, about the ids of a world. */
const frame = fc
  .tuple(fc.nat(8), fc.nat(2), fc.nat(60))
  .map(([form, about, number]) => (ids: readonly string[], at: number): object => {
    const id = ids[about]!;
    // Most in order, for else nothing that follows is looked at.
    const n = number < 50 ? at : number;
    return [
      { type: "ack", n, id },
      { type: "ack", n, id, note: "mine" },
      { type: "halt", n, id, value: { a: 1 }, reason: "enough" },
      { type: "error", n, id, message: "no" },
      { type: "answer", n, id, value: "x" },
      { type: "hook", n, id, ok: true },
      { type: "seen", n, seq: n },
      { type: "pong", n },
      { type: "spawn", n, id },
    ][form]!;
  });

const jsonMessage = fc.tuple(frame, spoiling).map(
  ([sound, how]) =>
    (ids: readonly string[], at: number) =>
      spoilt(JSON.stringify(sound(ids, at)), how),
);
const packedMessage = fc.tuple(frame, spoilingBytes).map(
  ([sound, how]) =>
    (ids: readonly string[], at: number) =>
      spoiltBytes(packr.pack(sound(ids, at)), how),
);

const fed: (readonly [string, number, Map<string, number>])[] = [];
afterAll(() => {
  for (const [what, count, outcomes] of fed) report(what, count, outcomes);
});

describe.each([
  ["json", jsonMessage, CASES.jsonFrames],
  ["msgpack", packedMessage, CASES.packedFrames],
] as const)(
  "frames in %s",
  (codec, message: fc.Arbitrary<(ids: readonly string[], at: number) => string | Uint8Array>, cases) => {
    it(`are answered, ${cases} of them, and the desk goes on`, { timeout: PATIENCE }, async () => {
      const world = await World.open();
      const outcomes = new Map<string, number>();
      const messages = fc.array(message, { minLength: TOGETHER, maxLength: TOGETHER });
      let count = 0;
      let before = 0;
      await fc.assert(
        fc.asyncProperty(messages, async (batch) => {
          const { link, connection } = await world.attach(codec);
          await world.life.settle();
          const greeted = link.said.length;
          for (const [at, each] of batch.entries()) connection.receive(each(world.ids, at));
          await world.life.settle();
          count += batch.length;
          const answers = link.said.slice(greeted).filter(({ type }) => type === "done" || type === "refused");
          expect(answers.length).toBeLessThanOrEqual(batch.length);
          for (const { type, code } of link.said) {
            expect(ANSWERS).toContain(type);
            if (code !== undefined) expect(CODES).toContain(code);
            if (type === "done" || type === "refused") tally(outcomes, code ?? type);
          }
          expect([undefined, 1008]).toContain(link.closedWith);
          if (link.closedWith !== undefined) tally(outcomes, "closed");
          expect(world.life.defects).toEqual([]);
          connection.gone();
          if (count === cases / 10) before = await heldMemory();
        }),
        { numRuns: cases / TOGETHER },
      );
      fed.push([`frames in ${codec}`, count, outcomes]);
      expect(count).toBe(cases);
      // Something got through, and something did not: else nothing was tried.
      expect(Math.min(outcomes.get("done") ?? 0, outcomes.get("frame_invalid") ?? 0)).toBeGreaterThan(cases / 1000);
      // What runs leave behind is theirs; the frames themselves leave nothing.
      expect((await heldMemory()) - before).toBeLessThan(64 * 1024 * 1024);
      expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
      const { link, connection } = await world.attach(codec);
      await world.life.settle();
      const sound = { type: "ack", n: 1, id: world.ids[0] };
      connection.receive(codec === "json" ? JSON.stringify(sound) : packr.pack(sound));
      await world.life.settle();
      expect(link.said.at(-1)).toMatchObject({ type: "done", re: 1 });
      await world.life.stop();
    });
  },
);
