/** Blueprints with `strategy.strict_binding`: nothing starts that nobody attests. */
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { unattested } from "../../src/operators/index.ts";
import { operatorBlueprint, ServedHost } from "./served-host.ts";

const need = { variant: "coder", tools: ["Write", "Read", "Read"], model: "large" };
const capability = { launch_variant: "coder", resolved_model: "large-2", effective_tools: ["Read", "Write", "Bash"] };
const manifest = { provider_id: "desk", capabilities: [{ launch_variant: "writer" }, capability] };

describe("a manifest", () => {
  it("attests a need whose variant, model and tools it has", () => {
    expect(unattested(need, manifest)).toBeUndefined();
    expect(unattested({ variant: "writer", tools: [] }, manifest)).toBeUndefined();
  });

  it.each<readonly [string, Json | undefined, string]>([
    ["is none", undefined, "it has no manifest"],
    ["is no object", "coder", "its manifest names no provider_id"],
    ["has a blank provider", { ...manifest, provider_id: " " }, "its manifest names no provider_id"],
    ["has no capabilities", { provider_id: "desk" }, "its manifest has no capability of the variant 'coder'"],
    [
      "has the variant twice",
      { ...manifest, capabilities: [capability, capability] },
      "its manifest has 2 capabilities of the variant 'coder'",
    ],
    [
      "resolves no model",
      { ...manifest, capabilities: [{ ...capability, resolved_model: null }] },
      "its manifest resolves no model for the variant 'coder'",
    ],
    [
      "lacks tools",
      { ...manifest, capabilities: [{ ...capability, effective_tools: ["Bash"] }] },
      "its manifest lacks the tools Read, Write",
    ],
  ])("that %s does not", (_name, given, why) => expect(unattested(need, given)).toBe(why));
});

describe("a launch with strict bindings", () => {
  const blueprint = { ...operatorBlueprint(), strategy: { strict_binding: true } };

  it("is refused where nobody attests, and starts nothing", async () => {
    await using served = await ServedHost.start();
    const { session, secret } = await served.join();
    const launch = (seats?: object) =>
      served.ask("/v1/runs", { body: { blueprint, ...(seats === undefined ? {} : { seats }) }, bearer: secret });
    expect(await launch()).toMatchObject({
      status: 409,
      body: {
        code: "binding_unattested",
        detail:
          "strict_binding: agent 'writer' asks for the variant 'coder' and the tools Read; nobody is seated at 'main' by the launch",
      },
    });
    expect(await launch({ main: { description: "d", session: session.sessionId } })).toMatchObject({
      status: 409,
      body: { code: "binding_unattested", detail: expect.stringContaining("of who is seated, it has no manifest") },
    });
    expect((await served.host.runs({ limit: 9 })).length).toBe(0);
  });

  it("begins where who is seated attests", async () => {
    await using served = await ServedHost.start();
    const body = { description: "a desk", manifest };
    const joined = await served.ask("/v1/operators", { body });
    const { session_id: session, secret } = joined.body as { session_id: string; secret: string };
    const seats = { main: { description: "d", session } };
    expect(await served.ask("/v1/runs", { body: { blueprint, seats }, bearer: secret })).toMatchObject({ status: 201 });
  });
});
