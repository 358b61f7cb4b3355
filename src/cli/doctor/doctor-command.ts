/** `swarm-host doctor`: what a run needs, checked one by one. */
import { resolve } from "node:path";
import { packageVersion } from "../../package-version.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { oneLine, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { type Check, type CheckReport, runChecks } from "./check.ts";
import {
  checkDatabase,
  checkDataDirectory,
  checkGit,
  checkNode,
  checkSqlite,
  checkTerminal,
} from "./machine-checks.ts";
import { checkAgent, childAgent, luaAgent } from "./self-test.ts";

/** Options as commander gives them. */
export interface DoctorFlags {
  readonly dataDir?: string;
  readonly full?: boolean;
  readonly json?: boolean;
}

/** Runs every check and prints what was found. 1 where a check fails. */
export async function doctorCommand(surface: Surface, flags: DoctorFlags): Promise<ExitCode> {
  const dataDir = resolve(surface.cwd, flags.dataDir ?? (surface.env["SWARM_HOST_DATA_DIR"] || ".swarm-host"));
  const reports = await runChecks(checksFor(surface, dataDir, flags.full === true));
  const healthy = reports.every(({ status }) => status !== "fail");
  const text = flags.json
    ? jsonText({ version: packageVersion(), healthy, checks: reports })
    : reportText(reports, styleFor(surface.stdout, surface.env));
  await writeResult(surface.stdout, text);
  return healthy ? EXIT.done : EXIT.failed;
}

function checksFor(surface: Surface, dataDir: string, full: boolean): readonly Check[] {
  const { env } = surface;
  return [
    { name: "node", run: async () => checkNode(process.versions.node) },
    { name: "sqlite", run: checkSqlite },
    { name: "lua", run: () => checkAgent(env, luaAgent, "Lua 5.4") },
    { name: "child processes", run: () => checkAgent(env, childAgent(process.execPath), process.version) },
    { name: "git", run: () => checkGit(env) },
    { name: "data directory", run: () => checkDataDirectory(dataDir) },
    { name: "database", run: () => checkDatabase(dataDir, full) },
    { name: "terminal", run: async () => checkTerminal(surface) },
  ];
}

function reportText(reports: readonly CheckReport[], style: Style): string {
  const width = Math.max(...reports.map(({ name }) => name.length));
  const marks = {
    ok: style.good(style.glyphs.pass),
    warn: style.warn("!"),
    fail: style.bad(style.glyphs.fail),
    skip: style.faint(style.glyphs.skip),
  };
  const lines = reports.flatMap(({ name, status, detail, hint }) => [
    `${marks[status]} ${style.strong(name.padEnd(width))}  ${oneLine(detail)}`,
    ...(hint === undefined ? [] : [`  ${" ".repeat(width)}  ${style.active("try:")} ${oneLine(hint)}`]),
  ]);
  return `${lines.join("\n")}\n`;
}
