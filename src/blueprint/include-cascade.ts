/**
 * The directories in which refs are looked up, in order.
 *
 * K1. Tiers, strongest first: the document's own directory (base), the document's `blueprint_ref_includes`, the
 *     environment, the command line, the host's configuration, the agents that come with the package.
 * K2. A directory the document names must lie, links resolved, below the base or below a directory the host allows.
 *     Whoever sends a document does not thereby read the host's files.
 * K3. The other tiers are the operator's own words, and may be anywhere.
 */
import { createRequire } from "node:module";
import { delimiter, dirname, isAbsolute, join, sep } from "node:path";
import { isJsonObject, type Json } from "../flow/index.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { DocumentFiles } from "./document-files.ts";
import { pointerTo } from "./json-pointer.ts";
import { diagnose } from "./lint-registry.ts";

/** Where an include directory comes from. */
export type IncludeTier = "base" | "document" | "environment" | "command_line" | "configuration" | "bundled";

/** A directory of the cascade. */
export interface IncludeDirectory {
  readonly tier: IncludeTier;
  /** As it was named, relative ones joined to the base. */
  readonly path: string;
  /** With symbolic links resolved. */
  readonly realPath: string;
}

/** Where refs may be looked up. Every part is optional. */
export interface IncludeSources {
  /** The document's own directory. */
  readonly base?: string;
  /** Directories outside the base that documents may name; for hosts that take documents from others. */
  readonly allowed?: readonly string[];
  readonly environment?: readonly string[];
  readonly commandLine?: readonly string[];
  readonly configuration?: readonly string[];
  /** Default: the agents that come with the package. Null: none. */
  readonly bundled?: string | null;
}

/** Names of the variables that hold include directories, strongest first. */
export const INCLUDE_VARIABLES = ["SWARM_HOST_INCLUDES", "MSE_BLUEPRINT_INCLUDES"] as const;

/** The include directories that environment variables name, separated as in PATH. */
export function includesFromEnvironment(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return INCLUDE_VARIABLES.flatMap((name) => (environment[name] ?? "").split(delimiter)).filter((path) => path !== "");
}

/** The directory of the agents that come with the package. */
export function bundledAgents(): string {
  return dirname(createRequire(import.meta.url).resolve("#agents/researcher.md"));
}

/** Lays out the cascade for one document. A directory that is not there is passed over, with a warning where somebody named it. */
export async function includeCascade(
  document: Json,
  sources: IncludeSources,
  files: DocumentFiles,
): Promise<{ readonly directories: readonly IncludeDirectory[]; readonly diagnostics: readonly Diagnostic[] }> {
  const diagnostics: Diagnostic[] = [];
  const directories: IncludeDirectory[] = [];
  const add = async (tier: IncludeTier, path: string, pointer?: string): Promise<void> => {
    const realPath = await files.realDirectory(path);
    if (realPath !== undefined) directories.push({ tier, path, realPath });
    else if (tier !== "bundled") diagnostics.push(missingDirectory(tier, path, pointer));
  };
  const { base } = sources;
  if (base !== undefined) await add("base", base);
  const roots = await realDirectories([...(base === undefined ? [] : [base]), ...(sources.allowed ?? [])], files);
  for (const { path, pointer } of documentIncludes(document)) {
    const joined = isAbsolute(path) || base === undefined ? path : join(base, path);
    const realPath = await files.realDirectory(joined);
    if (realPath !== undefined && !roots.some((root) => isBelow(realPath, root))) {
      diagnostics.push(refusedDirectory(path, pointer));
    } else await add("document", joined, pointer);
  }
  for (const path of sources.environment ?? []) await add("environment", path);
  for (const path of sources.commandLine ?? []) await add("command_line", path);
  for (const path of sources.configuration ?? []) await add("configuration", path);
  if (sources.bundled !== null) await add("bundled", sources.bundled ?? bundledAgents());
  return { directories, diagnostics };
}

/** Whether `path` is `directory` or lies below it. Both are real paths. */
export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/** What the document names; anything that is no list of texts is the parser's to complain about. */
function documentIncludes(document: Json): readonly { readonly path: string; readonly pointer: string }[] {
  const includes =
    isJsonObject(document) && Object.hasOwn(document, "blueprint_ref_includes")
      ? document["blueprint_ref_includes"]
      : [];
  if (!Array.isArray(includes)) return [];
  return (includes as readonly Json[]).flatMap((path, index) =>
    typeof path === "string" ? [{ path, pointer: pointerTo("/blueprint_ref_includes", index) }] : [],
  );
}

async function realDirectories(paths: readonly string[], files: DocumentFiles): Promise<readonly string[]> {
  const real = await Promise.all(paths.map((path) => files.realDirectory(path)));
  return real.filter((path) => path !== undefined);
}

const tierNames: Readonly<Record<IncludeTier, string>> = {
  base: "the document's directory",
  document: "blueprint_ref_includes",
  environment: "the environment",
  command_line: "the command line",
  configuration: "the configuration",
  bundled: "the package",
};

/** A directory with its tier, for messages. */
export function describeDirectory({ path, tier }: Pick<IncludeDirectory, "path" | "tier">): string {
  return `${path} (${tierNames[tier]})`;
}

function missingDirectory(tier: IncludeTier, path: string, pointer: string | undefined): Diagnostic {
  return diagnose("include-missing", {
    stage: "link",
    message: `the include directory ${describeDirectory({ tier, path })} does not exist`,
    ...(pointer === undefined ? {} : { pointer }),
  });
}

function refusedDirectory(path: string, pointer: string): Diagnostic {
  return diagnose("include-refused", {
    stage: "link",
    message: `the include directory ${path} lies outside the document's own directory`,
    pointer,
    help: "name it on the command line, in the environment or in the host's configuration instead",
  });
}
