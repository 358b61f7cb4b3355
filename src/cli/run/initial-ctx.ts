/**
 * The input of a run, as given on the command line.
 *
 * Owns: reading `--input`, `--input-file` and `--set`, and what is said when they are wrong.
 * Does not own: what the Blueprint adds (defaults of its init_ctx; the host merges them).
 */
import { FlowError, FlowPath, isJsonObject, type Json, type JsonObject, writePath } from "../../flow/index.ts";
import { CliError } from "../cli-error.ts";

/** The largest input text, in bytes. */
export const MAX_INPUT_BYTES: number = 64 * 1024 * 1024;

/** What was given. */
export interface InputOptions {
  /** JSON text. */
  readonly input?: string;
  /** A file, or `-` for standard input. */
  readonly inputFile?: string;
  /** `path=value` texts, applied in order over the rest. */
  readonly set: readonly string[];
}

/** Reads a file or, for `-`, standard input; at most `limit` bytes. Throws CliError `unreadable` or `bad_input`. */
export type ReadText = (file: string, limit: number) => Promise<string>;

/**
 * The input, or `undefined` where none was given.
 * @throws CliError `usage` or `bad_input`, which name the option.
 */
export async function readInput(options: InputOptions, readText: ReadText): Promise<Json | undefined> {
  const { input, inputFile, set } = options;
  if (input !== undefined && inputFile !== undefined) {
    throw new CliError("usage", "--input and --input-file cannot be used together", { hint: "give one of them" });
  }
  let ctx: Json | undefined;
  if (input !== undefined) ctx = parseInput(input, "--input");
  else if (inputFile !== undefined) {
    ctx = parseInput(await readText(inputFile, MAX_INPUT_BYTES), inputFile === "-" ? "standard input" : inputFile);
  }
  for (const assignment of set) {
    ctx = applySet(ctx ?? {}, assignment);
    if (!isJsonObject(ctx)) throw notAnObject(ctx, `--set ${assignment}`);
  }
  return ctx;
}

/** The input that a JSON text holds. @param place Where the text was given. @throws CliError `bad_input`. */
export function parseInput(text: string, place: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text) as Json;
  } catch (cause) {
    throw new CliError("bad_input", `the input is not JSON: ${describeSyntax(text, cause as SyntaxError)}`, {
      place,
      hint: `give a JSON object, for example '{"name": "Ada"}'`,
      cause,
    });
  }
  if (isJsonObject(value)) return value;
  throw notAnObject(value, place);
}

function notAnObject(value: Json, place: string): CliError {
  return new CliError("bad_input", `the input must be a JSON object, not ${kindOf(value)}`, {
    place,
    hint: `a run starts from an object, for example '{"value": ${JSON.stringify(value).slice(0, 40)}}'`,
  });
}

/** The engine's own message without its excerpt, and the place as line and column. */
function describeSyntax(text: string, error: SyntaxError): string {
  const reason = error.message.replace(/,? (in JSON|")[\s\S]*$/u, "").replace(/ at position[\s\S]*$/u, "");
  const offset = /at position (\d+)/u.exec(error.message)?.[1];
  const at = offset === undefined ? endPlace(text, error.message) : Number(offset);
  if (at === undefined) return reason;
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return `${reason} at line ${line}, column ${at - before.lastIndexOf("\n")}`;
}

function endPlace(text: string, message: string): number | undefined {
  return message.startsWith("Unexpected end") ? text.length : undefined;
}

/**
 * `ctx` with one `path=value` applied. The path is a flow path; without a root (`a.b`) it starts at `$`. The value is
 * JSON where it parses as JSON, and otherwise the text itself.
 * @throws CliError `usage`.
 */
export function applySet(ctx: Json, assignment: string): Json {
  const split = equalsSign(assignment);
  if (split <= 0) {
    throw new CliError("usage", `"${assignment}" is not an assignment`, {
      place: "--set",
      hint: "write path=value, for example --set user.name=Ada",
    });
  }
  try {
    return writePath(FlowPath.parse(rooted(assignment.slice(0, split))), ctx, literal(assignment.slice(split + 1)));
  } catch (cause) {
    if (!(cause instanceof FlowError)) throw cause;
    throw new CliError("usage", cause.message, {
      place: `--set ${assignment}`,
      hint: 'paths are keys joined by dots; a key with dots is written ["a.b"]',
      cause,
    });
  }
}

/** Index of the `=` between path and value: the first outside a bracketed key. */
function equalsSign(assignment: string): number {
  const bracketed = /\["[^"]*"\]/gu;
  const masked = assignment.replace(bracketed, (key) => "_".repeat(key.length));
  return masked.indexOf("=");
}

function rooted(path: string): string {
  if (/^(\$|ctx)($|[.[])/u.test(path)) return path;
  return path.startsWith("[") ? `$${path}` : `$.${path}`;
}

function literal(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Not JSON: the documented meaning is the text itself.
    return text;
  }
}

function kindOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return `a ${typeof value}`;
}
