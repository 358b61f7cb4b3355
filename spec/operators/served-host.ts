/** A host over SQLite behind a real port, that can be stopped and started again over the same data. */

import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, type OperatorSession, openHost, type RunHandle } from "../../src/host.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";
import { TestClient } from "./test-client.ts";

/** The credential of every served host. */
export const CREDENTIAL: string = "c".repeat(64);

/** A Blueprint of one operator step, or of `lanes` at once. */
export function operatorBlueprint(over: { readonly lanes?: number; readonly spec?: object } = {}) {
  const step = { kind: "step", ref: "writer", in: { op: "path", at: "$.item" }, out: { op: "path", at: "$.said" } };
  const lanes = {
    kind: "fanout",
    items: { op: "lit", value: Array.from({ length: over.lanes ?? 1 }, (_, index) => index) },
    bind: { op: "path", at: "$.item" },
    body: step,
    join: "all",
    out: { op: "path", at: "$.all" },
  };
  return {
    schema_version: "0.1.0",
    id: "errand",
    operators: [{ name: "main" }],
    agents: [
      {
        name: "writer",
        kind: "operator",
        spec: { operator_ref: "main" },
        profile: { system_prompt: "You write." },
        runner: { backend: "ws_operator", variant: "coder", tools: ["Read"] },
        ...over.spec,
      },
    ],
    flow: over.lanes === undefined ? step : lanes,
    default_init_ctx: { item: "write it" },
  };
}

/** A joined session with its secret. */
export interface Joined {
  readonly session: OperatorSession;
  readonly secret: string;
}

/** Started by `start`, stopped by `stop`, over one directory. */
export class ServedHost implements AsyncDisposable {
  readonly dataDir = mkdtempSync(join(tmpdir(), "swarm-host-operators-"));
  readonly defects: unknown[] = [];
  #host: Host | undefined;
  #server: HttpServer | undefined;

  static async start(): Promise<ServedHost> {
    const served = new ServedHost();
    await served.start();
    return served;
  }

  get host(): Host {
    return this.#host!;
  }

  get url(): string {
    return this.#server!.url;
  }

  async start(): Promise<void> {
    const onDefect = (error: unknown): void => void this.defects.push(error);
    this.#server = await listen({ hostname: "127.0.0.1", port: 0 }, onDefect);
    this.#host = await openHost({ data: { kind: "directory", path: this.dataDir, durability: "relaxed" }, onDefect });
    await this.#host.recover();
    this.#server.ready({ host: this.#host, credential: CREDENTIAL });
  }

  async stop(): Promise<void> {
    await this.#host?.[Symbol.asyncDispose]();
    await this.#server?.[Symbol.asyncDispose]();
    this.#host = undefined;
    this.#server = undefined;
  }

  join(description = "someone"): Promise<Joined> {
    return this.host.operators.join({ description });
  }

  attach({ session, secret }: Joined, options?: Parameters<typeof TestClient.open>[3]): Promise<TestClient> {
    return TestClient.open(this.url, session.sessionId, secret, options);
  }

  async launch(document: object = operatorBlueprint(), seated?: Joined): Promise<RunHandle> {
    const compiled = await this.host.workshop.compile(JSON.parse(JSON.stringify(document)));
    const seats = seated && { main: { sessionId: seated.session.sessionId, description: "to work" } };
    return this.host.launch(compiled, seats === undefined ? {} : { seats });
  }

  seat(runId: string, { session }: Joined) {
    return this.host.operators.acquire({ runId, sessionId: session.sessionId, description: "to work" });
  }

  /** Asks over HTTP. */
  async ask(path: string, init: { method?: string; body?: unknown; bearer?: string } = {}) {
    const { method, body, bearer = CREDENTIAL } = init;
    const response = await fetch(`${this.url}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
