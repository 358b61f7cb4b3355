/**
 * `swarm-host run` where a host is running on the data directory: that host runs it, and this process watches.
 *
 * O1  The first signal cancels the run, as it does where this process runs it.
 * O2  What only the process that runs it can do (`--relaxed`, `--work-dir`, `--project-root`) is refused.
 */
import type { CompiledBlueprint } from "../../blueprint/index.ts";
import { ClientError } from "../../client/index.ts";
import { type Json, ownValue } from "../../flow/index.ts";
import { CliError } from "../cli-error.ts";
import type { ExitCode } from "../exit-code.ts";
import { type RunningHost, runPath } from "../runs/running-host.ts";
import { watchRun } from "../runs/runs-watch.ts";
import type { Surface } from "../surface.ts";
import type { ViewFlags } from "./choose-view.ts";
import type { Interrupt } from "./interrupt.ts";
import type { RunView } from "./run-view.ts";

/** What is handed over, and how it is watched. */
export interface HandedRun {
  readonly host: RunningHost;
  /** The data directory. */
  readonly path: string;
  readonly compiled: CompiledBlueprint;
  readonly input?: Json;
  readonly idempotencyKey?: string;
  readonly view: RunView;
  readonly interrupt: Interrupt;
  readonly flags: ViewFlags & {
    readonly relaxed?: boolean;
    readonly workDir?: string;
    readonly projectRoot?: string;
  };
}

/** Hands the run over and watches it to its end, which the exit code tells. */
export async function runOnHost(surface: Surface, order: HandedRun): Promise<ExitCode> {
  const { host, path, compiled, input, idempotencyKey, view, interrupt, flags } = order;
  refuseOwnOptions(path, flags);
  interrupt.launching();
  const body = { blueprint: JSON.parse(compiled.canonical) as Json, ...(input === undefined ? {} : { input }) };
  const key = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
  const row = await host.ask("POST", "/v1/runs", body, key);
  const runId = row === null ? undefined : ownValue(row, "run_id");
  if (typeof runId !== "string") throw new ClientError("answer_invalid", "the host's answer names no run");
  view.notice({ level: "info", code: "handed_over", message: `the host at ${host.address.url} runs it` });
  interrupt.watch({
    cancel: async ({ reason }) => void (await host.ask("POST", runPath(runId, "/cancel"), { reason })),
  });
  return watchRun(surface, runId, flags, { path, view, signal: () => interrupt.signal });
}

/** O2. */
function refuseOwnOptions(path: string, { relaxed, workDir, projectRoot }: HandedRun["flags"]): void {
  const given = Object.entries({ "--relaxed": relaxed, "--work-dir": workDir, "--project-root": projectRoot });
  for (const [option, value] of given) {
    if (value === undefined) continue;
    throw new CliError("usage", `${option} cannot be asked of the host that is running on ${path}`, {
      place: option,
      hint: "leave it out, or use another directory with --data-dir",
    });
  }
}
