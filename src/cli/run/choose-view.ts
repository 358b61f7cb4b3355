/** Which view shows a run: JSON lines, plain lines, warnings only, or the live tree where there is a terminal for it. */
import { styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import type { RunView } from "./run-view.ts";

/** How a run is shown, as commander gives it. */
export interface ViewFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** The view for standard error. */
export async function chooseView(surface: Surface, flags: ViewFlags): Promise<RunView> {
  const { stderr, env, now } = surface;
  const style = styleFor(stderr, env);
  if (flags.json) return (await import("./json-view.ts")).jsonView(stderr, flags.quiet === true);
  if (flags.quiet) return (await import("./plain-view.ts")).quietView(stderr, style);
  // A terminal that does not know its size cannot be drawn on.
  const drawable =
    stderr.isTTY === true && env["TERM"] !== "dumb" && (stderr.columns ?? 0) > 0 && (stderr.rows ?? 0) > 0;
  if (!drawable || flags.verbose) {
    return (await import("./plain-view.ts")).plainView(stderr, style, flags.verbose === true);
  }
  const every = (ms: number, tick: () => void): (() => void) => {
    const timer = setInterval(tick, ms);
    return () => clearInterval(timer);
  };
  return (await import("./live-view.ts")).liveView({ output: stderr, style, now, every });
}
