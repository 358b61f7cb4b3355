/** Steps of operator agents on a real host, and a worker that speaks to it over HTTP as any program would. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunHandle } from "../../src/host.ts";
import { type Joined, ServedHost } from "../operators/served-host.ts";
import type { Frame, TestClient } from "../operators/test-client.ts";

/** An agent done outside, by the holder of the seat `main`. */
export const outside = (name: string, over: object = {}): object => ({
  name,
  kind: "operator",
  spec: { operator_ref: "main" },
  profile: { system_prompt: `You are ${name}.` },
  runner: { backend: "ws_operator", variant: "coder", tools: [] },
  ...over,
});

/** An agent done at once, in Lua. */
export const lua = (name: string, source: string, over: object = {}): object => ({
  name,
  kind: "lua",
  spec: { source },
  ...over,
});

/** A step of an agent whose answer goes to `$.<agent>`. */
export const step = (ref: string, input: unknown = `do ${ref}`): object => ({
  kind: "step",
  ref,
  in: { op: "lit", value: input },
  out: { op: "path", at: `$.${ref}` },
});

/** A Blueprint whose flow is these steps, one after another. */
export const blueprint = (agents: readonly object[], children: readonly object[]): object => ({
  schema_version: "0.1.0",
  id: "errand",
  operators: [{ name: "main" }],
  agents,
  flow: { kind: "seq", children },
});

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as loosely as a worker in a script does.
  readonly body: any;
}

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream;

/** Whoever does a step: an address and something to show. */
export class OutsideWorker {
  readonly #url: string;
  readonly #bearer: string;

  constructor(url: string, bearer: string) {
    this.#url = url;
    this.#bearer = bearer;
  }

  async ask(method: string, path: string, body?: Body, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#bearer}`, ...headers },
      ...(body === undefined ? {} : { body, duplex: "half" }),
    } as RequestInit);
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  }

  prompt(query = ""): Promise<Answer> {
    return this.ask("GET", `/v1/worker/prompt${query}`);
  }

  submit(text: Body, query = ""): Promise<Answer> {
    return this.ask("POST", `/v1/worker/submit${query}`, text);
  }

  artifact(name: string, text: Body): Promise<Answer> {
    return this.ask("POST", `/v1/worker/artifact?name=${encodeURIComponent(name)}`, text);
  }

  post(route: string, body: unknown): Promise<Answer> {
    return this.ask("POST", `/v1/worker/${route}`, JSON.stringify(body), { "content-type": "application/json" });
  }
}

/** A served host with an operator in its seat, and a directory to work in. */
export class Errand implements AsyncDisposable {
  readonly served: ServedHost;
  readonly joined: Joined;
  readonly workDir: string;
  client: TestClient;

  private constructor(served: ServedHost, joined: Joined, client: TestClient, workDir: string) {
    this.served = served;
    this.joined = joined;
    this.client = client;
    this.workDir = workDir;
  }

  static async start(): Promise<Errand> {
    const served = await ServedHost.start();
    const joined = await served.join();
    const workDir = await realpath(await mkdtemp(join(tmpdir(), "swarm-host-errand-")));
    return new Errand(served, joined, await served.attach(joined), workDir);
  }

  /** Launches with this session in the seat. */
  async launch(document: object, options: { readonly inDirectory?: boolean } = {}): Promise<RunHandle> {
    const { host } = this.served;
    const compiled = await host.workshop.compile(JSON.parse(JSON.stringify(document)));
    return host.launch(compiled, {
      seats: { main: { sessionId: this.joined.session.sessionId, description: "to work" } },
      ...(options.inDirectory === true ? { taskInput: { work_dir: this.workDir } } : {}),
    });
  }

  /** The next request of a run that goes out, and a worker for it that shows its handle. */
  async next({ runId }: RunHandle): Promise<{ readonly request: Frame["request"]; readonly worker: OutsideWorker }> {
    for (;;) {
      const { request, seq } = await this.client.next("request");
      this.client.send({ type: "seen", seq });
      if (request.run === runId) return { request, worker: this.worker(request.handle) };
    }
  }

  worker(bearer: string): OutsideWorker {
    return new OutsideWorker(this.served.url, bearer);
  }

  /** Launches one step of an agent and takes it. */
  async step(agent: object, options: { readonly inDirectory?: boolean } = {}) {
    const { name } = agent as { readonly name: string };
    const run = await this.launch(blueprint([agent], [step(name)]), options);
    return { run, ...(await this.next(run)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.served[Symbol.asyncDispose]();
    await rm(this.workDir, { recursive: true, force: true });
  }
}
