/**
 * Requests to a host, over HTTP.
 *
 * Owns: the credential on each request, reading refusals (RFC 9457) into ClientErrors, and trying again what did not get
 * through. Does not own: what is asked.
 *
 * H1  A request is tried again only where it did not get through, or the host said that it cannot answer now (503), and
 *     only where making it twice is the same as making it once.
 * H2  The credential goes into the header and nowhere else: not into an error, not into a URL.
 */
import { ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { isJsonObject, type Json, ownValue } from "../flow/index.ts";
import { ClientError } from "./errors.ts";

/** Tries of a request that may be repeated. */
const TRIES = 6;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 3_000;
/** Longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Where a host is and what to show it. */
export interface HostAddress {
  /** Without a path, e.g. `http://127.0.0.1:7717`. */
  readonly url: string;
  /** A bearer credential: the host's own, a session's secret, a capability token or a worker's handle. */
  readonly credential: string;
}

/** One request. */
export interface HostRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly json: Json } | { readonly text: string } | { readonly stream: AsyncIterable<Uint8Array> };
  /** Whether making it twice is the same as making it once. Default: of every GET. */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

/** Speaks to one host. */
export class HostHttp {
  readonly url: string;
  readonly #credential: string;
  /** H1. */
  readonly #tries = retry(
    handleWhen((error) => error instanceof ClientError && error.retryable),
    {
      // The library counts what follows the first.
      maxAttempts: TRIES - 1,
      backoff: new ExponentialBackoff({ initialDelay: FIRST_WAIT_MS, maxDelay: LONGEST_WAIT_MS }),
    },
  );

  constructor({ url, credential }: HostAddress) {
    this.url = url.replace(/\/+$/u, "");
    this.#credential = credential;
  }

  /** The answer's body; empty where there is none. @throws ClientError. */
  text(request: HostRequest): Promise<string> {
    const { method, repeatable = method === "GET", signal } = request;
    if (!repeatable) return this.#once(request);
    return this.#tries.execute(() => this.#once(request), signal);
  }

  /** The answer's body as a JSON value. @throws ClientError. */
  async json(request: HostRequest): Promise<Json> {
    const text = await this.text(request);
    try {
      return JSON.parse(text) as Json;
    } catch (cause) {
      throw this.#invalid(cause);
    }
  }

  /** An answer whose body is read as it comes. The caller ends it by `request.signal`. @throws ClientError. */
  async stream(request: HostRequest): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#answer(request);
    if (response.body === null) throw this.#invalid();
    return response.body;
  }

  async #once(request: HostRequest): Promise<string> {
    const response = await this.#answer(request);
    return this.#read(response);
  }

  async #answer({ method, path, query = {}, headers, body, signal }: HostRequest): Promise<Response> {
    const url = new URL(`${this.url}${path}`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        redirect: "error",
        headers: { ...contentType(body), ...headers, authorization: `Bearer ${this.#credential}` },
        ...(body === undefined ? {} : bodyOf(body)),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (cause) {
      if (signal?.aborted === true) throw cause;
      throw new ClientError("host_unreachable", `the host at ${this.url} does not answer`, { retryable: true, cause });
    }
    if (response.ok) return response;
    throw this.#refusal(response.status, await this.#read(response));
  }

  async #read(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) throw this.#invalid();
        chunks.push(chunk);
      }
    } catch (cause) {
      if (cause instanceof ClientError) throw cause;
      throw new ClientError("host_unreachable", `the host at ${this.url} broke off its answer`, {
        retryable: true,
        cause,
      });
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  #refusal(status: number, text: string): ClientError {
    const { code, detail } = problemIn(text);
    return new ClientError(code ?? "answer_invalid", detail ?? `the host at ${this.url} answered ${status}`, {
      status,
      retryable: status === 503,
    });
  }

  #invalid(cause?: unknown): ClientError {
    return new ClientError("answer_invalid", `what answers at ${this.url} is no swarm-host`, { cause });
  }
}

function contentType(body: HostRequest["body"]): Record<string, string> {
  if (body === undefined) return {};
  if ("json" in body) return { "content-type": "application/json" };
  return { "content-type": "text" in body ? "text/plain; charset=utf-8" : "application/x-ndjson" };
}

function bodyOf(body: NonNullable<HostRequest["body"]>): RequestInit {
  if ("json" in body) return { body: JSON.stringify(body.json) };
  if ("text" in body) return { body: body.text };
  return { body: ReadableStream.from(body.stream), duplex: "half" };
}

/** What a problem document says; nothing where it is none. */
function problemIn(text: string): { readonly code?: string; readonly detail?: string } {
  let problem: Json;
  try {
    problem = JSON.parse(text) as Json;
  } catch {
    // Not an answer of ours: the status tells.
    return {};
  }
  if (!isJsonObject(problem)) return {};
  const [code, detail] = [ownValue(problem, "code"), ownValue(problem, "detail")];
  return {
    ...(typeof code === "string" ? { code } : {}),
    ...(typeof detail === "string" ? { detail } : {}),
  };
}
