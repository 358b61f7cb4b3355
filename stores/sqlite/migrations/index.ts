import { runsAndJournals } from "./0001-runs-and-journals.ts";
import { ownershipAndRetention } from "./0002-ownership-and-retention.ts";
import { operators } from "./0003-operators.ts";
import { schedules } from "./0004-schedules.ts";
import { holdsAndChildren } from "./0005-holds-and-children.ts";
import { sessionGrants } from "./0006-session-grants.ts";
import { newestVersionsAndParents } from "./0007-newest-versions-and-parents.ts";
import { forksBySource } from "./0008-forks-by-source.ts";

/** The migrations in order: entry `n` takes a store from version `n` to `n + 1`. Append only; never edit a released one. */
export const MIGRATIONS: readonly string[] = [
  runsAndJournals,
  ownershipAndRetention,
  operators,
  schedules,
  holdsAndChildren,
  sessionGrants,
  newestVersionsAndParents,
  forksBySource,
];
