/**
 * The archive of a run: JSON lines, one value a line.
 *
 * ```
 * {"archive":"swarm-host.run","v":1,"run":{...}}                 the facts of the run's row
 * {"document":"<canonical text of its Blueprint>"}
 * {"blob":"<text>"}                                              before the first entry that names it
 * {"entry":"<stored text>"}                                      in order
 * {"end":{"lines":<lines before>,"sha256":"<of the bytes before>"}}
 * ```
 *
 * V1  The same run gives the same bytes: nothing of the host, the time or the place of the export is in it.
 * V2  Entries and blobs are the texts the store has, so the journal's digest chain holds in the archive as it does there.
 * V3  The last line proves the rest: what is cut off or changed is noticed before anything is imported.
 */
import { type Static, Type } from "@sinclair/typebox";
import type { RunRecord } from "../../stores/ports.ts";

/** The format this host writes, and the newest it reads. */
export const ARCHIVE_VERSION = 1;

/** How large archives may be. */
export interface ArchiveLimits {
  /** Of the whole archive. */
  readonly bytes: number;
  /** Of one line: an entry, a blob or the Blueprint, as JSON. */
  readonly lineBytes: number;
}

/** What is read and written where nothing else is said. */
export const ARCHIVE_LIMITS: ArchiveLimits = { bytes: 4 * 1024 ** 3, lineBytes: 256 * 1024 ** 2 };

const Count = (minimum: number) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });
const Name = Type.String({ minLength: 1, maxLength: 200 });
const closed = { additionalProperties: false } as const;

/** The facts of a run's row: all but who owns it and when it is woken, which are of the host it came from. */
const RunFacts = Type.Object(
  {
    run_id: Type.String({ pattern: "^R-[0-9A-Za-z_-]{1,98}$" }),
    status: Type.Union(
      (
        ["pending", "running", "waiting", "suspended", "paused", "done", "failed", "cancelled", "dead_letter"] as const
      ).map((status) => Type.Literal(status)),
    ),
    blueprint: Type.Object({ id: Name, version: Type.String({ pattern: "^sha256:[0-9a-f]{64}$" }) }, closed),
    fence: Count(1),
    entries: Count(0),
    created_at: Count(0),
    updated_at: Count(0),
    recovery_attempts: Count(0),
    error: Type.Optional(Type.String()),
    parent_run_id: Type.Optional(Name),
    forked_from: Type.Optional(Name),
    idempotency_key: Type.Optional(Name),
  },
  closed,
);

/** The facts of a run's row, in the archive's names. */
export type RunFacts = Static<typeof RunFacts>;

/** The first line. */
export const HeadLine = Type.Object(
  { archive: Type.Literal("swarm-host.run"), v: Type.Literal(ARCHIVE_VERSION), run: RunFacts },
  closed,
);

/** The second. */
export const DocumentLine = Type.Object({ document: Type.String() }, closed);

/** Those between. */
export const BodyLine = Type.Union([
  Type.Object({ blob: Type.String() }, closed),
  Type.Object({ entry: Type.String() }, closed),
]);

/** The last. */
export const EndLine = Type.Object(
  { end: Type.Object({ lines: Count(2), sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }) }, closed) },
  closed,
);

/** The facts of a row. */
export function runFacts(record: RunRecord): RunFacts {
  const { error, parentRunId, forkedFrom, idempotencyKey } = record;
  return {
    run_id: record.runId,
    status: record.status,
    blueprint: { id: record.blueprintId, version: record.blueprintVersion },
    fence: record.fence,
    entries: record.nextSeq - 1,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    recovery_attempts: record.recoveryAttempts,
    ...(error === undefined ? {} : { error }),
    ...(parentRunId === undefined ? {} : { parent_run_id: parentRunId }),
    ...(forkedFrom === undefined ? {} : { forked_from: forkedFrom }),
    ...(idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }),
  };
}
