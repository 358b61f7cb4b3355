/** Sessions and seats over HTTP: what an operator does beside its socket (operator-connection.ts). */
import { isJsonObject, type Json, type JsonObject } from "../flow/index.ts";
import { ClientError } from "./errors.ts";
import { type HostAddress, HostHttp, type HostRequest } from "./host-http.ts";

/** A session that was joined. */
export interface JoinedSession {
  readonly sessionId: string;
  /** Told this once. */
  readonly secret: string;
}

/** A session, a seat, a request as the host tells of them (spec/operators.md). */
export type SessionObject = JsonObject;
export type SeatObject = JsonObject;
export type HandoverObject = JsonObject;

/** Takes a seat. */
export interface TakeSeat {
  readonly runId: string;
  /** Default: the only one there is. */
  readonly seat?: string;
  /** Default: the session whose secret is shown. */
  readonly sessionId?: string;
  /** What for. */
  readonly description: string;
}

/** Speaks for an operator, or about operators. Every method rejects with ClientError. */
export class OperatorClient {
  readonly #http: HostHttp;

  constructor(address: HostAddress) {
    this.#http = new HostHttp(address);
  }

  /** Joins as a new session. */
  async join(description: string, manifest?: Json): Promise<JoinedSession> {
    const body = { description, ...(manifest === undefined ? {} : { manifest }) };
    const { session_id: sessionId, secret } = await this.#object({
      method: "POST",
      path: "/v1/operators",
      body: { json: body },
    });
    if (typeof sessionId !== "string" || typeof secret !== "string") {
      throw new ClientError("answer_invalid", "the host's answer is not a session");
    }
    return { sessionId, secret };
  }

  /** Ends a session: its seats are vacant. */
  async leave(sessionId: string): Promise<void> {
    await this.#http.text({ method: "DELETE", path: `/v1/operators/${encodeURIComponent(sessionId)}` });
  }

  /** Sessions, oldest first. */
  async sessions(limit = 100): Promise<readonly SessionObject[]> {
    const { operators } = await this.#object({ method: "GET", path: "/v1/operators", query: { limit: String(limit) } });
    return objects(operators);
  }

  /** The seats that a run's Blueprint declares. */
  async seats(runId: string): Promise<readonly SeatObject[]> {
    return objects((await this.#object({ method: "GET", path: runPath(runId, "/seats") }))["seats"]);
  }

  /** Takes a seat, whoever holds it. */
  take({ runId, seat, sessionId, description }: TakeSeat): Promise<SeatObject> {
    const json = {
      description,
      ...(seat === undefined ? {} : { seat }),
      ...(sessionId === undefined ? {} : { session: sessionId }),
    };
    return this.#object({ method: "POST", path: runPath(runId, "/seats"), body: { json } });
  }

  /** Gives a seat back, if its generation is still this. */
  release(runId: string, seat: string, generation: number): Promise<SeatObject> {
    const path = runPath(runId, `/seats/${encodeURIComponent(seat)}`);
    return this.#object({ method: "DELETE", path, query: { generation: String(generation) } });
  }

  /** Who holds what, and what each seat is still asked for. */
  handover(runId: string): Promise<HandoverObject> {
    return this.#object({ method: "GET", path: runPath(runId, "/handover") });
  }

  async #object(request: HostRequest): Promise<JsonObject> {
    const got = await this.#http.json(request);
    if (isJsonObject(got)) return got;
    throw new ClientError("answer_invalid", `the host's answer to ${request.method} ${request.path} is no object`);
  }
}

function runPath(runId: string, below: string): string {
  return `/v1/runs/${encodeURIComponent(runId)}${below}`;
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
