/**
 * Scaffolds: the texts that `bp new` starts an author with.
 *
 * Owns: which names are allowed, the rendering.
 * Does not own: which templates there are (scaffold-templates.ts), the templates' text (blueprints/templates, handed in), writing files, the command line.
 *
 * Names become Lua strings, ctx keys and agent names, so they follow one identifier rule and are escaped all the same.
 */
import nunjucks from "nunjucks";
import { SCAFFOLD_TEMPLATES, type TemplateRow } from "./scaffold-templates.ts";

/** Why a scaffold was refused. `message` says which names would do. */
export class ScaffoldError extends Error {
  override readonly name = "ScaffoldError";
  readonly code: "unknown_template" | "invalid_name" | "name_clash";

  constructor(code: ScaffoldError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What is asked for. Fields that a template does not use are ignored. */
export interface ScaffoldRequest {
  readonly template: string;
  /** The Blueprint's id. */
  readonly name: string;
  /** Stage names, in order. Empty or absent: the template's own. */
  readonly stages?: readonly string[];
  /** Name of the only agent. Default: the template's own. */
  readonly agent?: string;
  /** The operator seat. Default `main-ai`. */
  readonly operator?: string;
  /** Launch variant of the operators' workers. Default `claude`. */
  readonly binding?: string;
  /** File name shown in the header. Default `<name>.bp.lua`. */
  readonly file?: string;
}

/** The file of a template below `#templates/`. Throws `unknown_template`, which lists the templates. */
export function scaffoldTemplateFile(template: string): string {
  return `${templateRow(template).name}.bp.lua.njk`;
}

/**
 * The scaffold's Lua text. `text` is the content of the template's file.
 * Throws `unknown_template`, `invalid_name` for a name outside its rule, `name_clash` for one that is already taken.
 */
export function renderScaffold(request: ScaffoldRequest, text: string): string {
  const row = templateRow(request.template);
  const name = checked("name", request.name, BLUEPRINT_ID, "lower-case letters, digits, `.`, `_` and `-`");
  const variables = {
    name,
    file: plainFile(request.file ?? `${name}.bp.lua`),
    operator: checked("operator", request.operator ?? "main-ai", LABEL, LABEL_WORDS),
    binding: checked("binding", request.binding ?? "claude", LABEL, LABEL_WORDS),
    stages: row.stages === undefined ? [] : freeNames(row, stageNames(row, row.stages, request.stages ?? [])),
    agent: row.agent === undefined ? "" : (freeNames(row, [request.agent ?? row.agent])[0] ?? row.agent),
  };
  const environment = new nunjucks.Environment(null, {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  environment.addFilter("lua", luaString);
  return environment.renderString(text, variables);
}

const BLUEPRINT_ID = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const LABEL_WORDS = "letters, digits, `.`, `_` and `-`";

function templateRow(template: string): TemplateRow {
  const row = SCAFFOLD_TEMPLATES.find(({ name }) => name === template);
  if (row !== undefined) return row;
  const names = SCAFFOLD_TEMPLATES.map(({ name }) => name).join(" / ");
  throw new ScaffoldError("unknown_template", `there is no template "${template}": use ${names}`);
}

function stageNames(row: TemplateRow, defaults: readonly string[], given: readonly string[]): readonly string[] {
  const names = given.map((stage) => stage.trim()).filter((stage) => stage !== "");
  if (names.length === 0) return defaults;
  return row.fixedLength ? defaults.map((fallback, index) => names[index] ?? fallback) : names;
}

function freeNames(row: TemplateRow, names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const name of names) {
    checked("name", name, IDENTIFIER, "letters, digits and `_`, not starting with a digit");
    if (row.taken.includes(name)) {
      throw new ScaffoldError("name_clash", `"${name}" is a name the template ${row.name} uses itself: choose another`);
    }
    if (seen.has(name)) {
      throw new ScaffoldError(
        "name_clash",
        `"${name}" names two stages of ${names.join(", ")}: choose different names`,
      );
    }
    seen.add(name);
  }
  return names;
}

function checked(what: string, value: string, rule: RegExp, words: string): string {
  if (rule.test(value)) return value;
  throw new ScaffoldError("invalid_name", `${what} ${JSON.stringify(value)} is not usable: it may hold ${words}`);
}

/** The header is a comment of one line a sentence: nothing may end the line. */
function plainFile(file: string): string {
  return file.replace(/\p{Cc}/gu, "?");
}

/** A Lua string literal. */
function luaString(value: string): string {
  const escaped = value
    .replace(/[\\"]/g, "\\$&")
    .replace(/\p{Cc}/gu, (c) => `\\${c.charCodeAt(0).toString().padStart(3, "0")}`);
  return `"${escaped}"`;
}
