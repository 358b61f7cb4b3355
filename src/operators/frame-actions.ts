/**
 * What the frames of a session do: say who works on a request, answer it, stop it.
 *
 * A1  Only who holds the seat may, and only what was handed out under the seat's generation (seat_moved).
 */

import type { ChangeResult, RequestKind, RequestRecord, Submission } from "../../stores/ports.ts";
import { assertNever, type Json } from "../flow/index.ts";
import { OperatorError } from "./errors.ts";
import type { ClientFrame } from "./frames.ts";
import type { DeskPorts } from "./ports.ts";
import type { RequestBook } from "./requests.ts";
import { movedSeat } from "./seats.ts";
import { submissionOf } from "./submission.ts";

/** A frame that is about a request. */
export type RequestFrameOf = Exclude<ClientFrame, { type: "seen" | "pong" }>;

/** Which kinds of request each frame is about. */
const KINDS: Readonly<Record<RequestFrameOf["type"], readonly RequestKind[]>> = {
  ack: ["step", "ask", "hook_before"],
  halt: ["step"],
  error: ["step"],
  answer: ["ask"],
  hook: ["hook_before"],
};

/**
 * Does what a session's frame says. Durable when it resolves.
 * @throws OperatorError `request_unknown`, `request_kind`, `seat_moved`, `request_closed`, `submission_conflict`.
 */
export async function actOn(
  frame: RequestFrameOf,
  sessionId: string,
  { store, clock }: Pick<DeskPorts, "store" | "clock">,
  requests: RequestBook,
): Promise<void> {
  const record = await requests.get(frame.id);
  if (!KINDS[frame.type].includes(record.kind)) {
    throw new OperatorError(
      "request_kind",
      `request ${frame.id} is of kind '${record.kind}': no '${frame.type}' answers it`,
    );
  }
  const seat = (await store.seats.ofRun(record.runId)).find((one) => one.seat === record.seat);
  // Never handed out under this generation: then nobody can mean it.
  if (seat?.holder !== sessionId || record.generation === undefined) throw movedSeat(record.seat, seat);
  const { generation } = record;
  if (frame.type === "ack") {
    const { id: requestId, note } = frame;
    const work = { kind: "work", requestId, generation, sessionId, at: clock.now() } as const;
    const [result] = await store.requests.change([note === undefined ? work : { ...work, note }]);
    return refuseUnless(result!, record);
  }
  const submission = submissionFrom(frame, { by: sessionId, at: clock.now() });
  refuseUnless(await requests.submit(record, submission, generation), record);
}

/** @throws OperatorError for every result that is a refusal. */
export function refuseUnless(result: ChangeResult, { requestId, seat }: RequestRecord): void {
  const details = { request: requestId };
  switch (result) {
    case "done":
    case "same":
      return;
    case "moved":
      throw new OperatorError(
        "seat_moved",
        `the seat '${seat}' has another holder or generation by now, or is vacant: what was meant under the former is not taken`,
        { details },
      );
    case "conflict":
      throw new OperatorError("submission_conflict", `request ${requestId} is answered already, and differently`, {
        details,
      });
    case "closed":
      throw new OperatorError("request_closed", `nobody waits for request ${requestId} any more`, { details });
    case "full":
      throw new OperatorError("material_full", `no more can be staged for request ${requestId}`, { details });
    case "unknown":
      throw new OperatorError("request_unknown", `there is no request ${requestId}`, { details });
    default:
      assertNever(result);
  }
}

function submissionFrom(
  frame: Exclude<RequestFrameOf, { type: "ack" }>,
  who: { readonly by: string; readonly at: number },
): Submission {
  switch (frame.type) {
    case "halt": {
      const { value, reason = null } = frame;
      return submissionOf("halt", { halted: true, reason, value: value as Json }, who);
    }
    case "error":
      return submissionOf("error", frame.message, who);
    case "answer":
      return submissionOf("answer", frame.value as Json, who);
    case "hook": {
      const { ok, reason } = frame;
      return submissionOf("hook", { ok, ...(reason === undefined ? {} : { reason }) }, who);
    }
  }
}
