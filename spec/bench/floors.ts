/** What the machine can do without us: bare SQLite appends, fsynced one by one and in groups. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { cost, medianMs, type Row, rate } from "./row.ts";

/** The floors. */
export interface Floors {
  /** One append in its own transaction, on disk, in milliseconds. */
  readonly appendMs: number;
  /** Appends a second in transactions of 256. */
  readonly groupedPerSecond: number;
}

const APPENDS = 500;
const GROUP = 256;
const GROUPS = 40;

/** Measures the floors in a temporary directory. */
export async function measureFloors(): Promise<Floors> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-bench-"));
  try {
    const database = new DatabaseSync(join(directory, "floor.db"));
    database.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE journal (seq INTEGER PRIMARY KEY, text TEXT)",
    );
    const insert = database.prepare("INSERT INTO journal (text) VALUES (?)");
    const text = "x".repeat(400);
    const single = await medianMs(3, () => {
      for (let index = 0; index < APPENDS; index += 1) insert.run(text);
    });
    const grouped = await medianMs(3, () => {
      for (let group = 0; group < GROUPS; group += 1) {
        database.exec("BEGIN");
        for (let index = 0; index < GROUP; index += 1) insert.run(text);
        database.exec("COMMIT");
      }
    });
    database.close();
    return { appendMs: single / APPENDS, groupedPerSecond: (GROUP * GROUPS * 1000) / grouped };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The floors as rows. */
export async function* floorRows({ appendMs, groupedPerSecond }: Floors): AsyncIterable<Row> {
  yield cost("bare SQLite append", "WAL, synchronous=FULL", appendMs, "ms");
  yield rate("bare SQLite appends in groups", `${GROUP} rows a transaction`, groupedPerSecond, "rows/s");
}
