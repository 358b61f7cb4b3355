/**
 * Answers to requests: judged by the request's own terms, and made into a submission that can be told from any other.
 */
import { hash } from "node:crypto";
import type { Material, RequestRecord, Submission } from "../../stores/ports.ts";
import type { WorkerReport } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import type { Degradation, WorkerStats } from "../kernel/index.ts";
import { checkVerdict, type OperatorReply, parseJson, VERDICT_PART } from "../workers/index.ts";
import { OperatorError } from "./errors.ts";
import type { WorkerSubmission } from "./operator-desk.ts";
import { termsOf } from "./request-body.ts";

/** Longest answer, in characters of its JSON text. */
export const MAX_ANSWER: number = 16 * 1024 * 1024;

/**
 * A worker's answer, judged.
 * @throws OperatorError `submit_format`, `submission_too_large`; WorkerError `verdict_rejected`.
 */
export function judged(
  request: RequestRecord,
  { verdict, answer }: WorkerSubmission,
  staged: readonly Material[],
  at: number,
): Submission {
  const terms = termsOf(request);
  const value = "value" in answer ? answer.value : textValue(request, answer.text, terms.submitFormat);
  if (verdict === "pass" && terms.verdict !== undefined)
    checkVerdict(request.agent, terms.verdict, value, partsOf(staged));
  // What was sent decides whether it is the same again, not what the terms made of it: those go when the request is closed.
  // By what was sent: sent again after the run took it, it is known again without the terms that it was read by.
  const digest = digestOf("final", verdict, answer);
  return { ...submissionOf("final", value, { verdict, at }), digest };
}

/** A submission. @throws OperatorError `submission_too_large`. */
export function submissionOf(
  form: Submission["form"],
  value: Json,
  {
    verdict = "pass",
    by,
    at,
    sent = value,
  }: {
    readonly verdict?: Submission["verdict"];
    readonly by?: string;
    readonly at: number;
    /** What makes it the same submission again. Default: the value. */
    readonly sent?: unknown;
  },
): Submission {
  const text = JSON.stringify(value);
  if (text.length > MAX_ANSWER) {
    throw new OperatorError("submission_too_large", `an answer has at most ${MAX_ANSWER} characters of JSON`);
  }
  const digest = hash("sha256", JSON.stringify([form, verdict, sent]));
  return { form, verdict, digest, value: text, at, ...(by === undefined ? {} : { by }) };
}

function digestOf(
  form: Submission["form"],
  verdict: Submission["verdict"],
  sent: WorkerSubmission["answer"] | Json,
): string {
  return hash("sha256", JSON.stringify([form, verdict, sent]));
}

/** Judges a part as it is staged, where it is the one that carries the verdict. @throws WorkerError `verdict_rejected`. */
export function judgePart(request: RequestRecord, material: Material): void {
  const { verdict } = termsOf(request);
  if (material.kind !== "part" || material.name !== VERDICT_PART || verdict?.channel !== "part") return;
  checkVerdict(request.agent, verdict, null, partsOf([material]));
}

/** What a step's answered request says to its run. */
export function replyOf(submission: Submission, staged: readonly Material[]): OperatorReply {
  const value = JSON.parse(submission.value ?? "null") as Json;
  const report = reportIn(staged);
  if (submission.form === "halt") return { ...report, kind: "halt", value };
  if (submission.form === "error") return { ...report, kind: "error", message: String(value) };
  return { ...report, kind: "final", verdict: submission.verdict, value, parts: partsOf(staged) };
}

function reportIn(staged: readonly Material[]): WorkerReport {
  const stats = staged.findLast(({ kind }) => kind === "stats");
  return {
    degradations: staged.flatMap((one) => (one.kind === "degradation" ? [JSON.parse(one.text) as Degradation] : [])),
    ...(stats === undefined ? {} : { stats: JSON.parse(stats.text) as WorkerStats }),
  };
}

function partsOf(staged: readonly Material[]): { readonly name: string; readonly content: Json }[] {
  return staged.flatMap((one) =>
    one.kind === "part" ? [{ name: one.name, content: JSON.parse(one.text) as Json }] : [],
  );
}

function textValue({ agent }: RequestRecord, text: string, format: "json" | "text" | undefined): Json {
  if (format !== "json") return text;
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  throw new OperatorError(
    "submit_format",
    `the step of agent '${agent}' wants JSON, and the answer is not: ${parsed.error}`,
    {
      details: { agent, preview: text.slice(0, 200).toWellFormed() },
    },
  );
}
