/**
 * The clients of the operator benchmarks, in a process of their own: what they cost is not the host's.
 *
 * One order at a time comes over IPC and is answered with what it took. Frames are JSON, and HTTP is spoken by hand over
 * sockets that stay open: a client that costs little leaves the machine to the host.
 */
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";

/** What the clients are told to do. */
export type ClientOrder =
  /** Opens a socket for each session; answered when all are greeted. */
  | { readonly do: "attach"; readonly url: string; readonly sessions: readonly SessionKey[] }
  /** Takes requests in until so many have come. */
  | { readonly do: "drain"; readonly count: number }
  /** Every session acknowledges its first request so often, with so many acks under way. */
  | { readonly do: "ack"; readonly times: number; readonly window: number }
  /** Fetches and submits every request that was taken in, so many at once, showing its token. */
  | { readonly do: "work"; readonly url: string; readonly connections: number }
  /** Makes as many requests to a server that does nothing. */
  | { readonly do: "floor"; readonly url: string; readonly connections: number; readonly pairs: number };

/** A session to attach as. */
export interface SessionKey {
  readonly sessionId: string;
  readonly secret: string;
}

/** What it took, and for acks the median of each from there to its `done`. Milliseconds. */
export interface ClientAnswer {
  readonly ms: number;
  readonly medianMs?: number;
}

interface Request {
  readonly id: string;
  readonly token: string;
}

const sessions: Session[] = [];

/** One session's socket. */
class Session {
  readonly requests = new Map<string, Request>();
  readonly #socket: WebSocket;
  readonly #acks = new Map<number, { readonly at: number; readonly done: () => void }>();
  readonly times: number[] = [];
  onRequest = (): void => {};
  #n = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static open(url: string, { sessionId, secret }: SessionKey): Promise<Session> {
    const socket = new WebSocket(
      `${url.replace("http", "ws")}/v1/operators/${sessionId}/socket`,
      ["swarm-host.v1+json"],
      { headers: { authorization: `Bearer ${secret}` }, perMessageDeflate: false },
    );
    const session = new Session(socket);
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("message", (data) => {
        const frame = JSON.parse(String(data)) as { readonly type: string; readonly seq: number; readonly re: number };
        if (frame.type === "hello") resolve(session);
        else session.#take(frame);
      });
    });
  }

  #take(frame: { readonly type: string; readonly seq: number; readonly re: number; readonly request?: Request }): void {
    if (frame.type === "request" && frame.request !== undefined) {
      this.requests.set(frame.request.id, frame.request);
      if (this.requests.size % 16 === 0) this.#send({ type: "seen", seq: frame.seq });
      this.onRequest();
    } else if (frame.type === "done") {
      const ack = this.#acks.get(frame.re);
      this.#acks.delete(frame.re);
      if (ack !== undefined) this.times.push(performance.now() - ack.at);
      ack?.done();
    } else if (frame.type === "refused") throw new Error(`refused: ${JSON.stringify(frame)}`);
  }

  ack(id: string): Promise<void> {
    return new Promise((done) => {
      this.#acks.set(this.#send({ type: "ack", id }), { at: performance.now(), done });
    });
  }

  #send(frame: object): number {
    this.#n += 1;
    this.#socket.send(JSON.stringify({ ...frame, n: this.#n }));
    return this.#n;
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** An open connection that makes one request after another. */
class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #text = "";
  #answered: (status: number) => void = () => {};

  constructor(url: string) {
    const { hostname, port, host } = new URL(url);
    this.#host = host;
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (chunk: string) => {
      this.#text += chunk;
      const end = this.#text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/iu.exec(this.#text.slice(0, end))?.[1] ?? 0);
      if (this.#text.length < end + 4 + length) return;
      const status = Number(this.#text.slice(9, 12));
      this.#text = this.#text.slice(end + 4 + length);
      this.#answered(status);
    });
  }

  ask(method: string, path: string, token: string, body = ""): Promise<number> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nauthorization: Bearer ${token}\r\n` +
          `${body === "" ? "" : `content-length: ${body.length}\r\n`}\r\n${body}`,
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function pairs(url: string, connections: number, tokens: readonly string[]): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    const connection = new HttpConnection(url);
    for (let token = tokens[next++]; token !== undefined; token = tokens[next++]) {
      const fetched = await connection.ask("GET", "/v1/worker/prompt", token);
      const submitted = await connection.ask("POST", "/v1/worker/submit", token, "done");
      if (fetched !== 200 || submitted !== 204) throw new Error(`answered ${fetched} and ${submitted}`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, work));
}

async function carryOut(order: ClientOrder): Promise<number | undefined> {
  switch (order.do) {
    case "attach": {
      for (const session of sessions.splice(0)) session.close();
      const { url } = order;
      sessions.push(...(await Promise.all(order.sessions.map((key) => Session.open(url, key)))));
      return undefined;
    }
    case "drain": {
      const count = (): number => sessions.reduce((sum, { requests }) => sum + requests.size, 0);
      const all = Promise.withResolvers<void>();
      const look = (): void => void (count() >= order.count && all.resolve());
      for (const session of sessions) session.onRequest = look;
      look();
      await all.promise;
      return undefined;
    }
    case "ack": {
      const { times, window } = order;
      const each = async (session: Session): Promise<void> => {
        const [{ id } = { id: "" }] = session.requests.values();
        let left = times;
        const one = async (): Promise<void> => {
          while (left-- > 0) await session.ack(id);
        };
        session.times.length = 0;
        await Promise.all(Array.from({ length: window }, one));
      };
      await Promise.all(sessions.map(each));
      const all = sessions.flatMap((session) => session.times).sort((a, b) => a - b);
      return all[Math.floor(all.length / 2)];
    }
    case "work": {
      const tokens = sessions.flatMap((session) => [...session.requests.values()].map(({ token }) => token));
      for (const session of sessions) session.requests.clear();
      await pairs(order.url, order.connections, tokens);
      return undefined;
    }
    case "floor":
      await pairs(order.url, order.connections, new Array(order.pairs).fill("x".repeat(440)));
      return undefined;
  }
}

process.on("message", (order: ClientOrder) => {
  const begin = performance.now();
  carryOut(order).then(
    (median) => {
      const answer: ClientAnswer = {
        ms: performance.now() - begin,
        ...(median === undefined ? {} : { medianMs: median }),
      };
      process.send?.(answer);
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
