import { runsAndJournals } from "./0001-runs-and-journals.ts";
import { ownershipAndRetention } from "./0002-ownership-and-retention.ts";
import { families } from "./0003-families.ts";
import { operators } from "./0003-operators.ts";
import { schedules } from "./0003-schedules.ts";

/** The migrations in order: entry `n` takes a store from version `n` to `n + 1`. Append only; never edit a released one. */
export const MIGRATIONS: readonly string[] = [runsAndJournals, ownershipAndRetention, operators + schedules + families];
