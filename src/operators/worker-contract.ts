/**
 * The worker contract, without its transport: what whoever does a step outside may fetch, send and report.
 *
 * Owns: what a worker is told, how what it sends is read, and what it may see of its run. Does not own: whether its
 * credential holds (src/capability), what becomes of an answer (the desk), statuses and headers (src/server).
 *
 * L1  Every call is about the attempt of its binding and no other: no answer names another attempt's data, but for the
 *     outputs of the same run that the agent's policy shows.
 * L2  What is put together is put together at each call: nothing a worker is told is older than the call.
 * L3  What is sent is durable when the call resolves; what is refused changes nothing. Progress alone is neither.
 */

import type { RequestRecord } from "../../stores/ports.ts";
import { type Binding, CapabilityError } from "../capability/index.ts";
import type { Clock, StepEvent } from "../engine/index.ts";
import {
  findOutput,
  MAX_POINTERS,
  type NamedOutput,
  type OutputLayout,
  outputFile,
  type PayloadProblem,
  visibleOutputs,
} from "./earlier-outputs.ts";
import { OperatorError } from "./errors.ts";
import type { Addressed, OperatorDesk, Submitted } from "./operator-desk.ts";
import { bodyOf, type RequestBody, type RequestTerms, termsOf } from "./request-body.ts";
import type { RunOutput, RunOutputs } from "./run-outputs.ts";
import { submittedText } from "./submitted-text.ts";
import { partName } from "./worker-part.ts";
import { type OutputPointer, type WorkerPayload, workerPayload } from "./worker-payload.ts";
import { ProgressStream } from "./worker-progress.ts";
import { readDegradation, readJson, readResult, readStats } from "./worker-reports.ts";
import { verdictOf } from "./worker-verdict.ts";

/** What the contract asks of the host. */
export interface WorkerContractPorts {
  readonly desk: Pick<OperatorDesk, "stepRequest" | "stage" | "submit">;
  readonly outputs: Pick<RunOutputs, "latest" | "text">;
  /** How the outputs of a run's Blueprint are called. Rejects where the Blueprint cannot be had. */
  readonly layout: (runId: string) => Promise<OutputLayout>;
  readonly stepId: (runId: string, key: string) => string;
  /** Tells the watchers of a live attempt. */
  readonly emit: (runId: string, key: string, attempt: number, event: StepEvent) => void;
  readonly clock: Pick<Clock, "now">;
}

/** What decides beside the body; both absent: it passes. */
export interface VerdictWords {
  readonly verdict?: string | undefined;
  readonly ok?: boolean | undefined;
}

/** An earlier output's content. */
export interface OutputContent {
  /** JSON text. */
  readonly text: string;
  /** Of its bytes, in hex. */
  readonly sha256: string;
}

/** What a method refuses it refuses with OperatorError, unless it says otherwise, and changes nothing then. */
export class WorkerContract {
  readonly #ports: WorkerContractPorts;

  constructor(ports: WorkerContractPorts) {
    this.#ports = ports;
  }

  /** What the worker is asked (L2). @throws `request_unknown`, `request_closed`, `request_kind`. */
  async prompt(binding: Binding): Promise<WorkerPayload> {
    const { request, body, terms } = await this.#open(binding);
    return workerPayload(request, body, terms, await this.#pointers(request, terms));
  }

  /** The agent's system prompt. @throws as `prompt`; `system_none` where it has none. */
  async system(binding: Binding): Promise<string> {
    const { request, body } = await this.#open(binding);
    if (body.system !== undefined) return body.system;
    throw new OperatorError("system_none", `the agent '${request.agent}' has no system prompt`);
  }

  /** An earlier output, by its canonical name or an alias. @throws as `prompt`; `output_unknown`: none, or none to be seen. */
  async output(binding: Binding, name: string): Promise<OutputContent> {
    const { request, terms } = await this.#open(binding);
    const { all, layout } = await this.#seen(request);
    const found = findOutput(visibleOutputs(all, request.agent, terms, layout), name, layout);
    const text = found && (await this.#ports.outputs.text(request.runId, found.output));
    if (found !== undefined && text !== undefined) return { text, sha256: found.output.sha256 };
    throw new OperatorError(
      "output_unknown",
      "there is no such output, or none that this step may see: see `context.steps`",
    );
  }

  /**
   * Answers with text, or with the file that it names.
   * @throws `verdict_conflict`, what `submittedText` throws, and what `OperatorDesk.submit` throws.
   */
  async submit(binding: Binding, body: Uint8Array, words: VerdictWords): Promise<Submitted> {
    const verdict = verdictOf(words.verdict, words.ok);
    const request = await this.#request(binding);
    const text = await submittedText(body, termsOf(request)).catch((error: unknown) => {
      // A closed request has no terms left that a file could be read by.
      throw request.state === "closed" ? closed() : error;
    });
    return this.#ports.desk.submit(addressed(request, binding), { verdict, answer: { text } });
  }

  /**
   * Answers with a JSON value, whatever the step's format: `{value, ok?, verdict?, task_id?, attempt?}`.
   * @throws `report_invalid`, `verdict_conflict`, what `OperatorDesk.submit` throws, and CapabilityError `wrong_binding` where
   *   it says to be for another step or attempt.
   */
  async result(binding: Binding, body: Uint8Array): Promise<Submitted> {
    const { value, ok, verdict: word, taskId, attempt } = readResult(readJson(body));
    this.speaksFor(binding, { taskId, attempt });
    const verdict = verdictOf(word, ok);
    const request = await this.#request(binding);
    return this.#ports.desk.submit(addressed(request, binding), { verdict, answer: { value } });
  }

  /**
   * Stages a part. One of the same name replaces the former.
   * @throws `part_name`, what `submittedText` throws, and what `OperatorDesk.stage` throws.
   */
  async artifact(binding: Binding, name: string, body: Uint8Array): Promise<void> {
    const part = partName(name);
    const request = await this.#request(binding);
    const text = JSON.stringify(await submittedText(body, termsOf(request)));
    await this.#ports.desk.stage(addressed(request, binding), { kind: "part", name: part, text });
  }

  /** Reports what the attempt used; the last report counts. @throws `report_invalid`, and what `OperatorDesk.stage` throws. */
  async stats(binding: Binding, body: Uint8Array): Promise<void> {
    const text = JSON.stringify(readStats(readJson(body)));
    await this.#ports.desk.stage(addressed(await this.#request(binding), binding), { kind: "stats", text });
  }

  /** Reports what served the worker less well; the same report again is one. @throws as `stats`. */
  async degradation(binding: Binding, body: Uint8Array): Promise<void> {
    const text = JSON.stringify(readDegradation(readJson(body)));
    await this.#ports.desk.stage(addressed(await this.#request(binding), binding), { kind: "degradation", text });
  }

  /** A stream of progress of the attempt; where it is not in memory, nobody is told. */
  progress({ runId, key, attempt }: Binding): ProgressStream {
    return new ProgressStream(this.#ports.clock, (event) => this.#ports.emit(runId, key, attempt, event));
  }

  /** Holds a caller to what it says it speaks for. @throws CapabilityError `wrong_binding` where that is not its binding's. */
  speaksFor(
    { runId, key, attempt }: Binding,
    said: { readonly taskId?: string | undefined; readonly attempt?: number | undefined },
  ): void {
    const isStep = said.taskId === undefined || said.taskId === this.#ports.stepId(runId, key);
    if (isStep && (said.attempt === undefined || said.attempt === attempt)) return;
    throw new CapabilityError("wrong_binding", "the credential is for another step or attempt than the request names");
  }

  /** When nobody waits for the attempt's answer any more; undefined: no such time. @throws as `prompt`. */
  async deadline(binding: Binding): Promise<number | undefined> {
    return (await this.#open(binding)).body.deadline;
  }

  async #pointers(
    request: RequestRecord,
    terms: RequestTerms,
  ): Promise<{ readonly steps: readonly OutputPointer[]; readonly problems: readonly PayloadProblem[] }> {
    const { all, layout } = await this.#seen(request);
    const { outputs, problems } = visibleOutputs(all, request.agent, terms, layout);
    const shown = outputs.slice(-MAX_POINTERS);
    const cut = outputs.length - shown.length;
    const message = `${cut} older outputs are not listed here; each can be read by its name`;
    const pointed = await Promise.all(shown.map((output) => this.#pointer(request, output, terms, layout)));
    return {
      steps: pointed.map(({ pointer }) => pointer),
      problems: [
        ...problems,
        ...(cut === 0 ? [] : [{ code: "outputs_cut" as const, message }]),
        ...pointed.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
      ],
    };
  }

  async #pointer(
    { runId }: RequestRecord,
    named: NamedOutput,
    terms: RequestTerms,
    layout: OutputLayout | undefined,
  ): Promise<{ readonly pointer: OutputPointer; readonly problem?: PayloadProblem }> {
    const { name, output } = named;
    const { path, problem } = await outputFile(named, this.#ports.stepId(runId, output.key), terms, layout);
    const pointer = {
      name,
      size_bytes: output.sizeBytes,
      sha256: output.sha256,
      ok: output.ok,
      content_url: `/v1/worker/outputs/${encodeURIComponent(name)}`,
      ...(path === undefined ? {} : { file_path: path }),
    };
    return { pointer, ...(problem === undefined ? {} : { problem }) };
  }

  async #seen({
    runId,
  }: RequestRecord): Promise<{ readonly all: readonly RunOutput[]; readonly layout: OutputLayout | undefined }> {
    const [all, layout] = await Promise.all([
      this.#ports.outputs.latest(runId),
      // Said in the payload: `names_unavailable`.
      this.#ports.layout(runId).catch(() => undefined),
    ]);
    return { all, layout };
  }

  /** A request that can still be answered, and what it says. */
  async #open(
    binding: Binding,
  ): Promise<{ readonly request: RequestRecord; readonly body: RequestBody; readonly terms: RequestTerms }> {
    const request = await this.#request(binding);
    if (request.state === "open") {
      return { request, body: bodyOf(request), terms: termsOf(request) };
    }
    throw closed();
  }

  async #request(binding: Binding): Promise<RequestRecord> {
    const request = await this.#ports.desk.stepRequest(binding);
    if (request !== undefined && request.fence === binding.fence) return request;
    throw new OperatorError("request_unknown", "there is no such step, or it is not one for a worker from outside");
  }
}

function closed(): OperatorError {
  return new OperatorError("request_closed", "the step has been answered, or nobody waits for it any more: stop");
}

function addressed({ requestId }: RequestRecord, { generation }: Binding): Addressed {
  return { requestId, ...(generation === undefined ? {} : { generation }) };
}
