/**
 * Ways to spoil JSON text and packed bytes. Pure: the same text, way and number give the same again, so that a failure is
 * reproduced by its numbers and shrunk like any.
 */
import fc from "fast-check";

/** Cases of all fuzz tests together: what is fed in, by what it is fed to. */
export const CASES = { jsonFrames: 40_000, packedFrames: 40_000, bodies: 16_000, sockets: 4_000 } as const;

/** How long one test may take where the machine has much else to do, in milliseconds. */
export const PATIENCE = 300_000;

/** Texts that are more than they look like. */
export const HOSTILE_TEXTS: readonly string[] = [
  "",
  " ",
  "\0",
  "..",
  "../../etc/passwd",
  "..\\..\\windows",
  "%2e%2e%2f",
  "CON",
  "nul.txt",
  "__proto__",
  "constructor",
  "toString",
  "\u202egpj.exe",
  "e\u0301",
  "\u{1F9E8}".repeat(50),
  "x".repeat(3_000),
  "'; DROP TABLE runs; --",
  "R-0000000000000000",
  `S-${"0".repeat(32)}`,
  `Q-${"f".repeat(32)}`,
  "null",
  "-1",
  "1e999",
  "\r\nx-injected: 1",
];

type Spoil = (text: string, n: number) => string;

const pick = <T>(from: readonly T[], n: number): T => from[n % from.length]!;

/** Puts pairs at the front of an object's text. */
const withPairs = (text: string, pairs: string): string =>
  text.startsWith("{") ? `{${pairs}${text.length > 2 ? "," : ""}${text.slice(1)}` : `{${pairs}}`;

/** Replaces the value of one of an object's own pairs. */
const withValue = (text: string, n: number, value: string): string => {
  const values = [...text.matchAll(/:("[^"]*"|-?[0-9.]+|true|false|null|\{\}|\[\])/gu)];
  const found = values.length === 0 ? undefined : pick(values, n);
  if (found === undefined) return value;
  return `${text.slice(0, found.index)}:${value}${text.slice(found.index + found[0].length)}`;
};

const nested = (open: string, close: string, depth: number): string => `${open.repeat(depth)}0${close.repeat(depth)}`;
const DEPTHS = [3, 64, 65, 500, 1_500, 5_000] as const;
const NUMBERS = [
  "1e999",
  "-1e999",
  "-0",
  "1e-400",
  "9007199254740993",
  `1${"0".repeat(400)}`,
  "0.1e",
  "01",
  "NaN",
] as const;
const TYPES = ["null", "true", "0", '""', "[]", "{}", '"x"', "[[]]", "1.5"] as const;

const SPOILS: readonly Spoil[] = [
  (text) => text,
  (text) => text,
  (text, n) => text.slice(0, n % (text.length + 1)),
  (text, n) =>
    `${text.slice(0, n % (text.length + 1))}${String.fromCharCode((n >> 8) % 0x300)}${text.slice((n % (text.length + 1)) + 1)}`,
  (text, n) => withPairs(text, text.slice(1, -1) || `"n":${n}`),
  (text, n) =>
    withPairs(
      text,
      pick(['"__proto__":{"polluted":true}', '"constructor":{"prototype":{"polluted":true}}', '"polluted":1'], n),
    ),
  (text, n) => withValue(text, n, nested("[", "]", pick(DEPTHS, n))),
  (text, n) => withValue(text, n, nested('{"a":', "}", pick(DEPTHS, n))),
  (text, n) => withValue(text, n, pick(NUMBERS, n)),
  (text, n) => withValue(text, n, pick(TYPES, n)),
  (text, n) => withValue(text, n, JSON.stringify(pick(HOSTILE_TEXTS, n))),
  (text, n) => withValue(text, n, pick(['"\\ud800"', '"\\udfff\\ud800"', '"\ud800"', '"\\u0000"', '"\\x"'], n)),
  (text, n) => withValue(text, n, `"${"x".repeat(pick([100, 4_001, 70_000], n))}"`),
  (text, n) =>
    pick([`[${text}]`, `${text}${text}`, `\ufeff${text}`, `${text},`, `// c\n${text}`, text.replaceAll('"', "'")], n),
  (_text, n) => pick(["", " ", "null", "[]", "{}", '"x"', "0", "true", "undefined", "{", "}", "\0", "[[[[", '{"a"'], n),
  (_text, n) =>
    String.fromCharCode(...Array.from({ length: n % 60 }, (_, index) => (n * (index + 7) * 2_654_435_761) % 0xffff)),
];

/** A way to spoil a text, as numbers. */
export const spoiling: fc.Arbitrary<readonly [way: number, n: number]> = fc.tuple(fc.nat(SPOILS.length - 1), fc.nat());

/** The text, spoilt. */
export function spoilt(text: string, [way, n]: readonly [way: number, n: number]): string {
  return SPOILS[way]!(text, n);
}

type SpoilBytes = (bytes: Uint8Array, n: number) => Uint8Array;

const PACKED: readonly (readonly number[])[] = [
  [],
  [0xc1],
  [0xdd, 0xff, 0xff, 0xff, 0xff],
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  [0xdb, 0xff, 0xff, 0xff, 0xff],
  [0xd4, 0x72, 0x40],
  [0xc7, 0x08, 0x00, 1, 2, 3, 4, 5, 6, 7, 8],
  [0x81, 0xa1, 0xff, 0x01],
  [0x82, 0xa1, 0x6e, 0x01, 0xa1, 0x6e, 0x02],
  [0x81, 0x01, 0x02],
  [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
  [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  Array.from({ length: 3_000 }, () => 0x91),
];

const BYTE_SPOILS: readonly SpoilBytes[] = [
  (bytes) => bytes,
  (bytes, n) => bytes.subarray(0, n % (bytes.length + 1)),
  (bytes, n) => Uint8Array.from(bytes, (byte, at) => (at === n % bytes.length ? (n >> 8) & 0xff : byte)),
  (bytes, n) => Uint8Array.from([...bytes, ...bytes.subarray(0, n % bytes.length)]),
  (_bytes, n) => Uint8Array.from(pick(PACKED, n)),
  (_bytes, n) => Uint8Array.from({ length: n % 60 }, (_, index) => (Math.imul(n, index + 7) >>> 5) & 0xff),
];

/** A way to spoil bytes, as numbers. */
export const spoilingBytes: fc.Arbitrary<readonly [way: number, n: number]> = fc.tuple(
  fc.nat(BYTE_SPOILS.length - 1),
  fc.nat(),
);

/** The bytes, spoilt. */
export function spoiltBytes(bytes: Uint8Array, [way, n]: readonly [way: number, n: number]): Uint8Array {
  return BYTE_SPOILS[way]!(bytes, n);
}

/** Says how much was fed in, once, with the outcome of the run. */
export function report(what: string, count: number, outcomes: ReadonlyMap<string, number>): void {
  const told = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, times]) => `${outcome} ${times}`);
  process.stdout.write(`fuzz: ${count} ${what}: ${told.slice(0, 12).join(", ")}\n`);
}

/** Counts. */
export function tally(outcomes: Map<string, number>, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/** What is in memory now, in bytes, with what nobody holds any more left out. */
export async function heldMemory(): Promise<number> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")]);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
