import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compileFlow,
  decodeFlow,
  deepEqual,
  encodeFlow,
  FlowError,
  FlowMachine,
  type Json,
} from "../../src/flow/index.ts";
import { keysReversed, runNaively } from "./naive-evaluator.ts";
import { choices, ctx, flow, SEED } from "./random-flow.ts";
import { externs, outcomeOf, play } from "./scripted-driver.ts";

const settings = { seed: SEED, numRuns: 800 };
const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

describe("a flow machine, over random flows, ctxs and outcomes", () => {
  it("agrees with a naive evaluator that copies everything, with lanes in turn", () => {
    const seen = { dispatches: 0, failed: 0 };
    fc.assert(
      fc.property(flow, ctx, choices, (root, initial, script) => {
        let turn = 0;
        const naive = runNaively(root, initial, externs, (_ref, input) =>
          outcomeOf(script[turn++ % script.length] as number, input),
        );
        const machine = FlowMachine.start(compileFlow(root), initial, { externs, lanes: "in_turn" });
        const calls: { ref: string; input: Json }[] = [];
        while (machine.status === "running") {
          const open = [...machine.pending()];
          expect(open).toHaveLength(1);
          const [request] = open as [(typeof open)[number]];
          const choice = script[calls.length % script.length] as number;
          calls.push({ ref: request.ref, input: request.input });
          machine.handIn(request.key, outcomeOf(choice, request.input));
        }
        expect(deepEqual(calls, naive.calls)).toBe(true);
        expect(machine.error?.message).toBe(naive.error?.message);
        expect(machine.error?.kind).toBe(naive.error?.kind);
        expect(deepEqual(machine.ctx, naive.ctx)).toBe(true);
        seen.dispatches += calls.length;
        seen.failed += naive.error === undefined ? 0 : 1;
      }),
      { ...settings, numRuns: 3000 },
    );
    // The flows are no trivial ones.
    expect(seen.dispatches).toBeGreaterThan(3000);
    expect(seen.failed).toBeGreaterThan(400);
    expect(seen.failed).toBeLessThan(2400);
  });

  it("is the same run when it is saved and restored whenever it waits", () => {
    fc.assert(
      fc.property(flow, ctx, choices, fc.boolean(), (root, initial, script, inTurn) => {
        const program = compileFlow(root);
        const lanes = inTurn ? "in_turn" : "together";
        const whole = play(program, initial, script, { lanes });
        const broken = play(program, initial, script, {
          lanes,
          between: (machine) => FlowMachine.restore(program, asJson(machine.save()), { externs }),
        });
        expect(asJson(broken)).toEqual(asJson(whole));
      }),
      settings,
    );
  });

  it("saves the same form again after restoring", () => {
    fc.assert(
      fc.property(flow, ctx, choices, (root, initial, script) => {
        const program = compileFlow(root);
        play(program, initial, script, {
          between: (machine) => {
            const saved = asJson(machine.save());
            expect(asJson(FlowMachine.restore(program, saved, { externs }).save())).toEqual(saved);
            return machine;
          },
        });
      }),
      { ...settings, numRuns: 500 },
    );
  });

  it("never depends on the order of object keys", () => {
    fc.assert(
      fc.property(flow, ctx, choices, (root, initial, script) => {
        const turned = decodeFlow(keysReversed(encodeFlow(root, "0.3")));
        const one = play(compileFlow(root), initial, script);
        const other = play(compileFlow(turned), keysReversed(initial), script);
        // The step nodes in events are equal too, since decoding has one order of fields.
        expect(deepEqual(asJson(one), asJson(other))).toBe(true);
      }),
      settings,
    );
  });

  it("never changes a value it handed out or was handed", () => {
    fc.assert(
      fc.property(flow, ctx, choices, (root, initial, script) => {
        const witnesses: [Json, string][] = [[initial, JSON.stringify(initial)]];
        const witness = (value: Json) => witnesses.push([value, JSON.stringify(value)]);
        play(compileFlow(root), initial, script, {
          between: (machine) => {
            for (const request of machine.pending()) witness(request.input);
            witness(machine.ctx);
            witness(machine.save());
            return machine;
          },
        });
        for (const [value, text] of witnesses) expect(JSON.stringify(value)).toBe(text);
      }),
      settings,
    );
  });

  it("wants a key once, and nothing more of a lane that lost", () => {
    fc.assert(
      fc.property(flow, ctx, choices, (root, initial, script) => {
        const { events, answered } = play(compileFlow(root), initial, script);
        const wanted = new Set<string>();
        const cancelled = new Set<string>();
        const joined: string[] = [];
        for (const event of events) {
          if (event.kind === "joined") {
            joined.push(event.key === "root" ? "@" : `${event.key}.@`);
          } else if (event.kind === "cancel") {
            for (const key of event.keys) {
              expect(wanted.has(key)).toBe(true);
              expect(cancelled.has(key)).toBe(false);
              cancelled.add(key);
            }
          } else {
            const { key } = event.request;
            expect(wanted.has(key)).toBe(false);
            wanted.add(key);
            expect(joined.some((prefix) => key.startsWith(prefix))).toBe(false);
          }
        }
        for (const key of answered) expect(cancelled.has(key)).toBe(false);
        // Every step that was wanted was answered or cancelled by the end.
        expect(wanted.size).toBe(new Set([...answered, ...cancelled]).size);
      }),
      settings,
    );
  });

  it("refuses outcomes for keys that are not open, and is unchanged by the attempt", () => {
    fc.assert(
      fc.property(flow, ctx, choices, (root, initial, script) => {
        const program = compileFlow(root);
        const closed: string[] = ["nowhere", "__proto__"];
        play(program, initial, script, {
          between: (machine) => {
            const open = new Set([...machine.pending()].map((request) => request.key));
            const before = JSON.stringify(machine.save());
            for (const key of closed.filter((candidate) => !open.has(candidate))) {
              expect(() => machine.handIn(key, { kind: "value", value: 1 })).toThrow(FlowError);
            }
            expect(JSON.stringify(machine.save())).toBe(before);
            closed.push(...open);
            return machine;
          },
        });
      }),
      { ...settings, numRuns: 500 },
    );
  });
});
