/** Streams end with the credential of whoever reads them. */
import { describe, expect, it } from "vitest";
import { CapabilityError } from "../../src/capability/index.ts";
import { READMIT_MS, whileAdmitted } from "../../src/server/access.ts";

/** Texts that come after so many milliseconds each, of which none is held back. */
async function* textsAt(
  times: readonly number[],
  tick: (now: number) => void,
  ended: () => void,
): AsyncGenerator<string> {
  try {
    for (const time of times) {
      tick(time);
      yield String(time);
    }
  } finally {
    ended();
  }
}

async function read(times: readonly number[], admit: (now: number) => void) {
  let now = 0;
  let isClosed = false;
  const judged: number[] = [];
  const tick = (time: number): void => {
    now = time;
  };
  const texts = textsAt(times, tick, () => {
    isClosed = true;
  });
  const admitting = async (): Promise<void> => {
    judged.push(now);
    admit(now);
  };
  const said: string[] = [];
  for await (const text of whileAdmitted(texts, admitting, () => now)) said.push(text);
  return { said, judged, isClosed };
}

describe("a stream", () => {
  const times = [0, 1, READMIT_MS - 1, READMIT_MS, READMIT_MS + 1, 2 * READMIT_MS, 4 * READMIT_MS];

  it("goes on as long as its reader may, who is judged now and then", async () => {
    const { said, judged } = await read(times, () => {});
    expect(said).toEqual(times.map(String));
    expect(judged).toEqual([READMIT_MS, 2 * READMIT_MS, 4 * READMIT_MS]);
  });

  it("ends before it says another word to who may not any more, and lets go of what it read from", async () => {
    const revoked = (now: number): void => {
      if (now >= 2 * READMIT_MS) throw new CapabilityError("token_expired", "the token's time is over");
    };
    const { said, isClosed } = await read(times, revoked);
    expect(said).toEqual(times.slice(0, -2).map(String));
    expect(isClosed).toBe(true);
  });

  it("breaks where whether its reader may cannot be told", async () => {
    const failing = (): void => {
      throw new Error("the store is gone");
    };
    await expect(read(times, failing)).rejects.toThrow("the store is gone");
  });
});
