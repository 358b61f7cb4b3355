/** Lua invocations, each in a pristine image: alone one after another, and many at once. */
import { type LuaInvocation, LuaPool } from "../../src/lua/index.ts";
import { cost, medianMs, type Row, rate } from "./row.ts";

const BATCH = 20_000;
const ALONE = 2_000;

const invocation: LuaInvocation = {
  image: {
    source: "local n = _CTX.value + 1 return { value = { n = n, name = _AGENT, tags = _CTX.tags } }",
    chunkName: "bench.lua",
    host: [],
    kind: "worker",
  },
  globals: { _AGENT: "bench", _CTX: { value: 41, tags: ["a", "b", "c"], text: "x".repeat(120) } },
};

/** Rows about the pool. */
export async function* luaRows(): AsyncIterable<Row> {
  for (const threads of [1, 2]) {
    await using pool = new LuaPool({ threads, maxQueued: BATCH });
    const ms = await medianMs(5, () => Promise.all(Array.from({ length: BATCH }, () => pool.invoke(invocation))));
    yield rate(
      "Lua invocations, many at once",
      `${threads} thread${threads === 1 ? "" : "s"}`,
      (BATCH * 1000) / ms,
      "invocations/s",
    );
  }
  await using pool = new LuaPool({ threads: 1 });
  const ms = await medianMs(5, async () => {
    for (let index = 0; index < ALONE; index += 1) await pool.invoke(invocation);
  });
  yield cost("Lua invocation, alone", "there and back", (ms * 1000) / ALONE, "us");
}
