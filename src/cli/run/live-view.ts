/**
 * The live tree on a terminal.
 *
 * Owns: when frames are drawn, and fitting them to the terminal's size as it is at that moment.
 * Does not own: what is in a frame (step-tree-lines.ts), cursor movement (log-update).
 *
 * V1  Events never draw: a timer does, at most once per FRAME_MS, however many events there are.
 * V2  After `end` the last frame stays on the screen, the cursor is visible and no timer is left.
 */
import cliTruncate from "cli-truncate";
import { createLogUpdate } from "log-update";
import type { RunEvent } from "../../host.ts";
import { type Output, oneLine, type Style } from "../style.ts";
import type { Notice, RunTitle, RunView } from "./run-view.ts";
import { StepTree } from "./step-tree.ts";
import { treeLines } from "./step-tree-lines.ts";

/** Pause between two frames, in milliseconds. */
const FRAME_MS = 80;

/** Lines of the last frame, which may be longer than the screen: it is scrolled, not redrawn. */
const LAST_FRAME_LINES = 60;

/** What the view needs of its surroundings. */
export interface LivePorts {
  readonly output: Output;
  readonly style: Style;
  readonly now: () => number;
  /** Calls `tick` every `ms` milliseconds; the returned function stops it. */
  readonly every: (ms: number, tick: () => void) => () => void;
}

/** A view for a terminal. */
export function liveView({ output, style, now, every }: LivePorts): RunView {
  const log = createLogUpdate(output);
  const tree = new StepTree();
  let title: RunTitle | undefined;
  let frame = 0;
  let stop: (() => void) | undefined;

  const width = (): number => Math.max(8, (output.columns ?? 80) - 1);
  const text = (maxLines: number): string => {
    if (title === undefined) return "";
    const name = `${title.blueprintId} ${title.runId}`;
    const lines = treeLines(tree, { style, title: name, now: now(), frame, maxLines });
    return lines.map((line) => cliTruncate(line, width())).join("\n");
  };
  const draw = (): void => {
    frame += 1;
    log(text(Math.max(2, (output.rows ?? 24) - 2)));
  };
  // A terminal that is made narrower wraps what is already on it: start over below instead of patching a torn frame.
  const redraw = (): void => {
    log.clear();
    draw();
  };

  return {
    notice(notice: Notice): void {
      const paint = notice.level === "warning" ? style.warn : style.faint;
      const line = cliTruncate(paint(oneLine(notice.message)), width());
      if (stop === undefined) output.write(`${line}\n`);
      else log.persist(line);
    },
    begin(run: RunTitle): void {
      title = run;
      stop = every(FRAME_MS, draw);
      output.on("resize", redraw);
    },
    event: (event: RunEvent) => tree.apply(event),
    end(): void {
      if (stop === undefined) return;
      stop();
      stop = undefined;
      output.off("resize", redraw);
      log.clear();
      log.done();
      output.write(`${text(LAST_FRAME_LINES)}\n`);
    },
  };
}
