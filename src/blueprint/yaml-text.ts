/**
 * YAML 1.2 text to JSON, with places. Loaded only where there is YAML to read: the library is slow to start.
 *
 * Y1. What JSON cannot say is refused, never guessed: tags of one's own, binary, NaN, keys that are no text, a key twice.
 * Y2. An alias shares the value it stands for. How large a document of aliases is when written out is bounded by whoever
 *     inspects the value; an alias inside its own anchor is refused here.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Json } from "../flow/index.ts";
import { pointerTo, pointerTokens } from "./json-pointer.ts";

/** Longest text that is read, in bytes: the library needs seconds for a megabyte. */
export const MAX_YAML_BYTES = 1024 * 1024;

/** One thing that is wrong with the text. Offsets count UTF-16 units from 0. */
export interface YamlProblem {
  readonly kind: "syntax-error" | "duplicate-key" | "limit-exceeded";
  readonly message: string;
  readonly offset: number;
  readonly pointer?: string;
}

/** What reading yields. */
export interface YamlText {
  /** The value; absent where there is a problem. */
  readonly value?: Json;
  readonly problems: readonly YamlProblem[];
  /** Offset of what `pointer` names or of the nearest thing around it; of its key, where it is a member. */
  offset(pointer: string): number;
}

/** Reads one YAML document. Never throws for bad text. */
export function readYaml(text: string): YamlText {
  if (Buffer.byteLength(text) > MAX_YAML_BYTES) {
    const message = `the YAML is longer than ${MAX_YAML_BYTES} bytes; write a document of this size as JSON`;
    return { problems: [{ kind: "limit-exceeded", message, offset: 0 }], offset: () => 0 };
  }
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    strict: true,
    // Checked here: the library compares every key with every other.
    uniqueKeys: false,
    prettyErrors: false,
    // Anything less leaves a second document unreported.
    logLevel: "error",
  });
  // One report for each level the library's stack could not hold says no more than the first.
  const exhausted = document.errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  if (exhausted !== undefined) {
    const message = "the YAML is nested too deeply";
    return { problems: [{ kind: "limit-exceeded", message, offset: exhausted.pos[0] }], offset: () => 0 };
  }
  const broken = [...document.errors, ...document.warnings].map(
    ({ message, pos }): YamlProblem => ({
      kind: "syntax-error",
      message: `broken YAML: ${message.replace(/\.$/, "")}`,
      offset: pos[0],
    }),
  );
  if (broken.length > 0) return { problems: broken.slice(0, 20), offset: () => 0 };
  const conversion = new Conversion();
  const value = conversion.convert(document.contents as Node | null, "");
  const offset = (pointer: string): number => conversion.offset(document, pointer);
  return conversion.problems.length > 0 ? { problems: conversion.problems, offset } : { value, problems: [], offset };
}

class Conversion {
  readonly problems: YamlProblem[] = [];
  /** The node each anchor names at the moment; anchors may be given anew. */
  readonly #anchors = new Map<string, Node>();
  /** Converted nodes. A node under way has no entry yet. */
  readonly #values = new Map<Node, Json>();
  readonly #targets = new Map<Alias, Node>();

  convert(node: Node | null, pointer: string): Json {
    if (node === null) return null;
    if (isAlias(node)) return this.#alias(node, pointer);
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    const value = isMap(node)
      ? this.#map(node, pointer)
      : isSeq(node)
        ? this.#seq(node, pointer)
        : this.#scalar(node, pointer);
    this.#values.set(node, value);
    return value;
  }

  #alias(alias: Alias, pointer: string): Json {
    const target = this.#anchors.get(alias.source);
    const value = target === undefined ? undefined : this.#values.get(target);
    if (target === undefined || value === undefined) {
      const why = target === undefined ? "is defined nowhere above" : "stands inside what it names";
      return this.#problem("syntax-error", `the alias *${alias.source} ${why}`, alias, pointer);
    }
    this.#targets.set(alias, target);
    return value;
  }

  #map(map: YAMLMap, pointer: string): Json {
    const entries = new Map<string, Json>();
    for (const { key: keyNode, value } of map.items as readonly { key: Node | null; value: Node | null }[]) {
      const key = isScalar(keyNode) ? keyNode.value : undefined;
      if (typeof key !== "string") {
        const what = isScalar(keyNode) ? `the key ${String(key)} is no text: put it in quotes` : "a key must be a text";
        this.#problem("syntax-error", what, keyNode ?? map, pointer);
        continue;
      }
      const at = pointerTo(pointer, key);
      if (entries.has(key)) this.#problem("duplicate-key", `the key \`${key}\` is given twice`, keyNode ?? map, at);
      entries.set(key, this.convert(value, at));
    }
    return Object.fromEntries(entries);
  }

  #seq(seq: YAMLSeq, pointer: string): Json {
    return (seq.items as readonly (Node | null)[]).map((item, index) => this.convert(item, pointerTo(pointer, index)));
  }

  #scalar(node: Node, pointer: string): Json {
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value))
      return value as Json;
    const what = typeof value === "number" ? String(value) : "this value";
    return this.#problem("syntax-error", `${what} has no form in JSON`, node, pointer);
  }

  #problem(kind: YamlProblem["kind"], message: string, node: Node, pointer: string): null {
    if (this.problems.length < 20) this.problems.push({ kind, message, offset: node.range?.[0] ?? 0, pointer });
    return null;
  }

  offset(document: Document, pointer: string): number {
    let node = document.contents as Node | null;
    let offset = node?.range?.[0] ?? 0;
    for (const token of pointerTokens(pointer)) {
      if (isAlias(node)) node = this.#targets.get(node) ?? null;
      const part = partOf(node, token);
      if (part === undefined) break;
      offset = part.place?.range?.[0] ?? offset;
      node = part.value;
    }
    return offset;
  }
}

interface Part {
  readonly place: Node | null;
  readonly value: Node | null;
}

function partOf(node: Node | null, token: string): Part | undefined {
  if (isSeq(node)) {
    const item = (node.items as readonly (Node | null)[])[Number(token)];
    return item === undefined ? undefined : { place: item, value: item };
  }
  if (!isMap(node)) return undefined;
  const pairs = node.items as readonly { key: Node | null; value: Node | null }[];
  const pair = pairs.find(({ key }) => isScalar(key) && key.value === token);
  return pair === undefined ? undefined : { place: pair.key, value: pair.value };
}
