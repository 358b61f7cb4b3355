/**
 * `swarm-host runs resume`, `runs fork`, `runs rerun` and `signal`: commands that make a run, or a new one of it, go on.
 *
 * Owns: what each of them asks of the host. Does not own: showing the run and telling its end (../run/drive.ts).
 */

import { randomUUID } from "node:crypto";
import type { CompiledBlueprint } from "../../blueprint/index.ts";
import { ClientError } from "../../client/index.ts";
import { type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import type { DivergencePolicy, ForkSide, Host, RunHandle } from "../../host.ts";
import { compiledOrRefuse, openWorkshop } from "../checked.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { chooseView, type ViewFlags } from "../run/choose-view.ts";
import { type DriveOrder, driveRun, follow } from "../run/drive.ts";
import { applySet } from "../run/initial-ctx.ts";
import { Interrupt } from "../run/interrupt.ts";
import { journalEvents } from "../run/journal-events.ts";
import type { Surface } from "../surface.ts";
import { withHost } from "./open-existing.ts";
import { type RunningHost, runPath } from "./running-host.ts";

/** Options that all of them have, as commander gives them. */
export interface GoOnFlags extends DataDirFlag, ViewFlags {
  readonly detach?: boolean;
  readonly reason?: string;
}

/** Options of `runs resume`. */
export interface ResumeFlags extends GoOnFlags {
  readonly divergence: DivergencePolicy;
}

/** Options of `runs rerun`. */
export interface RerunFlags extends GoOnFlags {
  readonly blueprint?: string;
  readonly include?: readonly string[];
  readonly flow?: ForkSide;
  readonly agents?: ForkSide;
  readonly set?: readonly string[];
}

/** Options of `runs fork`. */
export interface ForkFlags extends RerunFlags {
  readonly from: string;
}

/** Options of `signal`. */
export interface SignalFlags extends GoOnFlags {
  readonly value?: string;
  readonly id?: string;
}

/** Goes on with a run. */
export async function resumeCommand(surface: Surface, runId: string, flags: ResumeFlags): Promise<ExitCode> {
  const { divergence, reason = "resumed on the command line" } = flags;
  const order = { reason, divergence };
  return withHost(surface, dataDirectory(surface, flags), {
    own: async (host) =>
      goOn(surface, flags, host, {
        history: journalEvents(await host.journal(runId)),
        start: (observer) => follow(host, runId, observer, () => host.resume(runId, order)),
      }),
    ask: async (host) => handedOver(surface, flags, await host.ask("POST", runPath(runId, "/resume"), order)),
  });
}

/** Sends a signal. */
export async function signalCommand(
  surface: Surface,
  runId: string,
  name: string,
  flags: SignalFlags,
): Promise<ExitCode> {
  const signal = { name, id: flags.id ?? randomUUID(), value: signalValue(flags.value) };
  return withHost(surface, dataDirectory(surface, flags), {
    own: async (host) =>
      goOn(surface, flags, host, {
        history: journalEvents(await host.journal(runId)),
        start: (observer) => follow(host, runId, observer, () => host.signal(runId, signal)),
      }),
    ask: async (host) => handedOver(surface, flags, await host.ask("POST", runPath(runId, "/signals"), signal)),
  });
}

/** Starts a fork. */
export function forkCommand(surface: Surface, runId: string, flags: ForkFlags): Promise<ExitCode> {
  const { from } = flags;
  return startedFrom(surface, runId, flags, {
    own: (host, options) => host.fork(runId, { ...options, from }),
    ask: (host, body) => host.ask("POST", runPath(runId, "/fork"), { ...body, from }),
  });
}

/** Runs a task again. */
export function rerunCommand(surface: Surface, runId: string, flags: RerunFlags): Promise<ExitCode> {
  return startedFrom(surface, runId, flags, {
    own: (host, options) => host.rerun(runId, options),
    ask: (host, body) => host.ask("POST", runPath(runId, "/rerun"), body),
  });
}

/** Starts a new run of one that exists. The Blueprint is checked before anything is opened. */
async function startedFrom(
  surface: Surface,
  runId: string,
  flags: RerunFlags,
  start: {
    readonly own: (host: Host, options: Parameters<Host["rerun"]>[1]) => Promise<RunHandle>;
    readonly ask: (host: RunningHost, body: JsonObject) => Promise<JsonObject | null>;
  },
): Promise<ExitCode> {
  await using workshop = await openWorkshop(surface, flags.include);
  const head: CompiledBlueprint | undefined =
    flags.blueprint === undefined ? undefined : compiledOrRefuse(surface, await workshop.check(flags.blueprint));
  const { flow, agents, set = [] } = flags;
  const sides = { ...(flow === undefined ? {} : { flow }), ...(agents === undefined ? {} : { agents }) };
  const path = dataDirectory(surface, flags);
  const ctx = (initial: Json): Json => set.reduce<Json>(applySet, initial);
  const act = {
    own: (host: Host): Promise<ExitCode> =>
      goOn(surface, flags, host, {
        start: (observer) => start.own(host, { ...sides, observer, ctx, ...(head === undefined ? {} : { head }) }),
      }),
    ask: async (host: RunningHost): Promise<ExitCode> => {
      const body = {
        ...sides,
        ...(head === undefined ? {} : { blueprint: JSON.parse(head.canonical) as Json }),
        ...(set.length === 0 ? {} : { ctx: ctx(await initialCtx(path, runId)) }),
      };
      return handedOver(surface, flags, await start.ask(host, body));
    },
  };
  return await withHost(surface, path, act, { workshop });
}

/** The ctx a run was started with. */
async function initialCtx(path: string, runId: string): Promise<Json> {
  const { openRecords } = await import("../../run-records.ts");
  await using open = await openRecords(path);
  return (await open.records.journal(runId))[0]?.value ?? {};
}

/** The running host goes on with it: all that is left to tell is which run it is. */
async function handedOver(surface: Surface, flags: GoOnFlags, row: JsonObject | null): Promise<ExitCode> {
  const runId = row === null ? undefined : ownValue(row, "run_id");
  if (typeof runId !== "string") throw new ClientError("answer_invalid", "the host's answer names no run");
  if (!flags.quiet) surface.stderr.write(`the host that is running there goes on with run ${runId}\n`);
  await writeResult(surface.stdout, flags.json ? jsonText({ run_id: runId }) : `${runId}\n`);
  return EXIT.done;
}

async function goOn(
  surface: Surface,
  flags: GoOnFlags,
  host: Host,
  order: Pick<DriveOrder, "start" | "history">,
): Promise<ExitCode> {
  if (flags.detach) {
    const { runId } = await order.start(() => {});
    await writeResult(surface.stdout, flags.json ? jsonText({ run_id: runId }) : `${runId}\n`);
    return EXIT.done;
  }
  const view = await chooseView(surface, flags);
  using interrupt = new Interrupt(surface, {
    onCancel: () =>
      view.notice({ level: "warning", code: "cancelling", message: "cancelling: once more to leave at once" }),
    beforeExit: () => view.end(),
  });
  try {
    return await driveRun(surface, { ...order, host, view, flags, interrupt, untilWaiting: true });
  } finally {
    view.end();
  }
}

function signalValue(text: string | undefined): Json {
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new CliError("bad_input", `the value is not JSON: ${(cause as Error).message}`, {
      place: "--value",
      hint: `give JSON; a text is written '"text"'`,
      cause,
    });
  }
}
