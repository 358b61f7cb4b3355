/** `swarm-host schedule add`. The Blueprint is checked before anything is opened. */
import type { Json, JsonObject } from "../../flow/index.ts";
import { openHost } from "../../host.ts";
import { type ScheduleBody, scheduleObject, scheduleOrder } from "../../schedule-object.ts";
import { compiledOrRefuse, openWorkshop } from "../checked.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { parseInput } from "../run/initial-ctx.ts";
import { ownerOf } from "../runs/running-host.ts";
import type { Surface } from "../surface.ts";
import { scheduleText } from "./schedule-list.ts";

/** Options as commander gives them. */
export interface AddFlags extends DataDirFlag {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly every?: string;
  readonly at?: string;
  readonly input?: string;
  readonly overlap: NonNullable<ScheduleBody["overlap"]>;
  readonly catchUp: NonNullable<ScheduleBody["catch_up"]>;
  readonly catchUpLimit: number;
  readonly paused?: boolean;
  readonly include?: readonly string[];
  readonly json?: boolean;
}

/** Adds a schedule, and prints it. */
export async function addCommand(
  surface: Surface,
  name: string,
  blueprint: string,
  flags: AddFlags,
): Promise<ExitCode> {
  const body = bodyOf(name, flags);
  const order = scheduleOrder(body, Date.now());
  if (order === undefined) {
    throw new CliError("usage", "it does not say when to fire, or says so twice", {
      hint: "give one of --cron, --every and --at; --time-zone belongs to --cron",
    });
  }
  await using workshop = await openWorkshop(surface, flags.include);
  const compiled = compiledOrRefuse(surface, await workshop.check(blueprint));
  const path = dataDirectory(surface, flags);
  let added: JsonObject;
  try {
    await using host = await openHost({ data: { kind: "directory", path }, env: surface.env, workshop });
    added = scheduleObject(await host.schedules.add(compiled, order));
  } catch (error) {
    const running = await ownerOf(path, error);
    if (running === undefined) throw error;
    const document = JSON.parse(compiled.canonical) as Json;
    added = (await running.ask("POST", "/v1/schedules", { ...body, blueprint: document } as JsonObject)) ?? {};
  }
  await writeResult(surface.stdout, flags.json ? jsonText(added) : scheduleText(surface, added));
  return EXIT.done;
}

function bodyOf(name: string, flags: AddFlags): ScheduleBody {
  const { cron, timeZone, every, at, input, overlap, catchUp, catchUpLimit, paused } = flags;
  return {
    name,
    ...(cron === undefined ? {} : { cron }),
    ...(timeZone === undefined ? {} : { time_zone: timeZone }),
    ...(every === undefined ? {} : { every_ms: durationOf(every) }),
    ...(at === undefined ? {} : { at: timeOf(at) }),
    ...(input === undefined ? {} : { input: parseInput(input, "--input") }),
    overlap,
    catch_up: catchUp,
    catch_up_limit: catchUpLimit,
    ...(paused ? { paused } : {}),
  };
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

function durationOf(text: string): number {
  const [, count, unit = ""] = /^(\d{1,9})([smhd])$/u.exec(text) ?? [];
  const size = UNITS.get(unit);
  if (count !== undefined && size !== undefined) return Number(count) * size;
  throw new CliError("usage", `${JSON.stringify(text)} is no duration`, {
    place: "--every",
    hint: "give a whole number and s, m, h or d, for example 15m",
  });
}

function timeOf(text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/u.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new CliError("usage", `${JSON.stringify(text)} is no time`, {
    place: "--at",
    hint: "give it in ISO 8601 with its offset, for example 2027-01-31T08:00:00+01:00",
  });
}
