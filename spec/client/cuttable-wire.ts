/** A wire to a server that a test can cut: a TCP relay with a port of its own. */
import { connect, createServer, type Server, type Socket } from "node:net";

/** Relays to one port of this machine until it is cut. */
export class CuttableWire implements AsyncDisposable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** The port relayed to; 0: nobody is let through. */
  #target: number;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
  }

  static async to(url: string): Promise<CuttableWire> {
    const server = createServer();
    const wire = new CuttableWire(server, Number(new URL(url).port));
    server.on("connection", (near) => wire.#relay(near));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }

  /** Drops every connection and lets none through until `mend`. */
  cut(): void {
    this.#target = 0;
    for (const socket of this.#open) socket.destroy();
  }

  mend(url: string): void {
    this.#target = Number(new URL(url).port);
  }

  #relay(near: Socket): void {
    near.on("error", () => {});
    if (this.#target === 0) {
      near.destroy();
      return;
    }
    const far = connect(this.#target, "127.0.0.1");
    far.on("error", () => near.destroy());
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(socket);
      socket.on("close", () => {
        this.#open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
