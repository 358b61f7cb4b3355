/**
 * Makes families of runs that share blobs, ends them, removes most, and collects, all at the same time, until it is killed.
 * Writes a line `kept run digest...` for every run that is acknowledged and never removed. argv: data directory, prefix.
 */
import { openSqliteStores } from "../../../stores/sqlite/index.ts";
import { anAppend, aRun } from "../samples.ts";

const [, , dataDir = "", prefix = ""] = process.argv;
const stores = await openSqliteStores({ dataDir });

/** Few digests for many runs: what one removal lets go another run names again at that moment. */
const blob = (number: number) => ({ digest: `sha256:${number % 7}`, text: `text ${number % 7}`.repeat(100) });

async function makeForEver(lane: number): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const parent = `${prefix}-${lane}-${turn}`;
    const child = `${parent}-child`;
    const blobs = [blob(lane + turn), blob(lane * 3 + turn)];
    await stores.runs.create([aRun(parent), aRun(child, { parentRunId: parent })]);
    await stores.journals.append([anAppend(child, 1, 1, { blobs }), anAppend(parent, 1, 2, { blobs: [blobs[0]!] })]);
    await stores.journals.append([
      anAppend(child, 2, 1, { patch: { status: "done" } }),
      anAppend(parent, 3, 1, { patch: { status: "done" } }),
    ]);
    if (turn % 3 === 0) {
      const digests = blobs.map(({ digest }) => digest).join(" ");
      await new Promise((written) => process.stdout.write(`${child} ${digests}\n`, written));
    } else await stores.runs.remove([parent]);
  }
}

async function collectForEver(): Promise<void> {
  for (;;) await stores.blobs.collect({ limit: 2 });
}

await Promise.all([makeForEver(0), makeForEver(1), makeForEver(2), collectForEver()]);
