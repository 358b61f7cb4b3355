/**
 * Speaking to the host that owns a data directory.
 *
 * The credential goes only to the process that owns the directory's lock: an endpoint file that a dead host left behind
 * may name a port where a stranger listens by now.
 */
import { open } from "node:fs/promises";
import { ClientError, type HostAddress, HostHttp, type HostRequest } from "../../client/index.ts";
import { isJsonObject, type Json, type JsonObject } from "../../flow/index.ts";
import { directoryOwner } from "../../run-records.ts";
import { type Endpoint, readCredential, readEndpoint } from "../../server/index.ts";

/** A host that answers. */
export class RunningHost {
  /** Where it is, and what it is shown. */
  readonly address: HostAddress;
  readonly #http: HostHttp;

  constructor({ url }: Endpoint, credential: string) {
    this.address = { url, credential };
    this.#http = new HostHttp(this.address);
  }

  /**
   * Asks, and waits for the answer; null where it is empty.
   * @throws ClientError what the host refused, or `host_unreachable`.
   */
  ask(
    method: HostRequest["method"],
    path: string,
    body?: Json,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonObject | null> {
    return this.#answer({ method, path, headers, ...(body === undefined ? {} : { body: { json: body } }) });
  }

  /** Posts a file's lines. Throws as `ask`. */
  async upload(path: string, file: string): Promise<JsonObject | null> {
    const opened = await open(file);
    return this.#answer({ method: "POST", path, body: { stream: opened.createReadStream() } });
  }

  /**
   * Opens a stream of events after an id; undefined where the host cannot be reached.
   * @throws ClientError what the host refused for good.
   */
  async stream(path: string, after: string): Promise<ReadableStream<Uint8Array> | undefined> {
    try {
      return await this.#http.stream({ method: "GET", path, headers: { "last-event-id": after } });
    } catch (error) {
      // Whoever follows tries again.
      if (error instanceof ClientError && (error.retryable || (error.status ?? 0) >= 500)) return undefined;
      throw error;
    }
  }

  async #answer(request: HostRequest): Promise<JsonObject | null> {
    const text = await this.#http.text(request);
    if (text === "") return null;
    const value = parsed(text);
    if (isJsonObject(value)) return value;
    throw new ClientError("answer_invalid", `what answers at ${this.address.url} is no swarm-host`);
  }
}

/** The path of a run, or of something below it. */
export function runPath(runId: string, below = ""): string {
  return `/v1/runs/${encodeURIComponent(runId)}${below}`;
}

/** The host that is running on a directory; undefined where none is, or none that can be spoken to yet. */
export async function findHost(dataDir: string): Promise<RunningHost | undefined> {
  const [endpoint, owner] = await Promise.all([readEndpoint(dataDir), directoryOwner(dataDir)]);
  if (endpoint === undefined || owner !== endpoint.pid) return undefined;
  return new RunningHost(endpoint, await readCredential(dataDir));
}

/** The host to ask where opening the directory failed with `error`: only if that says another process owns it. */
export async function ownerOf(dataDir: string, error: unknown): Promise<RunningHost | undefined> {
  if (!(error instanceof Error && "code" in error && error.code === "store_locked")) return undefined;
  const endpoint = await readEndpoint(dataDir);
  const owner = "details" in error ? (error.details as { readonly pid?: unknown }).pid : undefined;
  if (endpoint === undefined || owner !== endpoint.pid) return undefined;
  return new RunningHost(endpoint, await readCredential(dataDir));
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Not an answer of ours: whoever asked says so.
    return undefined;
  }
}
