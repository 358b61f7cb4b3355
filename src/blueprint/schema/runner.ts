/** Schema of how agents are run: runners, the registry of runners, and templates of child processes. */
import { type TUnsafe, Type } from "@sinclair/typebox";
import { closed, defaulted, mapOf, maybe, tagged, text, texts } from "./object.ts";

const backend = <const B extends string>(name: B, description: string): TUnsafe<B> =>
  Type.Unsafe(Type.Literal(name, { description }));

export const SubprocessOverridesSchema = closed(
  "SubprocessOverrides",
  "What one agent changes of its subprocess template.",
  {
    model: maybe(text("Model for `{model}`, over `profile.model`.")),
    tools: defaulted(texts("Tools for `{tools_csv}`, over `profile.tools`; an empty list changes nothing."), []),
    cwd: maybe(text("Working directory, over the template's `cwd`.")),
  },
);

const operatorFields = {
  variant: text("Which kind of worker the operator is to launch.", { examples: ["general"] }),
  tools: defaulted(texts("The tools this agent asks for, at least."), []),
};

export const RunnerSchema = tagged("Runner", "backend", "Who runs an agent, told apart by `backend`.", [
  closed("WsOperatorRunner", "An operator attached over WebSocket, whatever program it is.", {
    backend: backend("ws_operator", "An operator attached over WebSocket."),
    ...operatorFields,
  }),
  closed("WsClaudeCodeRunner", "An operator attached over WebSocket through a Claude Code wrapper.", {
    backend: backend("ws_claude_code", "A Claude Code wrapper attached over WebSocket."),
    ...operatorFields,
  }),
  closed("AgentBlockRunner", "An LLM agent inside the host.", {
    backend: backend("agent_block_in_process", "An LLM agent inside the host."),
    tools: defaulted(texts("The tools the agent may use, exactly these; an empty list grants none."), []),
  }),
  closed("SubprocessRunner", "A child process made from a template.", {
    backend: backend("subprocess", "A child process made from a template."),
    template: text("Name of an entry of `subprocesses`."),
    overrides: defaulted(SubprocessOverridesSchema, { tools: [] }),
  }),
]);

export const RunnerDefSchema = closed(
  "RunnerDef",
  "A runner under a name, for `agents[].runner_ref` and `default_runner`.",
  {
    name: text("Name that references use; unique among `runners`."),
    runner: RunnerSchema,
  },
);

export const SubprocessStatsSchema = closed(
  "SubprocessStats",
  "Where usage figures are found in the process's JSON output; a miss is silent.",
  {
    usage_ptr: maybe(text("RFC 6901 pointer to an object of token counts.", { examples: ["/usage"] })),
    model_ptr: maybe(text("RFC 6901 pointer to the model's name.", { examples: ["/model"] })),
    num_turns_ptr: maybe(text("RFC 6901 pointer to the number of turns.", { examples: ["/num_turns"] })),
  },
);

export const SubprocessOutputSchema = closed(
  "SubprocessOutput",
  "How the process's standard output becomes the step's value.",
  {
    format: maybe(
      text("`json`: the output must be JSON. Absent: JSON where it parses, else `{raw, stderr}`.", {
        examples: ["json"],
      }),
    ),
    result_ptr: maybe(text("RFC 6901 pointer to the value inside the JSON output.", { examples: ["/result"] })),
    ok_from: maybe(
      text("What says the step passed: `exit_code` (default), or an RFC 6901 pointer to a boolean.", {
        examples: ["exit_code", "/ok"],
      }),
    ),
    stats: maybe(SubprocessStatsSchema),
  },
);

export const SubprocessDefSchema = closed(
  "SubprocessDef",
  "A template of a child process. Placeholders in `argv`, `stdin`, `env` values and `cwd`: {system} {system_file} {prompt} {model} {tools_csv} {work_dir} {task_id} {attempt}. Any other braces are literal text.",
  {
    name: text("Name that runners use; unique among `subprocesses`."),
    argv: texts("The program and its arguments; no shell is involved."),
    stdin: maybe(text("Text piped to the process; absent: end of file at once.", { examples: ["{prompt}"] })),
    env: defaulted(
      mapOf(Type.String(), "Environment variables to add. Values may hold placeholders, names may not."),
      {},
    ),
    cwd: maybe(text("Working directory.", { examples: ["{work_dir}"] })),
    output: maybe(SubprocessOutputSchema),
    stream_mode: maybe(
      text("Framing of a process that reports while it works. Not together with `output`.", {
        examples: ["ndjson_lines", "sse_events", "length_prefixed"],
      }),
    ),
  },
);
