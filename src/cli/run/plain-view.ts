/**
 * Plain lines: what a run looks like where there is no terminal. One line a step that ended; with `verbose` also its
 * start and what its worker says.
 */
import type { RunEvent } from "../../host.ts";
import { formatDuration, type Output, oneLine, type Style } from "../style.ts";
import type { Notice, RunTitle, RunView } from "./run-view.ts";
import { isFailure, type StepState, StepTree } from "./step-tree.ts";
import { stateGlyph, tallyText } from "./step-tree-lines.ts";
import { waitText } from "./wait-text.ts";
import { endMessage } from "./worker-end.ts";

/** A view for pipes, files and logs. */
export function plainView(output: Output, style: Style, verbose: boolean): RunView {
  const tree = new StepTree();
  let title: RunTitle | undefined;
  const say = (...parts: readonly string[]): void => {
    output.write(`${parts.filter((part) => part !== "").join("  ")}\n`);
  };
  const show = (event: RunEvent): void => {
    switch (event.type) {
      case "step_started":
        if (verbose)
          say(`${style.active(">")} ${oneLine(event.agent)}`, style.faint(event.key), attempt(event.attempt));
        return;
      case "step_completed": {
        const state: StepState = event.retryAt === undefined ? event.outcome : "retrying";
        const said = oneLine(endMessage(event) ?? "");
        const word = state === "pass" ? "" : state;
        const time = style.faint(formatDuration(event.durationMs));
        const line = [
          style.faint(event.key),
          attempt(event.attempt),
          word,
          time,
          isFailure(state) ? style.bad(said) : said,
        ];
        say(`${stateGlyph(state, style)} ${oneLine(event.agent)}`, ...line);
        return;
      }
      case "step_event":
        if (verbose && event.event.type !== "partial")
          say(`  ${style.faint(`${event.key} ${eventText(event.event)}`)}`);
        return;
      case "cancel_requested":
        say(style.warn(`cancelling: ${oneLine(event.reason)}`));
        return;
      case "run_parked":
        say(style.faint(waitText(event.wakeAt)));
        return;
      case "run_started":
      case "fanout_joined":
      case "run_finished":
        return;
    }
  };
  return {
    notice: (notice: Notice) =>
      say(notice.level === "warning" ? style.warn(oneLine(notice.message)) : oneLine(notice.message)),
    begin(run: RunTitle): void {
      title = run;
      say(`${style.strong(run.blueprintId)} ${run.runId}`);
    },
    event(event: RunEvent): void {
      tree.apply(event);
      show(event);
    },
    end(): void {
      if (title === undefined || tree.startedAt === undefined || tree.finishedAt === undefined) return;
      title = undefined;
      say(tallyText(tree.root.tally, style), style.faint(formatDuration(tree.finishedAt - tree.startedAt)));
    },
  };
}

/** A view that shows warnings only. */
export function quietView(output: Output, style: Style): RunView {
  return {
    notice(notice: Notice): void {
      if (notice.level === "warning") output.write(`${style.warn(oneLine(notice.message))}\n`);
    },
    begin: () => {},
    event: () => {},
    end: () => {},
  };
}

function attempt(number: number): string {
  return number > 1 ? `attempt ${number}` : "";
}

function eventText(event: Extract<RunEvent, { type: "step_event" }>["event"]): string {
  switch (event.type) {
    case "progress":
      return oneLine(event.note === undefined ? event.stage : `${event.stage}: ${event.note}`);
    case "artifact":
      return `staged ${oneLine(event.name)}`;
    case "warning":
      return `warning ${event.code}: ${oneLine(event.message)}`;
    case "partial":
      return oneLine(event.chunk);
  }
}
