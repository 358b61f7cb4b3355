/**
 * `npm run bench [-- --json] [-- --only A,B]`: measures, prints a table or one JSON object a row.
 *
 * Figures depend on the machine; the floors measured beside them say how far we are from what it can do.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { expressionRows } from "./expressions.ts";
import { floorRows, measureFloors } from "./floors.ts";
import { layerRows } from "./layers.ts";
import { luaRows } from "./lua.ts";
import { operatorRows } from "./operators.ts";
import { recoveryRows } from "./recovery.ts";
import type { Row } from "./row.ts";
import { runRows } from "./runs.ts";
import { startUpRows } from "./start-up.ts";
import { tokenRows } from "./tokens.ts";
import { waitingRows } from "./waiting.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, only: { type: "string" } } });
const only = values.only?.split(",");
const floors = await measureFloors();

const sections: readonly (readonly [name: string, rows: () => AsyncIterable<Row>])[] = [
  ["floor", () => floorRows(floors)],
  ["runs", () => runRows(floors)],
  ["recovery", recoveryRows],
  ["waiting", waitingRows],
  ["lua", luaRows],
  ["layers", layerRows],
  ["expressions", expressionRows],
  ["tokens", tokenRows],
  ["operators", () => operatorRows(floors)],
  ["start", startUpRows],
];

if (!values.json) {
  console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`);
  console.log(
    "scenario".padEnd(34),
    "configuration".padEnd(30),
    "value".padStart(12),
    "unit".padEnd(14),
    "floor".padStart(10),
    "ratio".padStart(8),
  );
}
for (const [name, rows] of sections) {
  if (only !== undefined && !only.includes(name)) continue;
  for await (const row of rows()) {
    if (values.json) console.log(JSON.stringify(row));
    else print(row);
  }
}

function print({ scenario, configuration, value, unit, floor, ratio }: Row): void {
  const figure = (number: number | null): string =>
    number === null ? "-" : number >= 1000 ? Math.round(number).toString() : number.toPrecision(3);
  console.log(
    scenario.padEnd(34),
    configuration.padEnd(30),
    figure(value).padStart(12),
    unit.padEnd(14),
    figure(floor).padStart(10),
    figure(ratio).padStart(8),
  );
}
