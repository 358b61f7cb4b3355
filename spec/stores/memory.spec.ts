import { expect, it } from "vitest";
import { openMemoryStores } from "../../stores/memory/index.ts";
import { describeStores } from "./contract.ts";
import { aRun } from "./samples.ts";

describeStores("memory", async (options) => openMemoryStores(options));

it("says that nothing survives", () => {
  expect(openMemoryStores()).toMatchObject({ name: "memory", durability: "none" });
});

it("shares nothing between two stores", async () => {
  const one = openMemoryStores();
  await one.runs.create([aRun("r")]);
  expect(await openMemoryStores().runs.get("r")).toBeUndefined();
});
