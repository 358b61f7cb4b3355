/** What a check of `doctor` is and says. */

/** `warn`: something is missing that not every run needs. `skip`: there was nothing to check. */
export type CheckStatus = "ok" | "warn" | "fail" | "skip";

/** What a check found. */
export interface CheckResult {
  readonly status: CheckStatus;
  /** One line: what was found. */
  readonly detail: string;
  /** What to do, where something is wrong. */
  readonly hint?: string;
}

/** A named check. What it throws counts as a failure with the error's message. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<CheckResult>;
}

/** A check and its result. */
export interface CheckReport extends CheckResult {
  readonly name: string;
}

/** Runs checks one after the other. Never rejects. */
export async function runChecks(checks: readonly Check[]): Promise<readonly CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const { name, run } of checks) {
    try {
      reports.push({ name, ...(await run()) });
    } catch (error) {
      reports.push({ name, status: "fail", detail: error instanceof Error ? error.message : String(error) });
    }
  }
  return reports;
}
