/** Token counts as programs report them, under either family of names. */
import { isJsonObject, type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import type { WorkerStats } from "../../kernel/index.ts";

/**
 * The counts in a usage object: `input_tokens`/`prompt_tokens`, `output_tokens`/`completion_tokens`, `total_tokens`. A
 * missing part is 0, a missing total the sum; a reported total is kept. Undefined where no number is there at all.
 */
export function tokenUsage(reported: Json | undefined): WorkerStats["usage"] {
  if (!isJsonObject(reported)) return undefined;
  const input = count(reported, "input_tokens") ?? count(reported, "prompt_tokens");
  const output = count(reported, "output_tokens") ?? count(reported, "completion_tokens");
  const total = count(reported, "total_tokens");
  if (input === undefined && output === undefined && total === undefined) return undefined;
  const [input_tokens, output_tokens] = [input ?? 0, output ?? 0];
  return { input_tokens, output_tokens, total_tokens: total ?? input_tokens + output_tokens };
}

function count(object: JsonObject, key: string): number | undefined {
  const value = ownValue(object, key);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
