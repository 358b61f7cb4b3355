/**
 * Runs, seats and credentials of a real host in every state that a credential can come to: what walk.spec.ts walks with.
 *
 * Run `mine` has three steps open at once under one session: the first is spoken for, the second is another of the same run,
 * the third is answered. Run `other` is another session's. Run `taken` was taken over, run `ended` was cancelled.
 */
import type { Capabilities, Verb } from "../../src/capability/index.ts";
import { Capabilities as HostCapabilities, keyRing, narrow, readToken } from "../../src/capability/index.ts";
import { sampleKey } from "../capability/samples.ts";
import { type Joined, operatorBlueprint, ServedHost } from "../operators/served-host.ts";
import type { Frame, TestClient } from "../operators/test-client.ts";

const HOUR = 3_600_000;

/** Stands in the input of the run that is another's, and nowhere else. */
export const MARK = "only-the-other-run-says-this";

type Handed = Frame["request"];

/** The host, and what was handed out by it. */
export interface World extends AsyncDisposable {
  readonly served: ServedHost;
  readonly one: Joined;
  readonly two: Joined;
  readonly first: TestClient;
  readonly second: TestClient;
  readonly mine: readonly [Handed, Handed, Handed];
  readonly other: Handed;
  readonly taken: Handed;
  readonly ended: Handed;
  /** A worker's token for the first step, with all that a worker can have, or as much as is said. */
  token(over?: Partial<ReturnType<typeof orderOf>> & { readonly verbs?: readonly Verb[] }): string;
}

const lanes = (item: unknown, count: number) => ({
  ...operatorBlueprint({ lanes: count }),
  default_init_ctx: { item },
});

/** Opens it. */
export async function openWorld(): Promise<World> {
  const served = await ServedHost.start();
  const [one, two] = [await served.join("one"), await served.join("two")];
  const [first, second] = [await served.attach(one), await served.attach(two)];
  const next = async (client: TestClient): Promise<Handed> => (await client.next("request")).request;

  const run = await served.launch(lanes("mine", 3), one);
  const mine = [await next(first), await next(first), await next(first)] as const;
  const answer = { verdict: "pass", answer: { text: "done" } } as const;
  await served.host.operators.submit({ requestId: mine[2].id, generation: 1 }, answer);
  await first.next("withdrawn");

  await served.launch({ ...operatorBlueprint(), default_init_ctx: { item: MARK } }, two);
  const other = await next(second);

  const moving = await served.launch(operatorBlueprint(), one);
  const taken = await next(first);
  await served.seat(moving.runId, two);
  await next(second);

  const ending = await served.launch(operatorBlueprint(), one);
  const ended = await next(first);
  await ending.cancel({ reason: "enough", by: "test" });
  await ending.result;

  // From here on nothing happens by itself: what only waits has left memory.
  for (const { runId } of [run, moving]) await parked(served, runId);
  await parked(served, other.run);
  return {
    served,
    one,
    two,
    first,
    second,
    mine,
    other,
    taken,
    ended,
    token: (over = {}) => served.host.capabilities.mint({ ...orderOf(mine[0]), ...over }, Date.now()),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

/** The order of the token that was handed out with a request. */
export function orderOf({ token }: Handed) {
  const { role, subject, binding } = readToken(token).claims;
  if (binding === undefined) throw new Error("a worker's token is bound");
  return { role, subject, binding, expiresAt: Date.now() + HOUR } as const;
}

/** Tokens that this host never made, or no longer takes. */
export function strangers({
  served,
  token,
}: World): readonly (readonly [state: string, shown: string | undefined, code: string])[] {
  const elsewhere = (capabilities: Capabilities) =>
    capabilities.mint({ role: "operator", subject: "stranger", expiresAt: Date.now() + HOUR }, Date.now());
  const keyId = served.host.keys[0]?.id ?? "";
  const whole = token();
  const end = whole.length - 1;
  return [
    ["no token", undefined, "unauthorized"],
    ["no credential of any kind", "garbage", "unauthorized"],
    ["a handle nobody was handed", `wh-${"0".repeat(32)}`, "unauthorized"],
    ["a session's secret with one digit changed", `ss-${"0".repeat(32)}-${"0".repeat(64)}`, "unauthorized"],
    ["a forged token", elsewhere(new HostCapabilities(keyRing([{ ...sampleKey(9), id: keyId }]))), "token_forged"],
    ["a token of another host", elsewhere(new HostCapabilities(keyRing([sampleKey(9)]))), "token_key_unknown"],
    ["a token cut off", whole.slice(0, end), "token_malformed"],
    ["an expired token", narrow(whole, { expiresAt: Date.now() - 1000 }), "token_expired"],
  ];
}

async function parked(served: ServedHost, runId: string): Promise<void> {
  const told = Promise.withResolvers<void>();
  const off = served.host.observe(runId, ({ type }) => {
    if (type === "run_parked") told.resolve();
  });
  if ((await served.host.run(runId)).status !== "waiting") await told.promise;
  off();
}
