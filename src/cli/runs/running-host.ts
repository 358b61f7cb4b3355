/**
 * Speaking to the host that owns a data directory.
 *
 * The credential goes only to the process that owns the directory's lock: an endpoint file that a dead host left behind
 * may name a port where a stranger listens by now.
 */
import { openAsBlob } from "node:fs";
import type { HostAddress } from "../../client/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import { directoryOwner } from "../../run-records.ts";
import { type Endpoint, readCredential, readEndpoint } from "../../server/index.ts";

const JSON_TYPE = { "content-type": "application/json" };
const LINES_TYPE = { "content-type": "application/x-ndjson" };

interface Sent {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Blob;
}

/** What the host refused; `code` is that of the layer that raised it there. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly code: string;

  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** A host that answers. */
export class RunningHost {
  readonly #url: string;
  readonly #credential: string;

  constructor({ url }: Endpoint, credential: string) {
    this.#url = url;
    this.#credential = credential;
  }

  /** Where it is, and what it is shown. */
  get address(): HostAddress {
    return { url: this.#url, credential: this.#credential };
  }

  /**
   * Asks, and waits for the answer; null where it is empty.
   * @throws RemoteError what the host refused, or `host_unreachable`.
   */
  ask(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: Json,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<JsonObject | null> {
    if (body === undefined) return this.#send(path, { method, headers });
    return this.#send(path, { method, headers: { ...headers, ...JSON_TYPE }, body: JSON.stringify(body) });
  }

  /** Posts a file's lines. Throws as `ask`. */
  async upload(path: string, file: string): Promise<JsonObject | null> {
    return this.#send(path, { method: "POST", headers: LINES_TYPE, body: await openAsBlob(file) });
  }

  async #send(path: string, request: Sent): Promise<JsonObject | null> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.#url}${path}`, {
        ...request,
        headers: { ...request.headers, authorization: `Bearer ${this.#credential}` },
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      throw new RemoteError("host_unreachable", `the host at ${this.#url} does not answer`, { cause });
    }
    const answer = parsed(text);
    if (status < 400) return answer;
    throw this.#refusal(status, answer);
  }

  /**
   * Opens a stream of events after an id; undefined where the host cannot be reached.
   * @throws RemoteError what the host refused for good.
   */
  async stream(path: string, after: string): Promise<ReadableStream<Uint8Array> | undefined> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        headers: { authorization: `Bearer ${this.#credential}`, "last-event-id": after },
      });
    } catch {
      // Whoever follows tries again.
      return undefined;
    }
    if (response.status === 200 && response.body !== null) return response.body;
    const answer = parsed(await response.text());
    if (response.status >= 500) return undefined;
    throw this.#refusal(response.status, answer);
  }

  #refusal(status: number, answer: JsonObject | null): RemoteError {
    const code = answer === null ? undefined : ownValue(answer, "code");
    const detail = answer === null ? undefined : ownValue(answer, "detail");
    return new RemoteError(
      typeof code === "string" ? code : "host_unreachable",
      typeof detail === "string" ? detail : `the host at ${this.#url} answered ${status}`,
    );
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

function parsed(text: string): JsonObject | null {
  try {
    const value = JSON.parse(text) as Json;
    return isJsonObject(value) ? value : null;
  } catch {
    // Not an answer of ours; the status tells.
    return null;
  }
}
