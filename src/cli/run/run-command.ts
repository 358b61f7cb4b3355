/**
 * `swarm-host run <blueprint>`.
 *
 * Owns: the order: read the input, check the Blueprint, open the host, launch, show, tell the end.
 *
 * C1  Nothing is made or changed before the input and the Blueprint are known to be good.
 * C2  Standard output gets the result and nothing else: the final ctx, or with `--json` one object, whatever happened.
 * C3  The result is durable before it is printed.
 */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { CompiledBlueprint } from "../../blueprint/index.ts";
import type { DataLocation, Host, RunEvent, RunResult } from "../../host.ts";
import type { CheckedBlueprint } from "../../workshop.ts";
import { compiledOrRefuse, openWorkshop, refusal } from "../checked.ts";
import { CliError } from "../cli-error.ts";
import { type ErrorReport, errorLines, reportError } from "../error-report.ts";
import type { ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { count, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { readText, reason } from "../text-file.ts";
import { readInput } from "./initial-ctx.ts";
import { Interrupt } from "./interrupt.ts";
import { errorObject, type FailureContext, failureReport, type RunIdentity, resultObject, runExit } from "./run-end.ts";
import type { RunView } from "./run-view.ts";
import { StepLog } from "./step-log.ts";

/** Options as commander gives them. */
export interface RunFlags {
  readonly input?: string;
  readonly inputFile?: string;
  readonly set?: readonly string[];
  readonly dataDir?: string;
  readonly ephemeral?: boolean;
  readonly relaxed?: boolean;
  readonly include?: readonly string[];
  readonly workDir?: string;
  readonly projectRoot?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** Runs a Blueprint to its end. */
export async function runCommand(surface: Surface, blueprint: string, flags: RunFlags): Promise<ExitCode> {
  const view = await chooseView(surface, flags);
  using interrupt = new Interrupt(surface, {
    onCancel: () => view.notice({ level: "warning", code: "cancelling", message: "a second signal leaves at once" }),
    beforeExit: () => view.end(),
  });
  const progress: { checked?: CheckedBlueprint; run?: RunIdentity } = {};
  try {
    const set = flags.set ?? [];
    const input = await readInput({ ...flags, set }, (file, limit) =>
      readText(file === "-" ? file : resolve(surface.cwd, file), limit, surface.stdin),
    );
    // Not the current directory unless asked: a run that has a root writes its step outputs below it.
    const { projectRoot, workDir } = flags;
    const taskInput = {
      ...(projectRoot === undefined ? {} : { project_root: await directory(surface, projectRoot, "--project-root") }),
      ...(workDir === undefined ? {} : { work_dir: await directory(surface, workDir, "--work-dir") }),
    };
    await using workshop = await openWorkshop(surface, flags.include);
    // Loaded while the check waits for its Lua thread.
    const hostModule = import("../../host.ts");
    const checked = await workshop.check(blueprint);
    progress.checked = checked;
    const compiled = flags.json ? compiledOrThrow(checked) : compiledOrRefuse(surface, checked);
    noteFindings(view, checked);
    const { openHost } = await hostModule;
    await using host = await openHost({ data: dataLocation(surface, flags), workshop, env: surface.env });
    noteDurability(view, host);

    const steps = new StepLog();
    const shown = heldBack(view);
    interrupt.launching();
    const run = await host.launch(compiled, {
      ...(input === undefined ? {} : { input }),
      taskInput,
      observer: (event) => {
        steps.apply(event);
        shown.event(event);
      },
    });
    const identity = { runId: run.runId, blueprintId: compiled.blueprint.id, version: compiled.version };
    progress.run = identity;
    shown.begin(identity);
    interrupt.watch(run);
    const result = await run.result;
    view.end();
    if (flags.json) await writeResult(surface.stdout, jsonText(resultObject(identity, result, steps.toJson())));
    else if (result.status === "done") await writeResult(surface.stdout, jsonText(result.ctx));
    if (result.status === "failed") {
      const said = steps.messageOf(result.error.key);
      tellFailure(surface, flags, result, checked, { flow: compiled.program.root, said });
    }
    return runExit(result, interrupt.signal);
  } catch (error) {
    view.end();
    if (!flags.json) throw error;
    const report = reportError(error);
    sayError(surface, flags, report, error);
    if (!(error instanceof CliError && error.code === "output_failed")) {
      await writeResult(
        surface.stdout,
        jsonText(errorObject(report, progress.run, progress.checked?.diagnostics ?? [])),
      );
    }
    return report.exit;
  }
}

/** Events come before the run's name is known, which is when its start is durable: they are kept until then. */
function heldBack(view: RunView): Pick<RunView, "begin" | "event"> {
  let early: RunEvent[] | undefined = [];
  return {
    event(event) {
      if (early === undefined) view.event(event);
      else early.push(event);
    },
    begin(title) {
      view.begin(title);
      for (const event of early ?? []) view.event(event);
      early = undefined;
    },
  };
}

async function chooseView(surface: Surface, flags: RunFlags): Promise<RunView> {
  const { stderr, env, now } = surface;
  const style = styleFor(stderr, env);
  if (flags.json) return (await import("./json-view.ts")).jsonView(stderr, flags.quiet === true);
  if (flags.quiet) return (await import("./plain-view.ts")).quietView(stderr, style);
  // A terminal that does not know its size cannot be drawn on.
  const drawable =
    stderr.isTTY === true && env["TERM"] !== "dumb" && (stderr.columns ?? 0) > 0 && (stderr.rows ?? 0) > 0;
  if (!drawable || flags.verbose) {
    return (await import("./plain-view.ts")).plainView(stderr, style, flags.verbose === true);
  }
  const every = (ms: number, tick: () => void): (() => void) => {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  };
  return (await import("./live-view.ts")).liveView({ output: stderr, style, now, every });
}

/** As `compiledOrRefuse`, for programs: the findings go into the result object instead of being printed. */
function compiledOrThrow(checked: CheckedBlueprint): CompiledBlueprint {
  if (checked.compiled !== undefined) return checked.compiled;
  throw refusal(checked);
}

function noteFindings(view: RunView, { file, diagnostics, printed }: CheckedBlueprint): void {
  for (const line of printed) view.notice({ level: "info", code: "printed", message: `${file} printed: ${line}` });
  const warnings = diagnostics.filter(({ level }) => level === "warn").length;
  if (warnings === 0) return;
  const message = `${count(warnings, "warning")} about ${file}: see \`swarm-host bp lint ${file}\``;
  view.notice({ level: "info", code: "blueprint_warnings", message });
}

function noteDurability(view: RunView, host: Host): void {
  if (host.durability !== "relaxed") return;
  const message =
    "relaxed durability: steps are not waited onto the disk; a power loss may take the last ones of this run";
  view.notice({ level: "warning", code: "relaxed_durability", message });
}

function dataLocation({ env, cwd }: Surface, flags: RunFlags): DataLocation {
  if (flags.ephemeral) return { kind: "ephemeral" };
  const path = resolve(cwd, flags.dataDir ?? (env["SWARM_HOST_DATA_DIR"] || ".swarm-host"));
  return { kind: "directory", path, durability: flags.relaxed ? "relaxed" : "full" };
}

async function directory({ cwd }: Surface, path: string, option: string): Promise<string> {
  const absolute = resolve(cwd, path);
  try {
    if ((await stat(absolute)).isDirectory()) return absolute;
  } catch (cause) {
    throw new CliError("usage", `${path}: ${reason(cause)}`, {
      place: option,
      hint: "give a directory that exists",
      cause,
    });
  }
  throw new CliError("usage", `${path} is not a directory`, { place: option, hint: "give a directory" });
}

function tellFailure(
  surface: Surface,
  flags: RunFlags,
  result: Extract<RunResult, { status: "failed" }>,
  checked: CheckedBlueprint,
  context: Pick<FailureContext, "flow" | "said">,
): void {
  const locate = (pointer: string): string | undefined => {
    const position = checked.sourceMap.position(pointer);
    return position === undefined ? undefined : `${position.file}:${position.line}`;
  };
  sayError(surface, flags, failureReport(result.error, { ...context, locate }));
}

function sayError(surface: Surface, flags: RunFlags, report: ErrorReport, error?: unknown): void {
  const { exit: _exit, ...told } = report;
  if (flags.json) surface.stderr.write(`${JSON.stringify({ type: "error", ...told })}\n`);
  else {
    const verbose = flags.verbose && error !== undefined ? { error } : undefined;
    surface.stderr.write(`${errorLines(report, styleFor(surface.stderr, surface.env), verbose).join("\n")}\n`);
  }
}
