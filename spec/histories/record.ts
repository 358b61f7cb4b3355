/**
 * Records the journals of flows that have none yet: `node spec/histories/record.ts`.
 *
 * What is recorded is never written again: a kept journal stands for every journal of its time on somebody's disk. Where
 * the format changes, add a flow under a new name.
 */
import { existsSync, writeFileSync } from "node:fs";
import { ScriptedRun } from "../kernel/scripted-run.ts";
import { RECORDED, recordedDefinition } from "./flows.ts";

const fileOf = (name: string): URL => new URL(`./${name}`, import.meta.url);

for (const { name, flow, course } of RECORDED) {
  if (existsSync(fileOf(`${name}.jsonl`))) continue;
  const run = course(ScriptedRun.start(recordedDefinition(flow)));
  if (run.kernel.result === undefined) throw new Error(`the course of ${name} does not end`);
  writeFileSync(fileOf(`${name}.jsonl`), run.journal.map(({ text }) => `${text}\n`).join(""));
  writeFileSync(fileOf(`${name}.end.json`), `${JSON.stringify({ flow, result: run.kernel.result }, null, 2)}\n`);
  process.stdout.write(`recorded ${name}\n`);
}
