/**
 * The steps that wait: `sleep`, `sleep_until` and `wait_signal`, as plain steps of the flow.
 *
 * Owns: what their inputs mean and what they answer. Does not own: timers and where signals come from.
 *
 *   sleep        in: milliseconds, or {"ms": n}                          out: {"due_at": t}
 *   sleep_until  in: milliseconds since 1970, an ISO 8601 time, or {"at": either}   out: {"due_at": t}
 *   wait_signal  in: a name, or {"name": s, "timeout_ms": n?}            out: the signal's value
 */
import { isJsonObject, type Json } from "../flow/index.ts";
import type { WaitingAgent } from "./definition.ts";
import type { AttemptOutcome } from "./outcome.ts";

/** The longest a step may wait: ten years of 365 days, in milliseconds. */
export const MAX_WAIT_MS: number = 10 * 365 * 24 * 3600 * 1000;

/** The longest signal name, in UTF-16 units. */
export const MAX_SIGNAL_NAME = 200;

/** What a waiting step waits for. Times in milliseconds since 1970. */
export type Wait =
  | { readonly kind: "timer"; readonly dueAt: number }
  | { readonly kind: "signal"; readonly name: string; readonly dueAt?: number }
  | { readonly kind: "invalid"; readonly message: string };

/** Reads a waiting step's input. */
export function readWait(agent: WaitingAgent, input: Json, now: number): Wait {
  switch (agent) {
    case "sleep": {
      const ms = isJsonObject(input) ? input["ms"] : input;
      return duration(ms)
        ? { kind: "timer", dueAt: now + ms }
        : invalid(`sleep takes milliseconds from 0 to ${MAX_WAIT_MS}`, ms);
    }
    case "sleep_until": {
      const at = isJsonObject(input) ? input["at"] : input;
      const dueAt = typeof at === "string" ? Date.parse(at) : at;
      if (typeof dueAt !== "number" || !Number.isSafeInteger(dueAt) || dueAt < 0 || dueAt > now + MAX_WAIT_MS) {
        return invalid("sleep_until takes milliseconds since 1970 or an ISO 8601 time, at most ten years ahead", at);
      }
      return { kind: "timer", dueAt };
    }
    case "wait_signal": {
      const name = isJsonObject(input) ? input["name"] : input;
      if (typeof name !== "string" || name === "" || name.length > MAX_SIGNAL_NAME) {
        return invalid(`wait_signal takes a signal name of 1 to ${MAX_SIGNAL_NAME} characters`, name);
      }
      const timeout = isJsonObject(input) ? input["timeout_ms"] : undefined;
      if (timeout === undefined) return { kind: "signal", name };
      return duration(timeout)
        ? { kind: "signal", name, dueAt: now + timeout }
        : invalid("wait_signal takes a timeout_ms in milliseconds", timeout);
    }
    default:
      return agent satisfies never;
  }
}

/** What a step answers whose time has come: a sleep is over, a signal did not come. */
export function waited(agent: WaitingAgent | undefined, dueAt: number, now: number): AttemptOutcome {
  if (agent !== "wait_signal") return { kind: "pass", startedAt: now, value: { due_at: dueAt } };
  const error = { code: "signal_timeout", message: "the signal did not come in time", retryable: false };
  return { kind: "timeout", startedAt: now, error };
}

function duration(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= MAX_WAIT_MS;
}

function invalid(rule: string, got: Json | undefined): Wait {
  return { kind: "invalid", message: `${rule}, got ${(JSON.stringify(got) ?? "nothing").slice(0, 100)}` };
}
