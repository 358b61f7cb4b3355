/** `swarm-host gc`: removes what is not kept. */
import { isJsonObject, type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import type { RunStatus } from "../../host.ts";
import { parseRetention } from "../../retention/index.ts";
import { collectionObject, expiredObject } from "../../upkeep.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { withHost } from "../runs/open-existing.ts";
import { statusText } from "../runs/status-text.ts";
import { tableLines } from "../runs/table.ts";
import { timeText } from "../runs/time-text.ts";
import { count, formatBytes, oneLine, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Options of `gc`, as commander gives them. */
export interface GcFlags extends DataDirFlag {
  readonly keepAge?: readonly string[];
  readonly keepCount?: readonly string[];
  readonly keepBytes?: readonly string[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Removes what is not kept, or says what that would be. */
export async function gcCommand(surface: Surface, flags: GcFlags): Promise<ExitCode> {
  const given = policyOf(flags);
  const retention = given === undefined ? undefined : parseRetention(given);
  const body = { ...(given === undefined ? {} : { retention: given }), ...(flags.dryRun ? { dry_run: true } : {}) };
  const answer = await withHost<JsonObject | null>(surface, dataDirectory(surface, flags), {
    own: async ({ upkeep }) =>
      flags.dryRun ? expiredObject(await upkeep.expired(retention)) : collectionObject(await upkeep.collect(retention)),
    ask: (host) => host.ask("POST", "/v1/gc", body),
  });
  const found = answer ?? {};
  const text = (): string => (flags.dryRun ? expiredText(surface, found) : collectionText(found));
  await writeResult(surface.stdout, flags.json ? jsonText(found) : text());
  return EXIT.done;
}

/** The flags as a policy; undefined where there is none. */
function policyOf({ keepAge = [], keepCount = [], keepBytes = [] }: GcFlags): JsonObject | undefined {
  let policy: { readonly [name: string]: JsonObject } = {};
  const add = (flag: string, limit: string, read: (text: string) => Json) => (rule: string) => {
    const at = rule.indexOf("=");
    const name = rule.slice(0, at);
    if (at <= 0) {
      throw new CliError("usage", `${JSON.stringify(rule)} is no rule`, {
        place: flag,
        hint: `write it as <class>=<value>, for example all=${limit === "age" ? "30d" : limit === "count" ? "1000" : "2GB"}`,
      });
    }
    const former = Object.hasOwn(policy, name) ? policy[name] : {};
    policy = { ...policy, [name]: { ...former, [limit]: read(rule.slice(at + 1)) } };
  };
  keepAge.forEach(add("--keep-age", "age", (text) => text));
  keepCount.forEach(add("--keep-count", "count", (text) => (/^\d{1,15}$/u.test(text) ? Number(text) : text)));
  keepBytes.forEach(add("--keep-bytes", "bytes", (text) => text));
  return Object.keys(policy).length === 0 ? undefined : policy;
}

function collectionText(collected: JsonObject): string {
  const of = numbersOf(collected);
  const texts = `${count(of("blobs"), "large value")} and ${count(of("documents"), "Blueprint")} that no run uses`;
  return `removed ${count(of("runs"), "run")}, ${texts} (${formatBytes(of("bytes"))})\n`;
}

function expiredText(surface: Surface, found: JsonObject): string {
  const of = numbersOf(found);
  if (of("runs") === 0) return "would remove no runs\n";
  const style = styleFor(surface.stdout, surface.env);
  const expired = (ownValue(found, "expired") as readonly JsonObject[] | undefined) ?? [];
  const rows = expired.map((run) => {
    const [runId, status, blueprint] = [ownValue(run, "run_id"), ownValue(run, "status"), ownValue(run, "blueprint")];
    const name = isJsonObject(blueprint ?? null) ? ownValue(blueprint as JsonObject, "id") : "";
    const numbers = numbersOf(run);
    const below = numbers("runs") > 1 ? ` with ${count(numbers("runs") - 1, "run")} it started` : "";
    const size = `${formatBytes(numbers("bytes"))}${below}`;
    return [
      String(runId),
      statusText(status as RunStatus, style),
      oneLine(String(name)),
      timeText(numbers("updated_at")),
      size,
    ];
  });
  const all = expired.reduce((sum, run) => sum + numbersOf(run)("runs"), 0);
  const more = all < of("runs") ? `${style.glyphs.more} and ${of("runs") - all} more\n` : "";
  const lines = tableLines(["run", "status", "blueprint", "changed", "size"], rows, style).join("\n");
  return `${lines}\n${more}would remove ${count(of("runs"), "run")} (at most ${formatBytes(of("bytes"))})\n`;
}

function numbersOf(object: JsonObject): (name: string) => number {
  return (name) => Number(ownValue(object, name) ?? 0);
}
