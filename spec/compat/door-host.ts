/** A host over SQLite behind its native port and the compatibility door, that can be stopped and started over the same data. */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError, type Host, openHost } from "../../src/host.ts";
import { openDoor } from "../../src/server/compat/index.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";
import { ReferenceClient } from "./reference-client.ts";

/** The credential of every host here. */
export const CREDENTIAL: string = "c".repeat(64);

/** Started by `start`, stopped by `stop`, over one directory. */
export class DoorHost implements AsyncDisposable {
  readonly client: ReferenceClient = new ReferenceClient(() => this.url);
  /** The same wire format, at the native port. */
  readonly native: ReferenceClient = new ReferenceClient(() => this.#server!.url);
  readonly defects: unknown[] = [];
  readonly #dataDir = mkdtempSync(join(tmpdir(), "swarm-host-compat-"));
  #host: Host | undefined;
  #server: HttpServer | undefined;
  #door: HttpServer | undefined;

  static async start(): Promise<DoorHost> {
    const served = new DoorHost();
    await served.start();
    return served;
  }

  get host(): Host {
    return this.#host!;
  }

  /** Where the door is. */
  get url(): string {
    return this.#door!.url;
  }

  async start(): Promise<void> {
    const onDefect = (error: unknown): void => void this.defects.push(error);
    const address = { hostname: "127.0.0.1", port: 0 };
    this.#server = await listen(address, onDefect);
    this.#door = await openDoor(address, onDefect);
    this.#host = await openHost({ data: { kind: "directory", path: this.#dataDir, durability: "relaxed" }, onDefect });
    await this.#host.recover();
    this.#server.ready({ host: this.#host, credential: CREDENTIAL });
    this.#door.ready({ host: this.#host, credential: CREDENTIAL });
  }

  async stop(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]();
    await this.#door?.[Symbol.asyncDispose]();
    await this.#server?.[Symbol.asyncDispose]();
    this.#host = undefined;
    this.#door = undefined;
    this.#server = undefined;
  }

  /** Makes a Blueprint known, as its owner does: by a run of it, which is cancelled if it needs to be. */
  async publish(document: object): Promise<void> {
    const compiled = await this.host.workshop.compile(JSON.parse(JSON.stringify(document)));
    const { runId } = await this.host.launch(compiled);
    try {
      await this.host.cancel(runId, { reason: "only to be known", by: "spec" });
    } catch (error) {
      if (!(error instanceof EngineError && error.code === "run_ended")) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
