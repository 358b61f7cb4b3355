/**
 * The spawner: the innermost Dispatch of a Blueprint, which hands every attempt to its agent's worker.
 *
 * Owns: the routing by agent, and the way from a worker's answer to the step's outcome: fold, skip, verdict, files.
 * Does not own: what layers around it supply (src/middleware: context tiers, the opened `$step_meta` envelope).
 *
 * Z1  It rejects only on a defect; every expected failure is an outcome.
 * Z2  An answer that the verdict contract refuses leaves no file.
 */
import type { CompiledAgent, CompiledBlueprint } from "../blueprint/compiled.ts";
import { type Clock, type Dispatch, reportOf, type StepCall, type StepOutcome } from "../engine/index.ts";
import type { ChildRuns } from "./child-runs.ts";
import { contextView } from "./context.ts";
import { withDeadline } from "./deadline.ts";
import { WorkerError } from "./errors.ts";
import type { WorkerFiles } from "./files.ts";
import { foldAnswer, foldMode, foldValue } from "./fold.ts";
import { functionWorker } from "./function.ts";
import type { FunctionRegistry } from "./function-registry.ts";
import { type LuaParts, luaWorker } from "./lua.ts";
import { operatorWorker } from "./operator.ts";
import type { OperatorRequests } from "./operator-task.ts";
import { type CheckPolicy, project, rootOf } from "./projection.ts";
import { skippedValue } from "./skip-marker.ts";
import { subprocessWorker } from "./subprocess/index.ts";
import type { SubprocessHost } from "./subprocess/subprocess-host.ts";
import { swarmWorker } from "./swarm.ts";
import { checkVerdict } from "./verdict.ts";
import { failureOutcome, stopOutcome, type Worker, type WorkerAnswer } from "./worker.ts";

/** What workers need of the host. */
export interface SpawnerParts extends LuaParts {
  readonly functions: FunctionRegistry;
  readonly subprocess: SubprocessHost;
  readonly files: WorkerFiles;
  readonly clock: Pick<Clock, "now" | "timer">;
  /** Where steps go that are done outside. Absent: this host has no operators. */
  readonly operators?: OperatorRequests;
  /** Where steps go that another swarm does. Absent: this host runs none. */
  readonly children?: ChildRuns;
  /** What a failure to write an output file means, where the launch says so. Default: the Blueprint's, else `warn`. */
  readonly checkPolicy?: CheckPolicy;
}

interface Route {
  readonly agent: CompiledAgent;
  readonly worker: Worker;
  /** The canonical name of the agent's outputs. */
  readonly outputName: string;
}

/** A spawner for all runs of one Blueprint version. */
export function createSpawner(compiled: CompiledBlueprint, parts: SpawnerParts): Dispatch {
  const policy = parts.checkPolicy ?? compiled.blueprint.check_policy ?? "warn";
  const routes = new Map<string, Route>();
  for (const agent of compiled.agents.values()) {
    const outputName = compiled.naming.canonical.get(agent.name) ?? agent.name;
    routes.set(agent.name, { agent, worker: workerOf(agent, parts), outputName });
  }

  const settle = async (route: Route, call: StepCall, answer: WorkerAnswer): Promise<StepOutcome> => {
    const { agent, outputName } = route;
    const { verdict, parts: staged } = answer;
    const report = reportOf(answer);
    const mode = foldMode(call.context);
    const out = foldValue(answer.value, mode);
    const skipped = verdict === "pass" ? skippedValue(out) : undefined;
    if (verdict === "skip" || skipped !== undefined) {
      return { kind: "skip", value: skipped === undefined ? out : skipped.value, ...report };
    }
    try {
      if (verdict === "pass" && agent.verdict !== undefined && answer.unjudged !== true)
        checkVerdict(agent.name, agent.verdict, answer.value, staged);
      if (policy === "strict" || rootOf(compiled.placement, call.context) !== undefined) {
        const projection = { call, name: outputName, ok: verdict === "pass", value: out };
        await project(staged === undefined ? projection : { ...projection, parts: staged }, {
          placement: compiled.placement,
          files: parts.files,
          policy,
        });
      }
    } catch (cause) {
      if (cause instanceof WorkerError) return failureOutcome(cause, { value: answer.value, ...report });
      throw cause;
    }
    return { kind: verdict, value: foldAnswer(out, staged, mode), ...report };
  };

  const attempt = async (route: Route, call: StepCall): Promise<StepOutcome> => {
    const { signal } = call;
    // What was asked for outside in an earlier life must be withdrawn, by the only one who can.
    if (signal.aborted && route.agent.kind !== "operator" && route.agent.kind !== "swarm") return stopOutcome(signal);
    let answer: WorkerAnswer;
    try {
      answer = await route.worker({ call, view: contextView(call, route.agent.contextPolicy) });
    } catch (cause) {
      if (signal.aborted) return stopOutcome(signal);
      if (cause instanceof WorkerError)
        return cause.code === "lua_cancelled" ? { kind: "cancelled" } : failureOutcome(cause);
      throw cause;
    }
    return signal.aborted ? stopOutcome(signal) : settle(route, call, answer);
  };

  return async function spawn(call) {
    const route = routes.get(call.agent);
    if (route === undefined) return failureOutcome(unknownAgent(call.agent, [...routes.keys()]));
    if (call.deadline === undefined) return attempt(route, call);
    const timed = withDeadline(call, call.deadline, parts.clock);
    try {
      return await attempt(route, timed.call);
    } finally {
      timed.clear();
    }
  };
}

function unknownAgent(name: string, known: readonly string[]): WorkerError {
  const listed = known.length === 0 ? "none" : known.map((agent) => `'${agent}'`).join(", ");
  return new WorkerError(
    "agent_unknown",
    `the flow names the agent '${name}', which the Blueprint does not have; it has ${listed}`,
  );
}

function workerOf(agent: CompiledAgent, parts: SpawnerParts): Worker {
  const { plan } = agent;
  switch (plan.kind) {
    case "lua":
      return luaWorker(agent, plan, parts);
    case "function":
      return functionWorker(plan, parts.functions);
    case "subprocess":
      return subprocessWorker(agent, plan, parts);
    case "operator":
      return parts.operators === undefined ? absent(agent) : operatorWorker(agent, plan, parts.operators);
    case "swarm":
      return parts.children === undefined ? absent(agent) : swarmWorker(agent, plan, parts.children);
    case "agent_block":
    case "llm":
      return absent(agent);
  }
}

function absent({ name, plan: { kind } }: CompiledAgent): Worker {
  return async () => {
    throw new WorkerError(
      "no_worker",
      `agent '${name}' is of kind '${kind}', for which this host has no worker; make it a lua, function or subprocess agent, or run it on a host that has one`,
      { details: { agent: name, kind } },
    );
  };
}
