/** Knows when processes die: they connect to it, and a connection closes when its process is dead, however it died. */
import { createServer, type Server, type Socket } from "node:net";

/** A death to wait for, in an object so that waiting for the process does not wait for its death. */
export interface Seen {
  readonly gone: Promise<void>;
}

export class Witness {
  readonly #server: Server;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: ((seen: Seen) => void)[] = [];
  readonly #early: Seen[] = [];

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
    server.on("connection", (socket) => this.#welcome(socket));
  }

  /** Listens on a socket file. */
  static async listen(path: string): Promise<Witness> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    return new Witness(server, path);
  }

  /** A Node script, without double quotes, that connects and then lives until it is killed or the witness closes. */
  get script(): string {
    return `require('net').connect('${this.#path}').on('error',()=>{}).on('close',()=>process.exit()).resume()`;
  }

  /** Waits for the next process. */
  next(): Promise<Seen> {
    const early = this.#early.shift();
    if (early !== undefined) return Promise.resolve(early);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Ends whoever is still connected. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resume();
    const gone = new Promise<void>((resolve) => {
      socket.once("close", () => {
        this.#sockets.delete(socket);
        resolve();
      });
    });
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#early.push({ gone });
    else waiting({ gone });
  }
}
