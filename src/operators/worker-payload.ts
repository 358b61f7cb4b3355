/**
 * What a worker is told when it fetches its step: one JSON object, in the field names of the worker contract.
 *
 * Owns: its shape and its bounds. Does not own: where the parts of it come from (worker-contract.ts).
 */
import { hash } from "node:crypto";
import { MAX_DEGRADATIONS, MAX_PARTS, type RequestRecord } from "../../stores/ports.ts";
import type { VerdictContract } from "../blueprint/index.ts";
import { type AgentContextView, directiveText, MAX_PART_NAME_BYTES } from "../workers/index.ts";
import type { PayloadProblem } from "./earlier-outputs.ts";
import { OperatorError } from "./errors.ts";
import type { RequestBody, RequestTerms } from "./request-body.ts";
import { MAX_TEXT_BYTES } from "./submitted-text.ts";
import { MAX_REPORT_CHARACTERS } from "./worker-reports.ts";
import { VERDICTS } from "./worker-verdict.ts";

/** The longest system prompt that stands in the payload itself, in bytes of UTF-8. */
export const MAX_INLINE_SYSTEM: number = 25 * 1024;

/** An earlier output of the same run: where it is, never what it says. */
export interface OutputPointer {
  /** Its canonical name. */
  readonly name: string;
  readonly size_bytes: number;
  /** Of the bytes at `content_url`, in hex. */
  readonly sha256: string;
  /** False: the step was blocked, and this is what it answered. */
  readonly ok: boolean;
  /** A path on this host, for the same credential. */
  readonly content_url: string;
  /** Where the same stands as a file. */
  readonly file_path?: string;
}

/** A system prompt that is fetched on its own. */
export interface SystemRef {
  /** A path on this host, for the same credential. */
  readonly uri: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly mode: "http";
}

/** See spec/worker-contract.md. */
export interface WorkerPayload {
  /** The step's id. */
  readonly task_id: string;
  readonly key: string;
  readonly attempt: number;
  readonly agent: string;
  readonly seat: string;
  /** The agent's system prompt; not with `system_ref`, and neither where it has none. */
  readonly system?: string;
  readonly system_ref?: SystemRef;
  /** The step's input as text: a string as it is, anything else as JSON. */
  readonly prompt: string;
  readonly context: AgentContextView & { readonly steps: readonly OutputPointer[] };
  /** When nobody waits for the answer any more, in milliseconds since 1970, unless it was moved; absent: no such time. */
  readonly deadline?: number;
  readonly answer: {
    readonly verdicts: readonly string[];
    /** `json`: it must be JSON; `text`: it stays text; `lenient`: text that is a JSON object or array is taken as one. */
    readonly format: "json" | "text" | "lenient";
    /** The words a passing answer must be one of, as its body or as the part `verdict`. */
    readonly contract?: VerdictContract;
    /** Whether `@file:<path>` may stand for a body. */
    readonly file_submit: boolean;
  };
  readonly limits: {
    readonly body_bytes: number;
    readonly parts: number;
    readonly part_name_bytes: number;
    readonly degradations: number;
    readonly report_characters: number;
  };
  /** What could not be resolved; empty where all could. */
  readonly problems: readonly PayloadProblem[];
}

/** The payload of an open request. @throws OperatorError `request_kind` where it is not a step's. */
export function workerPayload(
  request: RequestRecord,
  { directive, system, context, deadline }: RequestBody,
  { verdict, submitFormat, allowFileSubmit }: RequestTerms,
  { steps, problems }: { readonly steps: readonly OutputPointer[]; readonly problems: readonly PayloadProblem[] },
): WorkerPayload {
  if (directive === undefined || context === undefined) {
    throw new OperatorError("request_kind", `the request ${request.requestId} is not one for a worker`);
  }
  const { stepId, key, attempt, agent, seat } = request;
  return {
    task_id: stepId,
    key,
    attempt,
    agent,
    seat,
    ...(system === undefined ? {} : systemFields(request, system)),
    prompt: directiveText(directive),
    context: { ...context, steps },
    ...(deadline === undefined ? {} : { deadline }),
    answer: {
      verdicts: VERDICTS,
      format: submitFormat ?? "lenient",
      ...(verdict === undefined ? {} : { contract: verdict }),
      file_submit: allowFileSubmit === true,
    },
    limits: {
      body_bytes: MAX_TEXT_BYTES,
      parts: MAX_PARTS,
      part_name_bytes: MAX_PART_NAME_BYTES,
      degradations: MAX_DEGRADATIONS,
      report_characters: MAX_REPORT_CHARACTERS,
    },
    problems,
  };
}

function systemFields(
  { stepId, attempt }: RequestRecord,
  system: string,
): Pick<WorkerPayload, "system"> | Pick<WorkerPayload, "system_ref"> {
  const sizeBytes = Buffer.byteLength(system);
  if (sizeBytes <= MAX_INLINE_SYSTEM) return { system };
  const uri = `/v1/worker/prompt/system?task_id=${stepId}&attempt=${attempt}`;
  return { system_ref: { uri, sha256: hash("sha256", system), size_bytes: sizeBytes, mode: "http" } };
}
