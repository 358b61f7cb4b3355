/**
 * Requests seen to by a command: one process each.
 *
 *   step         the payload on its standard input; see step-command.ts. A worker (`--launch`) gets it too, but fetches and
 *                submits by itself: what it prints is no answer, and one that fails without an answer fails the attempt
 *   ask          `{kind, run, key, attempt, agent, seat, question}` in, the answer out: JSON, else text
 *   hook_before  the same without a question in; exit 0 allows the step, any other end refuses it
 *   hook_after   the same with `result`; what it prints is shown and nothing more
 */
import { ClientError, type RequestFrame, type WorkerAnswer, WorkerClient } from "../../client/index.ts";
import type { Json } from "../../flow/index.ts";
import { oneLine } from "../style.ts";
import { runStepCommand, type StepCommand } from "../worker/step-command.ts";
import { STEP_VARIABLES } from "../worker/worker-exec.ts";
import type { Attended, SeeTo } from "./operator-attach.ts";

/** Codes of refusals that only say: somebody else was faster, or nobody waits any more. */
const TOO_LATE = new Set(["request_closed", "seat_moved", "submission_conflict", "token_revoked", "wrong_generation"]);

/** A shell command, and whether it submits its steps' answers by itself. */
export interface AnsweringCommand {
  readonly command: string;
  readonly submits: boolean;
}

/** Sees to requests with a shell command. */
export function answeredByCommand(
  { surface, connection, address, style, say }: Attended,
  { command, submits }: AnsweringCommand,
): SeeTo {
  const stepCommand = (request: RequestFrame, signal: AbortSignal): StepCommand => ({
    command,
    env: { ...surface.env, ...variables(request, address.url) },
    cwd: surface.cwd,
    signal,
    stderr: surface.stderr,
  });

  const step = async (request: RequestFrame, signal: AbortSignal): Promise<string> => {
    if (request.handle === undefined)
      throw new ClientError("answer_invalid", "the host handed out a step without a handle");
    await connection.ack(request.id, "started");
    const worker = new WorkerClient({ url: address.url, credential: request.handle });
    const payload = await worker.prompt(signal);
    const answer = await runStepCommand(stepCommand(request, signal), payload as unknown as Json);
    if (signal.aborted) return submits ? "answered" : "stopped";
    const { verdict = "pass" } = answer;
    if (!submits) await worker.submit(answer);
    else if (verdict !== "pass")
      await connection.error(request.id, `the worker failed: ${said(answer).slice(0, 1000)}`);
    return verdict;
  };

  const other = async (request: RequestFrame, signal: AbortSignal): Promise<string> => {
    const { kind, run, key, attempt, agent, seat, question, result } = request;
    const told = {
      kind,
      run,
      key,
      attempt,
      agent,
      seat,
      ...(question === undefined ? {} : { question }),
      ...(result === undefined ? {} : { result }),
    };
    const answer = await runStepCommand(stepCommand(request, signal), told);
    if (signal.aborted) return "stopped";
    const { verdict = "pass" } = answer;
    const words = said(answer);
    if (kind === "hook_before") {
      await connection.hook(request.id, verdict === "pass", verdict === "pass" ? undefined : words.slice(0, 1000));
      return verdict === "pass" ? "allowed" : "refused";
    }
    if (kind === "hook_after") return words === "" ? "noted" : oneLine(words).slice(0, 200);
    // Nobody has answered: the question stays with the seat.
    if (verdict !== "pass") return `not answered: ${oneLine(words).slice(0, 200)}`;
    await connection.answer(request.id, jsonOrText(words));
    return "answered";
  };

  return async (request, signal) => {
    const { kind, agent, key } = request;
    let end: string;
    try {
      end = await (kind === "step" ? step(request, signal) : other(request, signal));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ClientError && TOO_LATE.has(error.code))) throw error;
      end = `too late: ${error.message}`;
    }
    say(`${style.faint(kind)} ${oneLine(agent)} ${key}: ${end}`);
  };
}

function variables(request: RequestFrame, url: string): Record<string, string> {
  return {
    [STEP_VARIABLES.url]: url,
    ...(request.handle === undefined ? {} : { [STEP_VARIABLES.handle]: request.handle }),
    SWARM_HOST_KIND: request.kind,
    SWARM_HOST_RUN: request.run,
    SWARM_HOST_STEP: request.step,
    SWARM_HOST_KEY: request.key,
    SWARM_HOST_ATTEMPT: String(request.attempt),
    SWARM_HOST_AGENT: request.agent,
    SWARM_HOST_SEAT: request.seat,
  };
}

/** What was said as JSON, where it is JSON. */
export function jsonOrText(words: string): Json {
  try {
    return JSON.parse(words) as Json;
  } catch {
    // Words, then.
    return words;
  }
}

function said({ answer }: WorkerAnswer): string {
  return "text" in answer ? answer.text : JSON.stringify(answer.value);
}
