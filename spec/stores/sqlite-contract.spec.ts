import { expect, it } from "vitest";
import { openSqliteStores } from "../../stores/sqlite/index.ts";
import { describeStores } from "./contract.ts";
import { temporaryDirectories } from "./data-directories.ts";
import { anAppend, aRun, rows } from "./samples.ts";

const temporaryDirectory = temporaryDirectories();

describeStores("sqlite", (options) => openSqliteStores({ dataDir: temporaryDirectory(), ...options }));

it.each(["full", "relaxed"] as const)("keeps everything over closing and opening, %s", async (durability) => {
  const dataDir = temporaryDirectory();
  {
    await using stores = await openSqliteStores({ dataDir, durability });
    expect(stores).toMatchObject({ name: "sqlite", durability });
    await stores.runs.create([aRun("r")]);
    await stores.documents.put({ version: "sha256:d", blueprintId: "demo", text: "{}" });
    await stores.journals.append([anAppend("r", 1, 3, { blobs: [{ digest: "sha256:b", text: "blob" }] })]);
  }
  await using again = await openSqliteStores({ dataDir, durability });
  expect(await again.runs.get("r")).toMatchObject({ nextSeq: 4 });
  expect(await again.journals.read("r", 1, 10)).toEqual(rows(1, 3));
  expect(await again.documents.get("sha256:d")).toEqual({ version: "sha256:d", blueprintId: "demo", text: "{}" });
  expect(await again.blobs.get(["sha256:b"])).toEqual(["blob"]);
  expect(await again.maintenance.integrityCheck()).toEqual([]);
});
