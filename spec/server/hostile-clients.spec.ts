/** Clients that mean harm or know no better: each costs a bounded amount, and the host goes on. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Host, openHost } from "../../src/host.ts";
import type { ServerLimits } from "../../src/server/bounded-server.ts";
import { mostConnections } from "../../src/server/connections.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";
import { head, RawSocket, statuses } from "./raw-socket.ts";

const CREDENTIAL = "c".repeat(64);
const authorization = `Bearer ${CREDENTIAL}`;

let host: Host;
let server: HttpServer;
const defects: unknown[] = [];

beforeAll(async () => {
  host = await openHost({ data: { kind: "ephemeral" } });
});
afterAll(() => host[Symbol.asyncDispose]());

async function serve(limits: Partial<ServerLimits> = {}): Promise<void> {
  server = await listen({ hostname: "127.0.0.1", port: 0 }, (error) => defects.push(error), limits);
  server.ready({ host, credential: CREDENTIAL });
}

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  expect(defects).toEqual([]);
});

const ready = async (): Promise<number> =>
  (await fetch(`${server.url}/v1/ready`, { headers: { authorization, connection: "close" } })).status;

const upgrade = (path: string, more: Readonly<Record<string, string>> = {}): string =>
  head(`GET ${path} HTTP/1.1`, {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-protocol": "swarm-host.v1+json",
    ...more,
  });

describe("too many connections", () => {
  beforeEach(() => serve({ connections: 8 }));

  it("are told so and closed; the others go on, and one that leaves makes room", async () => {
    const held = await Promise.all(Array.from({ length: 8 }, () => RawSocket.open(server.url)));
    for (const asked of [head("GET /v1/ready HTTP/1.1", { authorization }), upgrade("/v1/operators/S-1/socket")]) {
      using late = await RawSocket.open(server.url);
      const answer = await late.say(asked).ended;
      expect(answer).toContain('"code":"connections_full"');
      expect(statuses(answer)).toEqual([503]);
    }
    const [first, second] = held;
    expect(await first!.say(head("GET /v1/health HTTP/1.1")).until('{"status":"ok"}')).toContain("HTTP/1.1 200");
    second!.say(head("GET /v1/health HTTP/1.1", { connection: "close" }));
    await second!.ended;
    expect(await ready()).toBe(200);
    for (const each of held) each[Symbol.dispose]();
  });

  it("beyond those that are told so are closed without a word", async () => {
    const held = await Promise.all(Array.from({ length: 208 }, () => RawSocket.open(server.url)));
    using late = await RawSocket.open(server.url);
    expect(await late.say(head("GET /v1/health HTTP/1.1")).ended).toBe("");
    for (const each of held) each[Symbol.dispose]();
    await Promise.all(held.map(({ ended }) => ended));
  });

  it.each([
    ["Max open files            1024                 4096                 files     ", 568],
    ["Max open files            20000                20000                files     ", 12_000],
    ["Max open files            100                  100                  files     ", 1],
    ["", 12_000],
    ["Max open files            unlimited            unlimited            files     ", 12_000],
  ])("are as many as the machine permits: %j", (limits, most) => {
    expect(mostConnections(() => limits)).toBe(most);
  });
});

describe("a client that is slow", () => {
  beforeEach(() => serve({ headMs: 100, bodyMs: 100, lingerMs: 100 }));

  it.each([
    ["says nothing", ""],
    ["begins a request and leaves it at that", "GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n"],
    ["begins an upgrade and leaves it at that", upgrade("/v1/operators/S-1/socket").slice(0, -4)],
  ])("and %s is told that it took too long, and closed", async (_what, begun) => {
    using slow = await RawSocket.open(server.url, { allowHalfOpen: true });
    const answer = await slow.say(begun).ended;
    expect(statuses(answer)).toEqual(answer === "" ? [] : [408]);
    expect(await ready()).toBe(200);
  });

  it("with a body is cut off", async () => {
    using slow = await RawSocket.open(server.url);
    const length = { authorization, "content-type": "application/json", "content-length": "100" };
    expect(await slow.say(head("POST /v1/operators HTTP/1.1", length), "{").ended).toBe("");
    expect(await host.operators.sessions({ limit: 1 })).toEqual([]);
  });

  it.each(["/v1/worker/progress", "/v1/archives", "/v1/runs"])(
    "with a body that nobody will read is answered, and closed: %s",
    async (path) => {
      using slow = await RawSocket.open(server.url, { allowHalfOpen: true });
      const chunked = { "transfer-encoding": "chunked", "content-type": "application/json" };
      const answer = await slow.say(head(`POST ${path} HTTP/1.1`, chunked), "1\r\n{\r\n").ended;
      expect(statuses(answer)).toEqual([401]);
    },
  );

  it("to close a refused upgrade is not waited for", async () => {
    using slow = await RawSocket.open(server.url, { allowHalfOpen: true });
    expect(statuses(await slow.say(upgrade("/v1/operators/S-1/socket")).ended)).toEqual([401]);
  });
});

describe("a request by another name, or from another page", () => {
  beforeEach(() => serve());

  const of = (headers: Readonly<Record<string, string>>): readonly string[] => [
    head("GET /v1/ready HTTP/1.1", { authorization, connection: "close", ...headers }),
    head("GET /v1/health HTTP/1.1", { connection: "close", ...headers }),
    upgrade("/v1/operators/S-1/socket", { authorization, ...headers }),
  ];
  const answers = (asked: readonly string[]) =>
    Promise.all(
      asked.map(async (each) => {
        using client = await RawSocket.open(server.url);
        return await client.say(each).ended;
      }),
    );

  it.each([
    { host: "attacker.example" },
    { host: "127.0.0.1.attacker.example:7717" },
    { host: "localhost.attacker.example" },
    { host: "127.0.0.1@attacker.example" },
    { host: "0.0.0.0" },
    { host: "" },
    { origin: "https://attacker.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:1" },
    { origin: "https://127.0.0.1" },
    { host: "localhost", origin: "http://127.0.0.1" },
  ])("is refused, whatever it shows: %j", async (headers) => {
    for (const answer of await answers(of(headers as Record<string, string>))) {
      expect(answer).toContain('"code":"foreign_origin"');
      expect(statuses(answer)).toEqual([403]);
    }
  });

  it.each([{ host: "localhost:1" }, { host: "LOCALHOST" }, { host: "[::1]:7717" }, { origin: "http://127.0.0.1" }])(
    "is let in where both are the host's own: %j",
    async (headers) => {
      const found = (await answers(of(headers as Record<string, string>))).map(statuses);
      expect(found).toEqual([[200], [200], [404]]);
    },
  );
});

describe("a request that two readers would read differently", () => {
  beforeEach(() => serve());

  const inner = head("POST /v1/operators HTTP/1.1", {
    authorization,
    "content-type": "application/json",
    "content-length": "19",
  }).concat('{"description":"x"}');
  const post = (headers: string, body: string): string =>
    `POST /v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n${headers}\r\n\r\n${body}`;

  it.each([
    ["a length and chunks", post("content-length: 6\r\ntransfer-encoding: chunked", `0\r\n\r\n${inner}`)],
    ["two lengths", post("content-length: 2\r\ncontent-length: 3", `{}${inner}`)],
    ["lengths in one line", post("content-length: 2, 3", `{}${inner}`)],
    ["a length with a sign", post("content-length: +2", `{}${inner}`)],
    ["a negative length", post("content-length: -1", inner)],
    ["a length beyond all numbers", post("content-length: 99999999999999999999", inner)],
    ["an encoding that only looks like chunked", post("transfer-encoding: xchunked", `0\r\n\r\n${inner}`)],
    ["chunked, and then something else", post("transfer-encoding: chunked, identity", `0\r\n\r\n${inner}`)],
    ["a space before the colon", post("transfer-encoding : chunked", `0\r\n\r\n${inner}`)],
    ["a folded header", post("x: 1\r\n transfer-encoding: chunked", `0\r\n\r\n${inner}`)],
    ["a NUL in a header", post("x: \0", inner)],
    ["a chunk's size that is none", post("transfer-encoding: chunked", `zz\r\n${inner}`)],
    ["a chunk's size beyond all numbers", post("transfer-encoding: chunked", `fffffffffffffffff\r\n${inner}`)],
    ["no HTTP", `\x16\x03\x01\x02\x00${inner}`],
    ["a head without end", `GET /v1/health HTTP/1.1\r\n${"x: y\r\n".repeat(4_000)}\r\n${inner}`],
    ["a path that is none", `GET /v1/runs/%zz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`],
    [
      "a name without end",
      `GET /v1/runs/${"x".repeat(3_000)} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`,
    ],
  ])("is refused, and nothing is read out of it: %s", async (_what, text) => {
    using client = await RawSocket.open(server.url);
    const answer = await client.say(text).ended;
    const found = statuses(answer);
    expect(found.length).toBeLessThanOrEqual(1);
    for (const status of found) expect([400, 401, 404, 408, 413, 414, 431]).toContain(status);
    if (found.length > 0) expect(answer).toContain("application/problem+json");
    expect(await host.operators.sessions({ limit: 1 })).toEqual([]);
    expect(await ready()).toBe(200);
  });

  it("asks for another protocol, which is not spoken", async () => {
    using client = await RawSocket.open(server.url);
    const h2c = {
      connection: "Upgrade, HTTP2-Settings",
      upgrade: "h2c",
      "http2-settings": "AAMAAABkAAQAAP__",
      authorization,
    };
    const answer = await client.say(head("POST /v1/operators HTTP/1.1", h2c), inner).ended;
    expect(statuses(answer)).toEqual([404]);
    expect(await host.operators.sessions({ limit: 1 })).toEqual([]);
  });
});
