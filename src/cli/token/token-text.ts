/** What the token commands read: tokens, verbs and lives, as people write them. */
import { isVerb, MAX_TOKEN, type Verb } from "../../capability/index.ts";
import { CliError } from "../cli-error.ts";
import type { Surface } from "../surface.ts";
import { readText } from "../text-file.ts";

const MILLISECONDS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A token from the command line, or from standard input for `-`. @throws CliError `bad_input`, `unreadable`. */
export async function tokenText({ stdin }: Surface, argument: string): Promise<string> {
  // A newline or two more than a token may have.
  return argument === "-" ? (await readText("-", MAX_TOKEN + 16, stdin)).trim() : argument;
}

/** `read_trace,read_task_state` as verbs. @throws CliError `usage`. */
export function verbList(text: string): readonly Verb[] {
  const words = text.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !isVerb(word));
  if (unknown === undefined) return words.filter(isVerb);
  throw new CliError("usage", `there is no verb '${unknown}'`, {
    place: "--verbs",
    hint: "see spec/design.md for roles and their verbs",
  });
}

/** `90s`, `30m`, `12h` or `7d` from `now` on, in milliseconds since 1970. @throws CliError `usage`. */
export function endOf(text: string, now: number): number {
  const [, digits = "", unit = ""] = /^([1-9]\d{0,6})([smhd])$/u.exec(text) ?? [];
  const length = Number(digits) * (MILLISECONDS[unit] ?? 0);
  if (length > 0) return now + length;
  throw new CliError("usage", `'${text}' is no duration`, {
    place: "--expires-in",
    hint: "write a number and s, m, h or d: 90s, 30m, 12h, 7d",
  });
}
