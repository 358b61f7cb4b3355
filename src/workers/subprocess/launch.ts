/**
 * From an agent's plan to the program, arguments, input, environment and directory of one child.
 *
 * L1  Nothing passes a shell; values are put into arguments whole and are never scanned for placeholders again.
 * L2  A child runs in its template's `cwd`, else in the step's work_dir, else project_root, else where the host runs.
 */
import { isAbsolute, resolve } from "node:path";
import type { AgentPlan } from "../../blueprint/compiled.ts";
import { BlueprintError } from "../../blueprint/errors.ts";
import { type PlaceholderValues, renderTemplate, scanTemplate } from "../../blueprint/subprocess-template.ts";
import { directiveText } from "../directive.ts";
import { WorkerError } from "../errors.ts";
import type { WorkerJob } from "../worker.ts";
import { stepEnvironment } from "./environment.ts";
import type { ChildRequest, SubprocessHost } from "./subprocess-host.ts";

/** The plan of a subprocess agent. */
export type SubprocessPlan = Extract<AgentPlan, { readonly kind: "subprocess" }>;
type TemplatePlan = Extract<SubprocessPlan, { readonly form: "template" }>;

/** The parts of a system prompt that a template may ask for. */
export interface SystemPrompt {
  readonly text: string;
  /** Path of a file with the text, where the template uses `{system_file}` and there is a system prompt. */
  readonly file?: string;
}

/** Whether the plan's templates use `{system_file}`. */
export function wantsSystemFile(plan: SubprocessPlan): boolean {
  return plan.form === "template" && templatesOf(plan).some((text) => scanTemplate(text).used.includes("system_file"));
}

/**
 * The child of one attempt.
 * @throws WorkerError `subprocess_template` naming the placeholder that has no value, and the cure.
 */
export function childRequest(
  plan: SubprocessPlan,
  job: WorkerJob,
  system: SystemPrompt,
  host: Pick<SubprocessHost, "environment" | "cwd">,
): ChildRequest {
  const { call, view } = job;
  const prompt = directiveText(call.input);
  const workDir = view.work_dir ?? view.project_root;
  const home = workDir === undefined ? host.cwd : resolve(host.cwd, workDir);
  const environment = { ...host.environment, ...stepEnvironment(call) };
  const streamed = plan.streamMode !== undefined;
  if (plan.form === "spec") {
    const { program, args, useStdin } = plan;
    if (useStdin) return { program, args, stdin: prompt, env: environment, cwd: home, streamed };
    return { program, args: [...args, prompt], env: environment, cwd: home, streamed };
  }
  const values: PlaceholderValues = {
    system: system.text,
    ...(system.file === undefined ? {} : { system_file: system.file }),
    prompt,
    ...(plan.model === undefined ? {} : { model: plan.model }),
    tools_csv: plan.tools.join(","),
    ...(workDir === undefined ? {} : { work_dir: home }),
    task_id: call.stepId,
    attempt: String(call.attempt),
  };
  const render = (text: string): string => rendered(plan, call.agent, text, values);
  const [program = "", ...args] = plan.argv.map(render);
  const cwd = plan.cwd === undefined ? home : render(plan.cwd);
  const added = Object.entries(plan.env).map(([name, text]) => [name, render(text)] as const);
  return {
    program,
    args,
    env: { ...environment, ...Object.fromEntries(added) },
    cwd: isAbsolute(cwd) ? cwd : resolve(home, cwd),
    ...(plan.stdin === undefined ? {} : { stdin: render(plan.stdin) }),
    streamed,
  };
}

function templatesOf({ argv, stdin, env, cwd }: TemplatePlan): string[] {
  return [...argv, stdin, ...Object.values(env), cwd].filter((text) => text !== undefined);
}

function rendered(plan: TemplatePlan, agent: string, text: string, values: PlaceholderValues): string {
  try {
    return renderTemplate(text, values);
  } catch (cause) {
    if (!(cause instanceof BlueprintError)) throw cause;
    const place = `agent '${agent}', template '${plan.template}'`;
    const cure = wantsSystemFile(plan) && values.system === "" ? "; an empty system prompt makes no file" : "";
    throw new WorkerError("subprocess_template", `${place}: ${cause.message}${cure}`, { cause });
  }
}
