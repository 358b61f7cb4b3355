/** `swarm-host gc`, `runs hold` and `runs release`: what is kept and what is not. */
import { type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import { CLASSES, parseRetention } from "../../retention/index.ts";
import { collectionObject } from "../../upkeep.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { withHost } from "../runs/open-existing.ts";
import { runPath } from "../runs/running-host.ts";
import { count, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Options of `gc`, as commander gives them. */
export interface GcFlags extends DataDirFlag {
  readonly keepAge?: readonly string[];
  readonly keepCount?: readonly string[];
  readonly keepBytes?: readonly string[];
  readonly json?: boolean;
}

/** Removes what is not kept. */
export async function gcCommand(surface: Surface, flags: GcFlags): Promise<ExitCode> {
  const given = policyOf(flags);
  const retention = given === undefined ? undefined : parseRetention(given);
  const collected = await withHost<JsonObject | null>(surface, dataDirectory(surface, flags), {
    own: async (host) => collectionObject(await host.upkeep.collect(retention)),
    ask: (host) => host.ask("POST", "/v1/gc", given === undefined ? {} : { retention: given }),
  });
  const text = flags.json ? jsonText(collected) : `${collectionText(collected ?? {})}\n`;
  await writeResult(surface.stdout, text);
  return EXIT.done;
}

/** Holds a run, or releases it. */
export async function holdCommand(
  surface: Surface,
  runId: string,
  held: boolean,
  flags: DataDirFlag,
): Promise<ExitCode> {
  await withHost<unknown>(surface, dataDirectory(surface, flags), {
    own: (host) => host.hold(runId, held),
    ask: (host) => host.ask("POST", runPath(runId, held ? "/hold" : "/release"), {}),
  });
  const style = styleFor(surface.stderr, surface.env);
  const said = held ? `run ${runId} is kept until it is released` : `run ${runId} is held no more`;
  surface.stderr.write(`${style.good(style.glyphs.pass)} ${said}\n`);
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
    for (const one of name === "all" ? CLASSES : [name]) {
      const former = Object.hasOwn(policy, one) ? policy[one] : {};
      policy = { ...policy, [one]: { ...former, [limit]: read(rule.slice(at + 1)) } };
    }
  };
  keepAge.forEach(add("--keep-age", "age", (text) => text));
  keepCount.forEach(add("--keep-count", "count", (text) => (/^\d{1,15}$/u.test(text) ? Number(text) : text)));
  keepBytes.forEach(add("--keep-bytes", "bytes", (text) => text));
  return Object.keys(policy).length === 0 ? undefined : policy;
}

function collectionText(collected: JsonObject): string {
  const of = (name: string): number => Number(ownValue(collected, name) ?? 0);
  return `removed ${count(of("runs"), "run")}, ${count(of("blobs"), "blob")} and ${count(of("documents"), "Blueprint")} that no run uses (${of("bytes")} bytes)`;
}
