/** Tokens proven a second: as the host made them and narrowed twice, for the first time and again. */
import { createHmac, randomBytes } from "node:crypto";
import { Capabilities, keyRing, narrow, newKey } from "../../src/capability/index.ts";
import { medianMs, type Row, rate } from "./row.ts";

const TOKENS = 5000;
const NOW = Date.UTC(2026, 10, 21);

/** A row a kind of token and state of the memory of what was proven. The floor is one HMAC over as many bytes. */
export async function* tokenRows(): AsyncIterable<Row> {
  const keys = keyRing([newKey(randomBytes, NOW)]);
  const maker = new Capabilities(keys);
  const made = Array.from({ length: TOKENS }, (_, index) =>
    maker.mint(
      {
        role: "worker",
        subject: `ST-${index}`,
        binding: { runId: "R-0123456789abcdef0123", key: "2.~3.0.@1", attempt: 1, fence: 4, generation: 2 },
        expiresAt: NOW + 3_600_000,
      },
      NOW,
    ),
  );
  const narrowed = made.map((token) => narrow(narrow(token, { verbs: ["post_result"] }), { expiresAt: NOW + 60_000 }));
  const perSecond = (ms: number): number => (TOKENS * 1000) / ms;
  for (const [name, tokens] of [
    ["as made", made],
    ["narrowed twice", narrowed],
  ] as const) {
    const proveAll = (capabilities: Capabilities): void => {
      for (const token of tokens) capabilities.verify(token, NOW);
    };
    const floor = await medianMs(5, () => {
      for (const token of tokens) createHmac("sha256", keys[0].secret).update(token).digest("base64url");
    });
    const cold = await medianMs(5, () => proveAll(new Capabilities(keys)));
    yield rate("token proven", `${name}, first time`, perSecond(cold), "tokens/s", perSecond(floor));
    const warm = new Capabilities(keys);
    proveAll(warm);
    const again = await medianMs(5, () => proveAll(warm));
    yield rate("token proven", `${name}, again`, perSecond(again), "tokens/s", perSecond(floor));
  }
  const minting = await medianMs(5, () => {
    for (let index = 0; index < TOKENS; index += 1) {
      maker.mint({ role: "observer", subject: `${index}`, expiresAt: NOW + 60_000 }, NOW);
    }
  });
  yield rate("token made", "observer", perSecond(minting), "tokens/s");
}
