/**
 * Which runs that have ended are kept: a rule for each way to end.
 *
 * ```json
 * { "all": { "age": "90d" }, "done": { "age": "30d", "count": 1000 }, "failed": { "bytes": "2GB" } }
 * ```
 *
 * `all` is every class; what a class says itself goes before it, limit by limit.
 *
 * Y1  A class without a rule is kept for ever, and so is every run that is held.
 */
import { isJsonObject, type Json } from "../flow/index.ts";
import { RetentionError } from "./errors.ts";

/** How runs end. */
export const CLASSES = ["done", "failed", "cancelled", "dead_letter"] as const;

/** A class of runs: those that ended so. */
export type RetentionClass = (typeof CLASSES)[number];

/** What of a class is kept: runs that every limit allows. */
export interface RetentionRule {
  /** Since the run last changed, in milliseconds. */
  readonly ageMs?: number;
  /** The newest so many. */
  readonly count?: number;
  /** The newest that together have so many bytes of journal and large values. */
  readonly bytes?: number;
}

/** A rule for each class that has one. */
export type Retention = Readonly<Partial<Record<RetentionClass, RetentionRule>>>;

const AGES: Readonly<Record<string, number>> = { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8 };
const SIZES: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Reads a policy. @throws RetentionError, which says where it is not one. */
export function parseRetention(value: Json): Retention {
  if (!isJsonObject(value)) throw invalid("it is no object of classes");
  const rules = new Map<string, RetentionRule>();
  for (const [name, rule] of Object.entries(value)) {
    if (name !== "all" && !CLASSES.some((one) => one === name)) {
      throw invalid(`${JSON.stringify(name)} is no class: one of ${CLASSES.join(", ")}, all`);
    }
    rules.set(name, parseRule(name, rule));
  }
  const all = rules.get("all");
  const retention: Partial<Record<RetentionClass, RetentionRule>> = {};
  for (const name of CLASSES) {
    const own = rules.get(name);
    if (all !== undefined || own !== undefined) retention[name] = { ...all, ...own };
  }
  return retention;
}

function parseRule(name: string, value: Json): RetentionRule {
  if (!isJsonObject(value)) throw invalid(`the rule of ${name} is no object`);
  let rule: RetentionRule = {};
  for (const [limit, given] of Object.entries(value)) {
    if (limit === "age") rule = { ...rule, ageMs: amount(given, AGES, `${name}.age`, "30d") };
    else if (limit === "bytes") rule = { ...rule, bytes: amount(given, SIZES, `${name}.bytes`, "2GB") };
    else if (limit === "count") rule = { ...rule, count: whole(given, `${name}.count`) };
    else throw invalid(`${name}.${limit} is no limit: one of age, count, bytes`);
  }
  return rule;
}

function amount(value: Json, units: Readonly<Record<string, number>>, where: string, example: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9})([A-Za-z]{1,2})$/u.exec(typeof value === "string" ? value : "") ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor !== undefined) return Number(digits) * factor;
  throw invalid(`${where} is ${JSON.stringify(value)}, not like "${example}" (${Object.keys(units).join(", ")})`);
}

function whole(value: Json, where: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`${where} is ${JSON.stringify(value)}, not a whole number`);
}

function invalid(why: string): RetentionError {
  return new RetentionError(`the retention policy is not one: ${why}`);
}
