/**
 * Strict bindings: whether a session's manifest says that its environment has what an agent's runner asks for.
 *
 * Owns: what a manifest must say. Does not own: which Blueprints ask (host-launch.ts), whether the manifest is true: it is the
 * word of who joined, as good as the credential it joined with.
 *
 * A manifest is `{provider_id, capabilities: [{launch_variant?, resolved_model?, effective_tools?}]}`; whatever else it holds
 * is passed over.
 */
import { isJsonObject, type Json, ownValue } from "../flow/index.ts";

/** What an agent's runner asks for. */
export interface BindingNeed {
  readonly variant: string;
  readonly tools: readonly string[];
  /** Of the agent's profile. */
  readonly model?: string;
}

/** Why a manifest does not attest a need, as the end of a sentence; undefined where it does. */
export function unattested(need: BindingNeed, manifest: Json | undefined): string | undefined {
  if (manifest === undefined) return "it has no manifest";
  const provider = isJsonObject(manifest) ? ownValue(manifest, "provider_id") : undefined;
  if (typeof provider !== "string" || provider.trim() === "") return "its manifest names no provider_id";
  const listed = isJsonObject(manifest) ? ownValue(manifest, "capabilities") : undefined;
  const capabilities = Array.isArray(listed) ? listed.filter(isJsonObject) : [];
  const fitting = capabilities.filter((capability) => ownValue(capability, "launch_variant") === need.variant);
  const [capability] = fitting;
  if (capability === undefined) return `its manifest has no capability of the variant '${need.variant}'`;
  if (fitting.length > 1) return `its manifest has ${fitting.length} capabilities of the variant '${need.variant}'`;
  if (need.model !== undefined && typeof ownValue(capability, "resolved_model") !== "string") {
    return `its manifest resolves no model for the variant '${need.variant}'`;
  }
  const tools = ownValue(capability, "effective_tools");
  const offered = new Set(Array.isArray(tools) ? tools : []);
  const missing = [...new Set(need.tools)].filter((tool) => !offered.has(tool)).sort();
  return missing.length === 0 ? undefined : `its manifest lacks the tools ${missing.join(", ")}`;
}
