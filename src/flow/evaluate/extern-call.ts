/**
 * One call of a host function: what it throws becomes an error of the language, what it answers must be JSON.
 */
import { FlowError } from "../error.ts";
import { type ExternSite, type Externs, externError } from "../externs.ts";
import { limitExceeded } from "../failures.ts";
import type { Json } from "../json.ts";
import { type InspectionBounds, inspectJson } from "../json-inspect.ts";
import type { WorkMeter } from "../work-meter.ts";

/** Calls `ref`. A thrown FlowError passes unchanged, whatever its kind; anything else becomes `extern_error`. */
export const callHostFunction = (
  externs: Externs,
  ref: string,
  args: readonly Json[],
  site: ExternSite,
  bounds: InspectionBounds,
  meter: WorkMeter,
): Json => {
  let value: Json;
  try {
    value = externs.call(ref, args, site);
  } catch (error) {
    if (error instanceof FlowError) throw error;
    throw externError(ref, error instanceof Error ? error.message : String(error), error);
  }
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  const inspection = inspectJson(value, bounds);
  if ("depth" in inspection) {
    meter.spend(inspection.values);
    return value;
  }
  const { limit, message, pointer } = inspection.problem;
  if (limit !== undefined)
    throw limitExceeded(limit, bounds[limit], `extern '${ref}' returned a value with ${message}`);
  throw externError(ref, `returned a value that is not JSON${pointer === "" ? "" : ` at ${pointer}`}: ${message}`);
};
