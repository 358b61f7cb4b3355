/**
 * What is kept of schedules. A part of `Stores` (ports.ts). What the policies mean is src/schedules' to say.
 */
import type { Json } from "../src/flow/index.ts";
import type { CallOptions } from "./ports.ts";

/** When a schedule fires. Times in milliseconds since 1970. */
export type ScheduleTimes =
  | {
      readonly kind: "cron";
      readonly pattern: string;
      /** An IANA name. */
      readonly timeZone: string;
    }
  /** At `from`, and every `everyMs` after it. */
  | { readonly kind: "interval"; readonly everyMs: number; readonly from: number }
  | { readonly kind: "once"; readonly at: number };

/** What a firing does while the schedule's previous run goes on. Defined in src/schedules. */
export type OverlapPolicy = "skip" | "buffer_one" | "allow_all" | "cancel_other";

/** What is done about firings that passed while no host was there. Defined in src/schedules. */
export type CatchUpPolicy = "none" | "last" | "all";

/** What became of a firing. */
export interface Firing {
  /** When it was due. */
  readonly at: number;
  readonly outcome: "started" | "skipped" | "buffered" | "missed" | "failed";
  /** The run it started. */
  readonly runId?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** A schedule: what starts when, and how far it has come. */
export interface ScheduleRecord {
  readonly name: string;
  /** 1 when it is created; one more with every change. */
  readonly revision: number;
  readonly createdAt: number;
  readonly times: ScheduleTimes;
  readonly blueprintId: string;
  /** `sha256:...` of the document its runs are pinned to. */
  readonly blueprintVersion: string;
  /** The input of its runs. */
  readonly input?: Json;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  /** Firings that catch-up `all` starts at most; the newest. */
  readonly catchUpLimit: number;
  readonly paused: boolean;
  /** The next firing that is not dealt with yet; absent while it is paused, and when there is none any more. */
  readonly nextAt?: number;
  /** A firing that waits for the previous run to end. */
  readonly bufferedAt?: number;
  /** The newest run it started. */
  readonly lastRunId?: string;
  /** The newest firing that was dealt with. */
  readonly last?: Firing;
}

/** Schedules, by name. The document of each is kept as long as it is. */
export interface ScheduleStore {
  /** Adds one. A name that is here is refused with StoreError `schedule_exists`. */
  create(schedule: ScheduleRecord, options?: CallOptions): Promise<void>;
  get(name: string, options?: CallOptions): Promise<ScheduleRecord | undefined>;
  /** By ascending name, after `after`, at most `limit`. */
  list(
    query: { readonly limit: number; readonly after?: string },
    options?: CallOptions,
  ): Promise<readonly ScheduleRecord[]>;
  /** Those that have a `nextAt`, the earliest first, equal times by name, at most `limit`. */
  upcoming(limit: number, options?: CallOptions): Promise<readonly ScheduleRecord[]>;
  /** Puts it in the place of the one whose revision is one less; false where that is not here. Its version cannot change. */
  replace(schedule: ScheduleRecord, options?: CallOptions): Promise<boolean>;
  /** False where there is none. */
  remove(name: string, options?: CallOptions): Promise<boolean>;
}
