/**
 * The subprocess worker: a program per attempt, in either form (`spec` or `template`), plain or streaming.
 *
 * Owns: what becomes of the program's end. Does not own: starting and stopping it (subprocess-host.ts).
 */
import type { CompiledAgent } from "../../blueprint/compiled.ts";
import { ticketOf } from "../../engine/index.ts";
import { messageOf, WorkerError } from "../errors.ts";
import type { ScratchFile, WorkerFiles } from "../files.ts";
import { promptTemplate } from "../prompt-template.ts";
import type { Worker, WorkerAnswer, WorkerJob } from "../worker.ts";
import type { ChildEnd } from "./helper-link.ts";
import { childRequest, type SubprocessPlan, type SystemPrompt, wantsSystemFile } from "./launch.ts";
import { exitStats, readOutput, textOf, withStderr } from "./output.ts";
import type { ChildReport } from "./protocol.ts";
import { type StreamAnswer, StreamCollector } from "./stream.ts";
import type { ChildRequest, SubprocessHost } from "./subprocess-host.ts";

/** What subprocess agents need of the host. */
export interface SubprocessParts {
  readonly subprocess: SubprocessHost;
  readonly files: WorkerFiles;
}

/** errno names of failures that pass: the system was short of something. */
const PASSING: ReadonlySet<string> = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"]);

/** A worker that runs an agent's program. Fails with `prompt_template` and the `subprocess_*` codes. */
export function subprocessWorker(agent: CompiledAgent, plan: SubprocessPlan, parts: SubprocessParts): Worker {
  const prompt = promptTemplate(agent.name, plan.form === "template" ? plan.systemPrompt : "");
  const systemFile = wantsSystemFile(plan);
  return async (job) => {
    const text = await prompt.render(job.call.input);
    if (!systemFile || text === "") return serve(plan, job, { text }, parts.subprocess);
    const file = await scratch(parts.files, text, job);
    try {
      return await serve(plan, job, { text, file: file.path }, parts.subprocess);
    } finally {
      await file[Symbol.asyncDispose]();
    }
  };
}

async function serve(
  plan: SubprocessPlan,
  job: WorkerJob,
  system: SystemPrompt,
  host: SubprocessHost,
): Promise<WorkerAnswer> {
  const request = childRequest(plan, job, system, host);
  if (plan.streamMode === undefined) {
    const end = await host.run(request, { ticket: ticketOf(job.call), signal: job.call.signal });
    return plainAnswer(plan, finished(end, request, job, host));
  }
  const stream = new StreamCollector(plan.streamMode, host.limits.frameBytes, job.call.emit);
  return streamedAnswer(stream, request, job, host);
}

async function scratch(files: WorkerFiles, text: string, { call }: WorkerJob): Promise<ScratchFile> {
  try {
    return await files.scratch(`${call.stepId}-${call.attempt}.md`, text);
  } catch (cause) {
    throw new WorkerError(
      "subprocess_spawn",
      `agent '${call.agent}': cannot write its system prompt to a file: ${messageOf(cause)}`,
      { retryable: true, cause },
    );
  }
}

function plainAnswer(plan: SubprocessPlan, report: ChildReport): WorkerAnswer {
  const { value, ok, stats } =
    plan.form === "template" ? readOutput(report, plan.output, plan.model) : readOutput(report, undefined);
  return { value, verdict: ok ? "pass" : "blocked", stats };
}

async function streamedAnswer(
  stream: StreamCollector,
  request: ChildRequest,
  job: WorkerJob,
  host: SubprocessHost,
): Promise<WorkerAnswer> {
  const broken = new AbortController();
  const end = await host.run(request, {
    ticket: ticketOf(job.call),
    signal: AbortSignal.any([job.call.signal, broken.signal]),
    onData(bytes) {
      if (broken.signal.aborted) return;
      try {
        stream.push(bytes);
      } catch (cause) {
        broken.abort(cause);
      }
    },
  });
  if (broken.signal.aborted) throw stopped(broken.signal.reason, request, job);
  const report = finished(end, request, job, host);
  let answer: StreamAnswer;
  try {
    answer = stream.finish(report.exitCode === 0);
  } catch (cause) {
    throw stopped(cause, request, job);
  }
  const { value, ok, parts } = answer;
  const stats = ok ? exitStats(report) : withStderr(exitStats(report), textOf(report.stderr));
  return { value, verdict: ok ? "pass" : "blocked", parts, stats };
}

/** The report of a child that ran to its own end. @throws WorkerError for any other end. */
function finished(end: ChildEnd, request: ChildRequest, { call }: WorkerJob, host: SubprocessHost): ChildReport {
  const who = `agent '${call.agent}'`;
  switch (end.kind) {
    case "refused": {
      const { code, message } = end;
      const advice = code === "E2BIG" ? "; pass the input on standard input instead of as an argument" : "";
      throw new WorkerError(
        "subprocess_spawn",
        `${who}: cannot start '${request.program}' in '${request.cwd}': ${message}${advice}`,
        {
          retryable: PASSING.has(code),
          details: { program: request.program, cwd: request.cwd, errno: code },
        },
      );
    }
    case "lost":
      throw new WorkerError(
        "subprocess_helper_lost",
        `${who}: nobody knows how '${request.program}' ended, the process that started it is gone: ${end.reason}`,
      );
    case "ended": {
      if (!end.report.overflow) return end.report;
      const bytes = request.streamed ? host.limits.streamBytes : host.limits.stdoutBytes;
      throw new WorkerError(
        "subprocess_output_limit",
        `${who}: '${request.program}' printed more than ${bytes} bytes on standard output and was stopped; write large results to a file`,
        {
          details: { program: request.program, limit: bytes },
        },
      );
    }
  }
}

/** A framing error, with who caused it. */
function stopped(cause: unknown, request: ChildRequest, { call }: WorkerJob): unknown {
  if (!(cause instanceof WorkerError)) return cause;
  return new WorkerError(cause.code, `agent '${call.agent}': '${request.program}' broke its stream: ${cause.message}`, {
    cause,
  });
}
