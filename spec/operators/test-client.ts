/** A client of the operator protocol for tests: every frame in order, and nothing done by itself. */
import { Packr } from "msgpackr";
import { WebSocket } from "ws";

/** A frame, as loosely as tests read it. */
export interface Frame {
  readonly type: string;
  readonly seq: number;
  readonly request: {
    readonly id: string;
    readonly kind: string;
    readonly run: string;
    readonly step: string;
    readonly generation: number;
    readonly delivery: number;
    readonly directive: unknown;
    readonly handle: string;
    readonly token: string;
  };
  readonly id: string;
  readonly reason: string;
  readonly re: number | null;
  readonly code: string;
}

const packr = new Packr({ useRecords: false });

/** One socket. */
export class TestClient {
  readonly socket: WebSocket;
  /** Frames that no `next` has taken. */
  readonly frames: Frame[] = [];
  /** Close code, once it is closed. */
  readonly closed: Promise<number>;
  readonly #packed: boolean;
  #arrival = Promise.withResolvers<void>();
  #n = 0;

  private constructor(socket: WebSocket, packed: boolean) {
    this.socket = socket;
    this.#packed = packed;
    this.closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", () => {});
    socket.on("message", (data: Buffer, isBinary) => {
      this.frames.push((isBinary ? packr.unpack(data) : JSON.parse(data.toString())) as Frame);
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
    });
  }

  /** Attaches; resolves after the hello. Rejects with the status where the host refuses. */
  static async open(
    url: string,
    sessionId: string,
    secret: string,
    { packed = false, headers = { authorization: `Bearer ${secret}` }, protocols = [] as readonly string[] } = {},
  ): Promise<TestClient> {
    const offered = [packed ? "swarm-host.v1+msgpack" : "swarm-host.v1+json", ...protocols];
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/operators/${sessionId}/socket`, offered, { headers });
    const client = new TestClient(socket, packed);
    await new Promise<void>((resolve, reject) => {
      socket.on("open", () => resolve());
      socket.on("unexpected-response", (_request, response) => reject(new Error(`status ${response.statusCode}`)));
      socket.on("close", () => reject(new Error("closed")));
    });
    await client.next("hello");
    return client;
  }

  /** The next frame that is of one of these types; others before it are passed over. */
  async next(...types: readonly string[]): Promise<Frame> {
    for (;;) {
      const arrival = this.#arrival.promise;
      const index = this.frames.findIndex(({ type }) => types.includes(type));
      if (index >= 0) return this.frames.splice(0, index + 1).at(-1)!;
      await Promise.race([
        arrival,
        this.closed.then((code) => {
          throw new Error(`closed (${code}) while waiting for ${types.join(", ")}`);
        }),
      ]);
    }
  }

  /** Sends a frame; gives its n. */
  send(frame: Readonly<Record<string, unknown>>): number {
    this.#n += 1;
    this.sendRaw({ n: this.#n, ...frame });
    return this.#n;
  }

  /** Sends a frame and waits for its answer. */
  async ask(frame: Readonly<Record<string, unknown>>): Promise<Frame> {
    const n = this.send(frame);
    for (;;) {
      const answer = await this.next("done", "refused");
      if (answer.re === n) return answer;
    }
  }

  /** Sends anything, encoded. */
  sendRaw(value: unknown): void {
    this.socket.send(this.#packed ? packr.pack(value) : JSON.stringify(value));
  }

  /** Drops the wire without a word. */
  drop(): void {
    this.socket.terminate();
  }
}
