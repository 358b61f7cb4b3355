/**
 * `swarm-host run <blueprint>`.
 *
 * Owns: the order: read the input, check the Blueprint, open the host, launch. Does not own: showing the run and telling
 * its end (drive.ts).
 *
 * C1  Nothing is made or changed before the input and the Blueprint are known to be good.
 * C2  Standard output gets the result and nothing else: the final ctx, or with `--json` one object, whatever happened.
 * C3  The result is durable before it is printed.
 */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { CompiledBlueprint } from "../../blueprint/index.ts";
import type { DataLocation, Host, RunHandle, RunObserver } from "../../host.ts";
import type { CheckedBlueprint } from "../../workshop.ts";
import { compiledOrRefuse, openWorkshop, refusal } from "../checked.ts";
import { CliError } from "../cli-error.ts";
import { dataDirectory } from "../data-directory.ts";
import { reportError } from "../error-report.ts";
import type { ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import type { RunningHost } from "../runs/running-host.ts";
import { count } from "../style.ts";
import type { Surface } from "../surface.ts";
import { readText, reason } from "../text-file.ts";
import { chooseView } from "./choose-view.ts";
import { driveRun, goOn, sayError } from "./drive.ts";
import { readInput } from "./initial-ctx.ts";
import { Interrupt } from "./interrupt.ts";
import { errorObject, type FailurePlace, type RunIdentity } from "./run-end.ts";
import type { RunView } from "./run-view.ts";

/** Options as commander gives them. */
export interface RunFlags {
  readonly input?: string;
  readonly inputFile?: string;
  readonly set?: readonly string[];
  readonly dataDir?: string;
  readonly idempotencyKey?: string;
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
    checkKey(flags.idempotencyKey);
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
    const hostModule = loadHost(flags);
    const checked = await workshop.check(blueprint);
    progress.checked = checked;
    const compiled = flags.json ? compiledOrThrow(checked) : compiledOrRefuse(surface, checked);
    noteFindings(view, checked);
    const { openHost } = await hostModule;
    const data = dataLocation(surface, flags);
    // What is kept can be served later; what is not, no operator will ever reach.
    const attended = data.kind === "directory";
    const opened = await openHost({ data, workshop, env: surface.env, attended }).catch((error: unknown) =>
      runningHost(data, error),
    );
    const idempotencyKey = flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey };
    if ("ask" in opened) {
      const { runOnHost } = await import("./run-on-host.ts");
      const order = { host: opened, path: dataDirectory(surface, flags), compiled, view, interrupt, flags };
      return await runOnHost(surface, { ...order, ...(input === undefined ? {} : { input }), ...idempotencyKey });
    }
    await using host = opened;
    noteDurability(view, host);

    const key = flags.idempotencyKey;
    const earlier = key === undefined ? undefined : await host.launchedWith(key);
    const isEphemeral = data.kind === "ephemeral";
    const known = { view, host, flags, interrupt, isEphemeral, began: (run: RunIdentity) => (progress.run = run) };
    if (earlier !== undefined) {
      const message = `run ${earlier.runId} was started with this key before`;
      view.notice({ level: "info", code: "run_exists", message });
      return await driveRun(surface, { ...known, ...(await goOn(host, earlier)) });
    }
    const place = failurePlace(checked);
    const start = (observer: RunObserver): Promise<RunHandle> =>
      host.launch(compiled, {
        ...(input === undefined ? {} : { input }),
        ...idempotencyKey,
        taskInput,
        observer,
      });
    return await driveRun(surface, { ...known, start, ...(place === undefined ? {} : { place }) });
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

async function loadHost({ ephemeral }: RunFlags): Promise<typeof import("../../host.ts")> {
  const module = await import("../../host.ts");
  await module.loadStores(ephemeral ? "ephemeral" : "directory");
  return module;
}

function checkKey(key: string | undefined): void {
  if (key === undefined || (key.length > 0 && key.length <= 200)) return;
  throw new CliError("usage", `a key has 1 to 200 characters, not ${key.length}`, {
    place: "--idempotency-key",
    hint: "give a shorter name that is this launch's own",
  });
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

/** The host that has the directory. Loaded only then: a run of its own speaks to nobody. */
async function runningHost(data: DataLocation, error: unknown): Promise<RunningHost> {
  if (data.kind !== "directory" || !isLocked(error)) throw error;
  const { ownerOf } = await import("../runs/running-host.ts");
  const running = await ownerOf(data.path, error);
  if (running === undefined) throw error;
  return running;
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "store_locked";
}

function dataLocation(surface: Surface, flags: RunFlags): DataLocation {
  if (flags.ephemeral) return { kind: "ephemeral" };
  return { kind: "directory", path: dataDirectory(surface, flags), durability: flags.relaxed ? "relaxed" : "full" };
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

/** Where the author wrote what the run's failure names. */
function failurePlace({ compiled, sourceMap }: CheckedBlueprint): FailurePlace | undefined {
  if (compiled === undefined) return undefined;
  const locate = (pointer: string): string | undefined => {
    const position = sourceMap.position(pointer);
    return position === undefined ? undefined : `${position.file}:${position.line}`;
  };
  return { flow: compiled.program.root, locate };
}
