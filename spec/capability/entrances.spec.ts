/** Verbs and entrances: no verb that nothing demands, and no entrance that demands none. */
import { describe, expect, it } from "vitest";
import { GATE, VERBS } from "../../src/capability/index.ts";
import { CREDENTIALS_VERB, FRAME_VERBS } from "../../src/operators/frame-verbs.ts";
import { ROUTES, type RouteRule } from "../../src/server/rules.ts";

const rules: readonly (readonly [string, RouteRule | "open"])[] = Object.entries(ROUTES);
const frames = Object.entries(FRAME_VERBS);

describe("every verb", () => {
  it.each(VERBS)("is demanded by a route or a frame: %s", (verb) => {
    const entrances = [
      ...rules.flatMap(([route, rule]) => (rule !== "open" && rule.verb === verb ? [route] : [])),
      ...frames.flatMap(([type, demanded]) => (demanded === verb ? [`the frame ${type}`] : [])),
      ...(verb === CREDENTIALS_VERB ? ["the frame request, for its credentials"] : []),
    ];
    expect(entrances).not.toEqual([]);
  });
});

describe("every entrance", () => {
  it("but the one that tells whether the host is there demands a verb", () => {
    expect(rules.filter(([, rule]) => rule === "open").map(([route]) => route)).toEqual(["GET /v1/health"]);
  });

  it.each(frames)("can be used by those that sessions are made by: the frame %s", (_type, verb) => {
    expect(GATE.operator.has(verb)).toBe(true);
  });
});
