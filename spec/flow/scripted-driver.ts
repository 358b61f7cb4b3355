/**
 * A driver that makes scripted choices: which open step is answered next and with what. Keeps a transcript.
 */
import {
  type Externs,
  externMap,
  type FlowEvent,
  FlowMachine,
  type FlowOutcome,
  type FlowProgram,
  type Json,
  type LaneOrder,
} from "../../src/flow/index.ts";

/** Host functions of random flows. */
export const externs: Externs = externMap({ list: (args) => args, first: ([first]) => first ?? null });

/** What a driver answers to an input under a choice. */
export const outcomeOf = (choice: number, input: Json): FlowOutcome => {
  switch (choice % 6) {
    case 0:
    case 1:
      return { kind: "value", value: input };
    case 2:
      return { kind: "value", value: { a: choice, b: { c: [choice] } } };
    case 3:
      return { kind: "value", value: choice % 7 };
    case 4:
      return { kind: "skip" };
    default:
      return { kind: "error", message: `no ${choice}` };
  }
};

/** Everything that can be seen of a run. */
export interface Transcript {
  readonly events: readonly FlowEvent[];
  readonly answered: readonly string[];
  readonly status: string;
  readonly ctx: Json;
  readonly error: Json;
}

/** What may be done to the machine whenever it waits. */
export type Between = (machine: FlowMachine) => FlowMachine;

/** Plays a run to its end. */
export const play = (
  program: FlowProgram,
  ctx: Json,
  choices: readonly number[],
  options: { readonly between?: Between; readonly lanes?: LaneOrder } = {},
): Transcript => {
  const events: FlowEvent[] = [];
  const answered: string[] = [];
  const between = options.between ?? ((same) => same);
  let machine = between(FlowMachine.start(program, ctx, { externs, lanes: options.lanes ?? "together" }));
  for (let turn = 0; ; turn += 1) {
    events.push(...machine.take());
    machine = between(machine);
    const open = [...machine.pending()];
    if (open.length === 0) break;
    const choice = choices[turn % choices.length] as number;
    const request = open[choice % open.length] as (typeof open)[number];
    answered.push(request.key);
    machine.handIn(request.key, outcomeOf(choice, request.input));
    machine = between(machine);
  }
  const { status } = machine;
  return { events, answered, status, ctx: machine.ctx, error: machine.error?.toJson() ?? null };
};
