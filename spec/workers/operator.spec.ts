/** The operator worker: what it asks for, and what replies mean for the step. */
import { describe, expect, it } from "vitest";
import type { OperatorReply, OperatorTask } from "../../src/workers/index.ts";
import { failureOf, makeAgent, makeCall, spawnerOf } from "./step-fixture.ts";

const plan = {
  kind: "operator",
  seat: "main",
  systemPrompt: "You write about {{ topic }}.",
  binding: { backend: "ws_operator", variant: "coder", tools: ["Read"] },
} as const;
const verdict = { channel: "body", values: ["yes", "no"] } as const;

function asked(reply: OperatorReply, over: Parameters<typeof makeAgent>[1] = {}) {
  const tasks: OperatorTask[] = [];
  const operators = {
    see: async (_call: unknown, task: () => Promise<OperatorTask>) => {
      tasks.push(await task());
      return reply;
    },
  };
  return { tasks, dispatch: spawnerOf(makeAgent(plan, over), { operators }) };
}

const final = (value: string): OperatorReply => ({ kind: "final", verdict: "pass", value, parts: [] });

describe("an operator step", () => {
  it("asks its seat with the rendered prompt, the worker, the view, and the terms of the unfiltered context", async () => {
    const { tasks, dispatch } = asked(final("yes"), {
      verdict,
      contextPolicy: { include: ["project_root"], exclude: [], steps_exclude: [] },
    });
    const context = {
      project_root: "/p",
      work_dir: "/w",
      submit_format: "json",
      allow_file_submit: true,
      secret: "s",
    };
    const outcome = await dispatch(makeCall({ input: { topic: "tides" }, context }));
    expect(tasks).toEqual([
      {
        seat: "main",
        directive: { topic: "tides" },
        system: "You write about tides.",
        context: expect.not.objectContaining({ work_dir: "/w", extra: expect.anything() }),
        worker: plan.binding,
        terms: {
          verdict,
          submitFormat: "json",
          allowFileSubmit: true,
          workDir: "/w",
          projectRoot: "/p",
          contextPolicy: { include: ["project_root"], exclude: [], steps_exclude: [] },
        },
      },
    ]);
    expect(outcome).toMatchObject({ kind: "pass", value: "yes", stats: { worker_kind: "operator" } });
  });

  it.each(["true", 1, null])("takes no file for leave %j", async (leave) => {
    const { tasks, dispatch } = asked(final("x"));
    await dispatch(makeCall({ input: { topic: "t" }, context: { allow_file_submit: leave } }));
    expect(tasks[0]?.terms).toEqual({});
  });

  it("fails where its prompt does not render, and asks nobody", async () => {
    const { tasks, dispatch } = asked(final("x"));
    const failure = failureOf(await dispatch(makeCall({ input: "no topic" })));
    expect(failure).toMatchObject({ code: "prompt_template", retryable: false });
    expect(tasks).toEqual([]);
  });

  it("is what its worker says: verdict, parts, stats and degradations", async () => {
    const { dispatch } = asked({
      kind: "final",
      verdict: "blocked",
      value: '{"a":1}',
      parts: [{ name: "p", content: "[2]" }],
      stats: { model: "m" },
      degradations: [{ tool: "t", error: "e", fallback: "f" }],
    });
    expect(await dispatch(makeCall({ input: { topic: "t" } }))).toMatchObject({
      kind: "blocked",
      value: { out: { a: 1 }, parts: { p: [2] } },
      stats: { worker_kind: "operator", model: "m" },
      degradations: [{ tool: "t", error: "e", fallback: "f" }],
    });
  });

  it("that is halted ends well, whatever the verdict contract; one that errs fails and may be tried again", async () => {
    const halted = asked({ kind: "halt", value: { halted: true, reason: null, value: 1 } }, { verdict });
    expect(await halted.dispatch(makeCall({ input: { topic: "t" } }))).toMatchObject({
      kind: "pass",
      value: { halted: true, reason: null, value: 1 },
    });
    const failed = asked({ kind: "error", message: "no such variant" });
    expect(failureOf(await failed.dispatch(makeCall({ input: { topic: "t" } })))).toMatchObject({
      code: "operator_error",
      message: expect.stringContaining("no such variant"),
      retryable: true,
    });
  });
});
