/**
 * The plan of a subprocess agent: from its `spec`, or from the template its runner names.
 *
 * A template is checked when an agent uses it; what is wrong with it is said once, however many agents do.
 */
import type { AgentPlan, StreamMode } from "../compiled.ts";
import { nearestName } from "../nearest-name.ts";
import type { Runner, SubprocessDef } from "../schema.ts";
import { PLACEHOLDERS, scanTemplate } from "../subprocess-template.ts";
import { ignoreSpec, type PlannedAgent, refuseSpec, specKey, specText } from "./agent-spec.ts";
import { agentElement, agentPointer, type Compilation, listed, pointerOf } from "./compilation.ts";

const STREAM_MODES: readonly StreamMode[] = ["ndjson_lines", "sse_events", "length_prefixed"];

/** Plans a subprocess agent in one of its two forms. */
export function planSubprocess(compilation: Compilation, planned: PlannedAgent): AgentPlan | undefined {
  const { runner } = planned;
  return runner?.backend === "subprocess" ? planTemplate(compilation, planned, runner) : planSpec(compilation, planned);
}

function planSpec(compilation: Compilation, planned: PlannedAgent): AgentPlan | undefined {
  const program = specText(compilation, planned, "program");
  const streamMode = specText(compilation, planned, "stream_mode");
  const useStdin = specKey(planned, "use_stdin");
  if (useStdin !== undefined && typeof useStdin !== "boolean") {
    ignoreSpec(compilation, planned, "use_stdin", "'use_stdin' is not a boolean");
  }
  const args = specArguments(compilation, planned);
  const mode = STREAM_MODES.find((known) => known === streamMode);
  if (streamMode !== undefined && mode === undefined) {
    refuseSpec(compilation, planned, {
      message: `'${streamMode}' is no stream mode`,
      pointer: agentPointer(planned, "spec", "stream_mode"),
      notes: [`stream modes: ${listed(STREAM_MODES)}`],
    });
  }
  if (program === undefined || program === "") {
    refuseSpec(compilation, planned, {
      message: "a subprocess agent needs spec.program, or a subprocess runner that names a template",
      notes: [`templates: ${listed(templateNames(compilation))}`],
    });
    return undefined;
  }
  if (streamMode !== undefined && mode === undefined) return undefined;
  return {
    kind: "subprocess",
    form: "spec",
    program,
    args,
    useStdin: useStdin !== false,
    ...(mode === undefined ? {} : { streamMode: mode }),
  };
}

function specArguments(compilation: Compilation, planned: PlannedAgent): readonly string[] {
  const args = specKey(planned, "args") ?? [];
  if (!Array.isArray(args)) {
    ignoreSpec(compilation, planned, "args", "'args' is not a list");
    return [];
  }
  const texts = args.filter((arg) => typeof arg === "string");
  if (texts.length < args.length) ignoreSpec(compilation, planned, "args", "'args' has an entry that is not a text");
  return texts;
}

function planTemplate(
  compilation: Compilation,
  planned: PlannedAgent,
  runner: Extract<Runner, { backend: "subprocess" }>,
): AgentPlan | undefined {
  const index = compilation.blueprint.subprocesses.findIndex((definition) => definition.name === runner.template);
  const template = compilation.blueprint.subprocesses[index];
  if (template === undefined) {
    const names = templateNames(compilation);
    const near = nearestName(runner.template, names);
    return refuseSpec(compilation, planned, {
      message: `its runner names the template '${runner.template}', which subprocesses does not have`,
      pointer: `${planned.runnerPointer}/template`,
      notes: [`templates: ${listed(names)}`],
      ...(near === undefined ? {} : { help: `did you mean '${near}'?` }),
    });
  }
  const { agent, profile } = planned;
  const problems = [
    ...templateProblems(template, index),
    ...unknownPlaceholders(runner.overrides.cwd ?? "", `${planned.runnerPointer}/overrides/cwd`),
  ];
  for (const { message, ...place } of problems) {
    compilation.report("invalid-agent-spec", {
      ...place,
      message: `the template '${template.name}' ${message}`,
      element: agentElement(agent.name),
    });
  }
  if (problems.length > 0) return undefined;
  const mode = STREAM_MODES.find((known) => known === template.stream_mode);
  const cwd = runner.overrides.cwd ?? template.cwd;
  const model = runner.overrides.model ?? profile?.model;
  return {
    kind: "subprocess",
    form: "template",
    template: template.name,
    argv: template.argv,
    ...(template.stdin === undefined ? {} : { stdin: template.stdin }),
    env: template.env,
    ...(cwd === undefined ? {} : { cwd }),
    ...(template.output === undefined ? {} : { output: template.output }),
    ...(mode === undefined ? {} : { streamMode: mode }),
    systemPrompt: profile?.system_prompt ?? "",
    ...(model === undefined ? {} : { model }),
    tools: runner.overrides.tools.length > 0 ? runner.overrides.tools : (profile?.tools ?? []),
  };
}

function templateNames(compilation: Compilation): readonly string[] {
  return [...new Set(compilation.blueprint.subprocesses.map((definition) => definition.name))].sort();
}

/** What is wrong with a template, and where. */
interface TemplateProblem {
  readonly message: string;
  readonly pointer: string;
  readonly notes?: readonly string[];
}

function templateProblems(template: SubprocessDef, index: number): readonly TemplateProblem[] {
  const at = (...keys: readonly (string | number)[]): string => pointerOf("subprocesses", index, ...keys);
  const problems: TemplateProblem[] = [];
  if (template.argv.length === 0 || template.argv[0] === "") {
    problems.push({ message: "has no program: argv is empty", pointer: at("argv") });
  }
  const texts: readonly (readonly [string, string])[] = [
    ...template.argv.map((text, position) => [text, at("argv", position)] as const),
    [template.stdin ?? "", at("stdin")],
    ...Object.entries(template.env).map(([name, text]) => [text, at("env", name)] as const),
    [template.cwd ?? "", at("cwd")],
  ];
  for (const [text, pointer] of texts) problems.push(...unknownPlaceholders(text, pointer));
  const { output, stream_mode: streamMode } = template;
  if (streamMode !== undefined && !STREAM_MODES.some((mode) => mode === streamMode)) {
    problems.push({
      message: `has the unknown stream mode '${streamMode}'`,
      pointer: at("stream_mode"),
      notes: [`stream modes: ${listed(STREAM_MODES)}`],
    });
  }
  if (output === undefined) return problems;
  if (streamMode !== undefined) {
    problems.push({ message: "has both output and stream_mode, which exclude each other", pointer: at("output") });
  }
  if (output.format !== undefined && output.format !== "json") {
    problems.push({ message: `has the unknown output format '${output.format}'`, pointer: at("output", "format") });
  }
  if (output.result_ptr !== undefined && !output.result_ptr.startsWith("/")) {
    problems.push({
      message: `has the result_ptr '${output.result_ptr}', which is no JSON pointer`,
      pointer: at("output", "result_ptr"),
      notes: ["a JSON pointer begins with '/'"],
    });
  }
  if (output.ok_from !== undefined && output.ok_from !== "exit_code" && !output.ok_from.startsWith("/")) {
    problems.push({
      message: `takes ok_from '${output.ok_from}', which is neither 'exit_code' nor a JSON pointer`,
      pointer: at("output", "ok_from"),
    });
  }
  return problems;
}

function unknownPlaceholders(text: string, pointer: string): readonly TemplateProblem[] {
  return scanTemplate(text).unknown.map((word) => {
    const near = nearestName(word, PLACEHOLDERS);
    return {
      message: `uses the unknown placeholder {${word}}${near === undefined ? "" : ` (did you mean {${near}}?)`}`,
      pointer,
      notes: [`placeholders: ${PLACEHOLDERS.map((name) => `{${name}}`).join(" ")}`],
    };
  });
}
