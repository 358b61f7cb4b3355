/**
 * Asking seats, as the operator worker and the layers do it: what they say becomes durable requests, and what comes back
 * becomes their answers.
 */
import type { Clock, StepCall } from "../engine/index.ts";
import { isJsonObject, type Json } from "../flow/index.ts";
import type { Consult } from "../middleware/consult.ts";
import type { OperatorRequests } from "../workers/index.ts";
import type { Desk } from "./desk.ts";
import { newRequest, requestIdOf } from "./request-body.ts";
import { replyOf } from "./submission.ts";

/** The operator worker's way to the desk. */
export function operatorRequests(desk: Desk, clock: Pick<Clock, "now">): OperatorRequests {
  return {
    async see(call, task) {
      const requestId = requestIdOf(call.runId, call.key, call.attempt, "step");
      const submission = await desk.requests.answered(call, requestId, async () => {
        const { seat, terms, ...body } = await task();
        return newRequest(call, { kind: "step", seat, body, terms }, clock.now());
      });
      if (submission === undefined) throw call.signal.reason;
      return replyOf(submission, await desk.material(requestId));
    },
  };
}

/** The layers' way to the desk. */
export function deskConsult(desk: Desk, clock: Pick<Clock, "now">): Consult {
  const ask = async (
    call: StepCall,
    kind: "ask" | "hook_before",
    name: string,
    order: { readonly seat: string; readonly question?: Json; readonly deadline?: number },
  ) => {
    const { seat, question, deadline } = order;
    const requestId = requestIdOf(call.runId, call.key, call.attempt, kind, name);
    const body = question === undefined ? {} : { question };
    return desk.requests.answered(call, requestId, async () =>
      newRequest(call, { kind, seat, name, body, deadline }, clock.now()),
    );
  };
  return {
    async ask(call, { name, ...order }) {
      const answer = await ask(call, "ask", name, order);
      if (answer === undefined) return { kind: "expired" };
      return { kind: "answer", value: JSON.parse(answer.value ?? "null") as Json, by: answer.by ?? "" };
    },
    async hookBefore(call, { seat }) {
      const answer = await ask(call, "hook_before", seat, { seat });
      const reply = JSON.parse(answer?.value ?? "null") as Json;
      if (!isJsonObject(reply)) return { ok: false, reason: "nobody answered in time" };
      return {
        ok: reply["ok"] === true,
        ...(typeof reply["reason"] === "string" ? { reason: reply["reason"] } : {}),
      };
    },
    async hookAfter(call, { seat, result }) {
      await desk.requests.tell(
        newRequest(call, { kind: "hook_after", seat, name: seat, body: { result } }, clock.now()),
      );
    },
  };
}
