/** A TCP connection that says what it is told to, byte by byte, and keeps what comes back. */
import { connect, type Socket } from "node:net";

/** One connection. */
export class RawSocket implements Disposable {
  readonly socket: Socket;
  /** All that came back, once the other side has closed it. */
  readonly ended: Promise<string>;
  #text = "";
  #arrival = Promise.withResolvers<void>();

  private constructor(socket: Socket, goesOn: boolean) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      this.#text += chunk;
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
    });
    let talk: NodeJS.Timeout | undefined;
    if (goesOn) {
      socket.on("end", () => {
        talk = setInterval(() => socket.write("x"), 10);
      });
    }
    socket.on("close", () => clearInterval(talk));
    this.ended = new Promise((resolve) => socket.on("close", () => resolve(this.#text)));
  }

  /**
   * Connects. `allowHalfOpen`: does not close because the other side does, but goes on talking, until there is nobody there
   * at all to hear it.
   */
  static open(url: string, { allowHalfOpen = false } = {}): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
    return new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(new RawSocket(socket, allowHalfOpen)));
      socket.once("error", reject);
    });
  }

  /** Sends texts, one after the other. */
  say(...texts: readonly string[]): this {
    this.socket.write(texts.join(""), "latin1");
    return this;
  }

  /** Waits until what came back holds a text; gives all of it. */
  async until(text: string): Promise<string> {
    while (!this.#text.includes(text)) {
      const arrival = this.#arrival.promise;
      const end = await Promise.race([arrival, this.ended]);
      if (end !== undefined && !end.includes(text)) throw new Error(`closed after ${JSON.stringify(end)}`);
    }
    return this.#text;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** The head of a request, with its empty line. */
export function head(line: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = { host: "127.0.0.1", ...headers };
  return [line, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
}

/** Statuses of all answers in what came back. */
export function statuses(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 ([0-9]{3}) /gu)].map(([, status]) => Number(status));
}
