/**
 * Operators and the workers of their steps: a real host over SQLite with `synchronous=FULL`, behind a real port, and
 * clients in another process (operator-clients.ts).
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Host, openHost } from "../../src/host.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";
import { operatorBlueprint } from "../operators/served-host.ts";
import type { Floors } from "./floors.ts";
import type { ClientAnswer, ClientOrder, SessionKey } from "./operator-clients.ts";
import { cost, type Row, rate } from "./row.ts";

const LANES = 100;
/** Workers at once: as many as keep the host busy while it waits for the disk. */
const CONNECTIONS = 200;
const PAIRS = 3_000;
const ROUND_TRIPS = 2_000;
const SESSIONS = 100;
const ACKS = 200;
const MANY_SESSIONS = 1_000;
const PARKED = 10_000;
/** Rounds that are thrown away: V8 still compiles what they run. */
const WARM_UPS = 4;
const ROUNDS = 5;

/** Rows about operators. */
export async function* operatorRows({ appendMs }: Floors): AsyncIterable<Row> {
  yield* workers();
  yield* frames(appendMs);
  yield* sessionMemory();
  yield* parked();
}

async function* workers(): AsyncIterable<Row> {
  await using bench = await Bench.open();
  const session = await bench.join();
  const each = await median(async () => {
    await bench.clients.ask({ do: "attach", url: bench.url, sessions: [session] });
    await bench.launch(PAIRS / LANES, [session]);
    await bench.clients.ask({ do: "drain", count: PAIRS });
    return bench.measured({ do: "work", url: bench.url, connections: CONNECTIONS });
  });
  const floor = await emptyServer(bench);
  const scenario = "worker fetches and submits";
  const configuration = `${CONNECTIONS} connections, SQLite`;
  yield rate(scenario, configuration, perSecond(PAIRS, each.ms), "pairs/s", perSecond(PAIRS, floor.ms));
  // Of all threads of the host: what others do on the machine weighs less in it.
  yield cost(scenario, "the host's processor time", each.cpuMs / PAIRS, "ms/pair", floor.cpuMs / PAIRS);
}

async function* frames(appendMs: number): AsyncIterable<Row> {
  await using bench = await Bench.open();
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => bench.join()));
  const [first] = sessions as [SessionKey];
  await bench.launch(SESSIONS, sessions, 1);
  const acknowledge = async (who: readonly SessionKey[], times: number, window: number): Promise<ClientAnswer> => {
    await bench.clients.ask({ do: "attach", url: bench.url, sessions: who });
    await bench.clients.ask({ do: "drain", count: who.length });
    // The first of them warm up what both sides run.
    await bench.clients.ask({ do: "ack", times: Math.ceil(times / 4), window });
    return bench.clients.ask({ do: "ack", times, window });
  };
  const { medianMs = 0 } = await acknowledge([first], ROUND_TRIPS, 1);
  yield cost("operator round trip, median", "ack to its durable done", medianMs, "ms", appendMs);
  const { ms } = await acknowledge(sessions, ACKS, 8);
  yield rate("acks answered", `${SESSIONS} sessions, SQLite`, perSecond(SESSIONS * ACKS, ms), "frames/s");
}

async function* sessionMemory(): AsyncIterable<Row> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  await using bench = await Bench.open();
  const join = async (count: number): Promise<readonly SessionKey[]> => {
    const sessions: SessionKey[] = [];
    for (let index = 0; index < count; index += 1) sessions.push(await bench.join());
    return sessions;
  };
  // What the first sockets make the host load is not theirs.
  const first = await join(10);
  await bench.clients.ask({ do: "attach", url: bench.url, sessions: first });
  collect();
  const before = held();
  const many = await join(MANY_SESSIONS);
  await bench.clients.ask({ do: "attach", url: bench.url, sessions: many });
  collect();
  const mib = (held() - before) / 1024 / 1024;
  yield cost("memory of operator sessions", `${MANY_SESSIONS} attached, heap and buffers`, mib, "MiB");
}

/** Heap and buffers. What is resident would say less: what earlier rows have given back stays so. */
function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** From the opening of the host to the moment every request has been handed out again over a new socket. */
async function* parked(): AsyncIterable<Row> {
  await using bench = await Bench.open();
  const session = await bench.join();
  await bench.launch(PARKED / LANES, [session]);
  await bench.close();
  const begin = performance.now();
  await bench.open();
  yield cost("restart, 10000 parked requests", "open to ready", performance.now() - begin, "ms");
  await bench.clients.ask({ do: "attach", url: bench.url, sessions: [session] });
  await bench.clients.ask({ do: "drain", count: PARKED });
  yield cost("restart, 10000 parked requests", "open to all handed out again", performance.now() - begin, "ms");
}

/** How long something took, and what of this process's time it took. */
interface Measured {
  readonly ms: number;
  readonly cpuMs: number;
}

/** A host with its server, and the clients. */
class Bench implements AsyncDisposable {
  readonly clients: Clients;
  readonly #directory: string;
  #host: Host | undefined;
  #server: HttpServer | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.clients = new Clients();
  }

  static async open(): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), "swarm-host-bench-")));
    await bench.open();
    return bench;
  }

  get url(): string {
    return this.#server!.url;
  }

  async open(): Promise<void> {
    const onDefect = (error: unknown): void => console.error(error);
    this.#server = await listen({ hostname: "127.0.0.1", port: 0 }, onDefect);
    this.#host = await openHost({ data: { kind: "directory", path: join(this.#directory, "data") }, onDefect });
    await this.#host.recover();
    this.#server.ready({ host: this.#host, credential: "c".repeat(64) });
  }

  async close(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]();
    await this.#server?.[Symbol.asyncDispose]();
  }

  async join(): Promise<SessionKey> {
    const { session, secret } = await this.#host!.operators.join({ description: "a client" });
    return { sessionId: session.sessionId, secret };
  }

  /** Launches runs of so many steps at once, the seats of which the sessions hold by turns; resolves when all are parked. */
  async launch(runs: number, sessions: readonly SessionKey[], lanes = LANES): Promise<void> {
    const host = this.#host!;
    const compiled = await host.workshop.compile(JSON.parse(JSON.stringify(operatorBlueprint({ lanes }))));
    let left = runs;
    const all = Promise.withResolvers<void>();
    for (let run = 0; run < runs; run += 1) {
      const { sessionId } = sessions[run % sessions.length]!;
      const handle = await host.launch(compiled, {
        seats: { main: { sessionId, description: "to work" } },
        observer: ({ type }) => {
          if (type === "run_parked" && --left === 0) all.resolve();
        },
      });
      // Ends with the host, or with the last answer.
      handle.result.catch(() => {});
    }
    await all.promise;
  }

  /** Has an order carried out; how long that took, and what this process spent on it. */
  async measured(order: ClientOrder): Promise<Measured> {
    const before = process.cpuUsage();
    const { ms } = await this.clients.ask(order);
    const { user, system } = process.cpuUsage(before);
    return { ms, cpuMs: (user + system) / 1000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.clients[Symbol.dispose]();
    await this.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** The process of the clients. */
class Clients implements Disposable {
  readonly #process: ChildProcess = fork(fileURLToPath(new URL("operator-clients.ts", import.meta.url)));

  ask(order: ClientOrder): Promise<ClientAnswer> {
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error("the benchmark's clients have ended"));
      this.#process.once("exit", lost);
      this.#process.once("message", (answer) => {
        this.#process.off("exit", lost);
        resolve(answer as ClientAnswer);
      });
      this.#process.send(order);
    });
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}

/** The same pairs against a server that reads the request and answers. */
async function emptyServer(bench: Bench): Promise<Measured> {
  const server = createServer((request, response) => {
    const status = request.method === "GET" ? 200 : 204;
    request.resume().on("end", () => response.writeHead(status, { "content-length": 0 }).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  const order = { do: "floor", url: `http://127.0.0.1:${port}`, connections: CONNECTIONS, pairs: PAIRS } as const;
  const measured = await median(() => bench.measured(order));
  server.closeAllConnections();
  server.close();
  return measured;
}

/** The median of ROUNDS rounds by their time. */
async function median(measure: () => Promise<Measured>): Promise<Measured> {
  for (let round = 0; round < WARM_UPS; round += 1) await measure();
  const rounds: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure());
  return rounds.sort((a, b) => a.ms - b.ms)[Math.floor(rounds.length / 2)] ?? { ms: 0, cpuMs: 0 };
}

function perSecond(count: number, ms: number): number {
  return (count * 1000) / ms;
}
