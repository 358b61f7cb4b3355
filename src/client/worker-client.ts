/**
 * The worker's side of the worker contract (spec/worker-contract.md): fetch a step, say how it goes, answer it.
 *
 * Every call but `progress` may be made again without harm: the host takes the same answer once.
 */

import type { StepEvent } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import type { WorkerStats } from "../kernel/index.ts";
import type { ProgressCount, WorkerPayload } from "../operators/index.ts";
import { ClientError } from "./errors.ts";
import { type HostAddress, HostHttp } from "./host-http.ts";

export type { ProgressCount, WorkerPayload } from "../operators/index.ts";

/** What a step is answered with; a verdict other than `pass` is said beside it. */
export interface WorkerAnswer {
  /** Text is judged by the step's format; a value is taken as it is, but for a string that is read as text is. */
  readonly answer: { readonly text: string } | { readonly value: Json };
  /** Default: `pass`. */
  readonly verdict?: "pass" | "blocked" | "skip";
}

/** What served a worker less well than it should have. */
export interface Degradation {
  readonly tool: string;
  readonly error: string;
  /** What it did instead. */
  readonly fallback: string;
  readonly note?: string;
}

/** Something to tell the watchers of a step. */
export type Progress = Extract<StepEvent, { type: "progress" | "partial" }>;

/** One step, as its worker sees it. Every method rejects with ClientError. */
export class WorkerClient {
  readonly #address: HostAddress;
  #http: HostHttp;

  /** `address.credential` is the step's handle or token. */
  constructor(address: HostAddress) {
    this.#address = address;
    this.#http = new HostHttp(address);
  }

  /** What is asked. A system prompt that is kept by itself is fetched and put in its place. */
  async prompt(signal?: AbortSignal): Promise<WorkerPayload> {
    const got: unknown = await this.#http.json({ method: "GET", path: "/v1/worker/prompt", ...signalled(signal) });
    if (!isPayload(got)) throw new ClientError("answer_invalid", "the host's answer is not a step's prompt");
    const { system_ref: systemRef, ...payload } = got;
    if (systemRef === undefined) return payload;
    return { ...payload, system: await this.#http.text({ method: "GET", path: systemRef.uri, ...signalled(signal) }) };
  }

  /** An earlier output of the run, as JSON, by a name of `context.steps`. */
  output(name: string, signal?: AbortSignal): Promise<Json> {
    const path = `/v1/worker/outputs/${encodeURIComponent(name)}`;
    return this.#http.json({ method: "GET", path, ...signalled(signal) });
  }

  /** Answers the step: durable when it resolves. The same answer again changes nothing. */
  async submit({ answer, verdict = "pass" }: WorkerAnswer, signal?: AbortSignal): Promise<void> {
    await ("text" in answer
      ? this.#post("/v1/worker/submit", { text: answer.text }, { verdict }, signal)
      : this.#post("/v1/worker/result", { json: { value: answer.value, verdict } }, {}, signal));
  }

  /** Stages a named part of the answer. One of the same name replaces the former. */
  async artifact(name: string, text: string, signal?: AbortSignal): Promise<void> {
    await this.#post("/v1/worker/artifact", { text }, { name }, signal);
  }

  /** Reports what the attempt used. The last report counts. */
  async stats(stats: WorkerStats, signal?: AbortSignal): Promise<void> {
    await this.#post("/v1/worker/stats", { json: stats as Json }, {}, signal);
  }

  /** Reports what served the worker less well. */
  async degradation(degradation: Degradation, signal?: AbortSignal): Promise<void> {
    await this.#post("/v1/worker/degradation", { json: degradation as unknown as Json }, {}, signal);
  }

  /** Tells the watchers how it goes, until the events end: lossy, and a sign of life. How many were told, how many not. */
  async progress(events: Iterable<Progress> | AsyncIterable<Progress>, signal?: AbortSignal): Promise<ProgressCount> {
    const path = "/v1/worker/progress";
    const body = { stream: lines(events) };
    const got: unknown = await this.#http.json({ method: "POST", path, body, ...signalled(signal) });
    if (!isCount(got)) throw new ClientError("answer_invalid", "the host's answer does not count the events");
    return got;
  }

  /** Shows a token with a later end from now on, where this one is a token. */
  async renew(signal?: AbortSignal): Promise<void> {
    const got = await this.#http.json({
      method: "POST",
      path: "/v1/worker/token",
      repeatable: true,
      ...signalled(signal),
    });
    const token = typeof got === "object" && got !== null && "token" in got ? got.token : undefined;
    if (typeof token !== "string") throw new ClientError("answer_invalid", "the host's answer has no token");
    this.#http = new HostHttp({ ...this.#address, credential: token });
  }

  async #post(
    path: string,
    body: { readonly text: string } | { readonly json: Json },
    query: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#http.text({ method: "POST", path, body, query, repeatable: true, ...signalled(signal) });
  }
}

function signalled(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

async function* lines(events: Iterable<Progress> | AsyncIterable<Progress>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const event of events) yield encoder.encode(`${JSON.stringify(event)}\n`);
}

function isPayload(value: unknown): value is WorkerPayload {
  if (typeof value !== "object" || value === null || !("task_id" in value) || !("prompt" in value)) return false;
  return typeof value.task_id === "string" && typeof value.prompt === "string";
}

function isCount(value: unknown): value is ProgressCount {
  if (typeof value !== "object" || value === null || !("events" in value) || !("dropped" in value)) return false;
  return typeof value.events === "number" && typeof value.dropped === "number";
}
