/**
 * Ten thousand sockets on a real `serve`, and more than it takes: those within its bound go on, one more is told so.
 *
 * A machine that lets a process open fewer files is asked for as many as it permits; how many that were is printed.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mostConnections } from "../../src/server/connections.ts";
import { temporaryDirectory } from "../cli/temporary.ts";
import { TestClient } from "../operators/test-client.ts";
import { head, RawSocket, statuses } from "../server/raw-socket.ts";
import { start } from "./cli-process.ts";

/** What the host's bound is here: it and this process may open as many files as one another. */
const BOUND = mostConnections();
const WANTED = 10_000;
/** Sockets opened at the same time: what a machine lets wait to be accepted. */
const AT_ONCE = 200;

let told = "";
afterAll(() => process.stdout.write(told));

async function open(url: string, count: number): Promise<readonly RawSocket[]> {
  const sockets: RawSocket[] = [];
  while (sockets.length < count) {
    const next = Math.min(AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: next }, () => RawSocket.open(url)))));
  }
  return sockets;
}

describe("ten thousand sockets", () => {
  it("that say nothing leave an operator at its work, and those beyond the bound are told so", {
    timeout: 300_000,
  }, async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const running = start(["serve", "--port", "0", "--data-dir", dataDir]);
    const url = /ready on (\S+)/u.exec(await running.said(/ready on /u))?.[1] ?? "";
    const authorization = `Bearer ${(await readFile(join(dataDir, "swarm-host.token"), "utf8")).trim()}`;
    const post = { method: "POST", headers: { authorization, "content-type": "application/json" } };
    const response = await fetch(`${url}/v1/operators`, { ...post, body: JSON.stringify({ description: "at work" }) });
    const { session_id: session, secret } = (await response.json()) as { session_id: string; secret: string };
    const client = await TestClient.open(url, session, secret);

    const asked = Math.min(WANTED, BOUND - 20);
    const idle = await open(url, asked);
    told = `sockets: ${idle.length} held at once; the bound here is ${BOUND}\n`;
    const answer = await client.ask({ type: "ack", id: "Q-none" });
    expect(answer).toMatchObject({ type: "refused", code: "request_unknown" });
    const ready = head("GET /v1/ready HTTP/1.1", { authorization, connection: "close" });
    using within = await RawSocket.open(url);
    expect(statuses(await within.say(ready).ended)).toEqual([200]);

    // The first of the idle may have been closed for their silence by now: as many as make the bound, and some more.
    const more = await open(url, BOUND - asked + 50);
    const answers = await Promise.all(more.slice(-20).map((socket) => socket.say(ready).ended));
    const found = new Set(answers.flatMap(statuses));
    for (const status of found) expect([200, 503]).toContain(status);
    expect(await client.ask({ type: "ack", id: "Q-none" })).toMatchObject({ type: "refused" });
    for (const socket of [...idle, ...more]) socket[Symbol.dispose]();
    await Promise.all([...idle, ...more].map(({ ended }) => ended));
    using after = await RawSocket.open(url);
    expect(statuses(await after.say(ready).ended)).toEqual([200]);
    client.drop();
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
  });
});
