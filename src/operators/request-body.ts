/**
 * What a request holds as JSON: what is asked, and by which terms an answer is judged, so that neither the Blueprint nor
 * the live step is needed to hand it out or to take the answer.
 */
import { hash } from "node:crypto";
import type { NewRequest, RequestKind, RequestRecord } from "../../stores/ports.ts";
import type { StepCall } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import type { OperatorTask, RequestTerms } from "../workers/index.ts";

export type { RequestTerms, WorkerSpec } from "../workers/index.ts";

/** What is asked. */
export interface RequestBody
  extends Partial<Pick<OperatorTask, "directive" | "system" | "context" | "worker" | "deadline">> {
  /** Of an `ask`. */
  readonly question?: Json;
  /** Of a `hook_after`. */
  readonly result?: Json;
}

/** The id of what an attempt asks: the same for the same. */
export function requestIdOf(runId: string, key: string, attempt: number, kind: RequestKind, name = ""): string {
  return `Q-${hash("sha256", JSON.stringify([runId, key, attempt, kind, name])).slice(0, 32)}`;
}

/** A request of an attempt. */
export function newRequest(
  call: StepCall,
  ask: {
    readonly kind: RequestKind;
    readonly seat: string;
    readonly name?: string;
    readonly body: RequestBody;
    readonly terms?: RequestTerms;
    readonly deadline?: number | undefined;
  },
  now: number,
): NewRequest {
  const { runId, key, attempt, stepId, agent, fence } = call;
  const { kind, seat, name = "", body, terms, deadline } = ask;
  return {
    requestId: requestIdOf(runId, key, attempt, kind, name),
    kind,
    runId,
    key,
    attempt,
    stepId,
    agent,
    fence,
    seat,
    name,
    body: JSON.stringify(body),
    ...(terms === undefined ? {} : { terms: JSON.stringify(terms) }),
    openedAt: now,
    ...(deadline === undefined ? {} : { deadline }),
  };
}

/** What a request asks; empty once it is closed. */
export function bodyOf({ body }: RequestRecord): RequestBody {
  return body === "" ? {} : (JSON.parse(body) as RequestBody);
}

/** What its answer is judged by. */
export function termsOf({ terms }: RequestRecord): RequestTerms {
  return terms === undefined ? {} : (JSON.parse(terms) as RequestTerms);
}
