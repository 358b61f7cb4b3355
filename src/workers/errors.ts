/**
 * WorkerError: the one error class of this layer, its codes, and which of them are worth another attempt.
 *
 * A worker's failure reaches the engine as an outcome, never as a rejection: inside this folder a WorkerError is thrown,
 * and the spawner turns it into that outcome. Only misuse of a registry is thrown at the host's own code.
 */
import type { WorkerReport } from "../engine/index.ts";
import type { JsonObject } from "../flow/index.ts";
import type { LuaErrorCode } from "../lua/index.ts";

/**
 * What went wrong, stable across releases. `true`: another attempt may succeed.
 *
 * | code                      | meaning                                                                            |
 * |---------------------------|------------------------------------------------------------------------------------|
 * | `agent_unknown`           | the flow names an agent that the Blueprint does not have                           |
 * | `no_worker`               | this host has no worker of the agent's kind                                        |
 * | `function_unknown`        | the agent's `fn_id` is not registered with this host                               |
 * | `function_duplicate`      | a function of that id is registered already, or the id cannot be one               |
 * | `function_input`          | the step's input does not fit the function's input schema                          |
 * | `function_output`         | the function's answer does not fit its output schema                               |
 * | `function_value`          | the function's answer is not JSON                                                  |
 * | `function_error`          | the function threw                                                                 |
 * | `lua_script_unknown`      | the agent's `fn_id` names no Lua script of this host                               |
 * | `lua_*`                   | the Lua layer's own codes, see src/lua/error.ts                                    |
 * | `subprocess_template`     | a placeholder of the command template has no value                                 |
 * | `subprocess_spawn`        | the program could not be started; the message names program and directory          |
 * | `subprocess_output_limit` | the program printed more than it may                                               |
 * | `subprocess_frame`        | a streaming program broke its framing                                              |
 * | `subprocess_helper_lost`  | the process that starts programs died while this one ran                           |
 * | `operator_error`          | the operator could not have the step done, and says so                             |
 * | `swarm_input`             | the step's input cannot be the input of a child run                                |
 * | `swarm_unknown`           | the Blueprint that the agent names is not kept by this host                        |
 * | `swarm_blueprint`         | the Blueprint that the agent runs does not compile here                            |
 * | `swarm_depth`             | child runs are nested too deep                                                     |
 * | `swarm_children`          | the run has started too many child runs                                            |
 * | `swarm_failed`            | the child run failed; the message says why                                         |
 * | `swarm_cancelled`         | the child run was cancelled by somebody else                                       |
 * | `swarm_lost`              | the child run was put aside, or removed before its end was taken                   |
 * | `swarm_output`            | the child run ended with nothing where the agent takes its answer from             |
 * | `prompt_template`         | the agent's system prompt does not render                                          |
 * | `verdict_rejected`        | the answer breaks the agent's verdict contract                                     |
 * | `check_policy_strict`     | an output could not be written as a file, and check_policy is `strict`             |
 * | `step_timeout`            | the deadline passed                                                                |
 */
const RETRYABLE = {
  agent_unknown: false,
  no_worker: false,
  function_unknown: false,
  function_duplicate: false,
  function_input: false,
  function_output: true,
  function_value: true,
  function_error: true,
  lua_script_unknown: false,
  lua_syntax: false,
  lua_error: true,
  lua_host: true,
  lua_value: false,
  lua_cpu_limit: true,
  lua_memory_limit: false,
  lua_depth_limit: false,
  lua_output_limit: false,
  lua_cancelled: true,
  lua_thread_lost: true,
  lua_busy: true,
  lua_invalid: false,
  subprocess_template: false,
  subprocess_spawn: false,
  subprocess_output_limit: false,
  subprocess_frame: false,
  subprocess_helper_lost: true,
  operator_error: true,
  swarm_input: false,
  swarm_unknown: false,
  swarm_blueprint: false,
  swarm_depth: false,
  swarm_children: false,
  swarm_failed: true,
  swarm_cancelled: false,
  swarm_lost: false,
  swarm_output: false,
  prompt_template: false,
  verdict_rejected: true,
  check_policy_strict: true,
  step_timeout: true,
} as const satisfies Readonly<Record<LuaErrorCode, boolean>> & Readonly<Record<string, boolean>>;

/** See the table above. */
export type WorkerErrorCode = keyof typeof RETRYABLE;

/** Any failure of this layer. `message` names the thing and the way out; `code` is for programs. */
export class WorkerError extends Error {
  override readonly name = "WorkerError";
  readonly code: WorkerErrorCode;
  /** Whether another attempt may succeed; by code unless the case says otherwise. */
  readonly retryable: boolean;
  readonly details: JsonObject;
  /** What the worker had reported when it failed. */
  readonly report: WorkerReport;

  constructor(
    code: WorkerErrorCode,
    message: string,
    more: {
      readonly retryable?: boolean;
      readonly details?: JsonObject;
      readonly report?: WorkerReport;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.retryable = more.retryable ?? RETRYABLE[code];
    this.details = more.details ?? {};
    this.report = more.report ?? {};
  }
}

/** `text` for a message: at most `length` UTF-16 units, with an ellipsis where it was cut. */
export function clip(text: string, length = 200): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}

/** What a caught value says of itself. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
