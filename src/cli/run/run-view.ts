/**
 * What shows a run while it runs. One interface, three ways: live on a terminal, plain lines, JSON lines.
 */
import type { RunEvent } from "../../host.ts";

/** The run that is shown. */
export interface RunTitle {
  readonly runId: string;
  readonly blueprintId: string;
}

/** Something to say that is not an event of the run. */
export interface Notice {
  readonly level: "info" | "warning";
  /** Stable name, for programs. */
  readonly code: string;
  readonly message: string;
}

/** Shows one run. */
export interface RunView {
  /** Said at any time, also before and after the run. */
  notice(notice: Notice): void;
  /** Called once, before the first event. */
  begin(title: RunTitle): void;
  event(event: RunEvent): void;
  /** Shows the end and lets go of the terminal. Also called where the run never began; a second call changes nothing. */
  end(): void;
}
