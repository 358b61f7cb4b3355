/**
 * Decoding: JSON documents of either dialect to the one tree of nodes and expressions.
 *
 * Owns: the shape of a document, driven by the field tables of node.ts and expr.ts. Fields that hold neither nodes nor
 * expressions are decode-value.ts, texts and places of problems decode-problem.ts.
 *
 * D1  Strict: unknown kinds, operations and fields, missing fields and wrong types are refused, all of them at once.
 * D2  Iterative: nesting costs no stack, and stops at `maxDepth` with a problem of its own.
 * D3  A document is never changed, and what is decoded is frozen. Literal values are shared with the document.
 * D4  An array stands for a tagged object, tag first, then the fields in order: the language's positional form.
 */
import { describe, meantName, parseProblem, quoted, type Trail, trailPointer } from "./decode-problem.ts";
import { decodeValue, type ValueContext } from "./decode-value.ts";
import type { FlowError } from "./error.ts";
import { EXPR_FIELDS, type FlowExpr } from "./expr.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { type FlowLimits, resolveLimits } from "./limits.ts";
import { type FlowDialect, type FlowNode, NODE_FIELDS } from "./node.ts";
import type { FieldKind, FieldTable } from "./wire.ts";

/** What decoding may be told. */
export interface DecodeOptions {
  /** Which dialect to hold a document to. Default `any`: both `let` and `assign`, both path roots. */
  readonly dialect?: "any" | FlowDialect;
  readonly limits?: Partial<FlowLimits>;
  /** JSON pointer of the flow in the document it is part of, put before every pointer of a problem. Default `""`. */
  readonly basePointer?: string;
}

/** Decodes a flow. Throws the first problem, a FlowError `parse_error`. */
export const decodeFlow = (document: unknown, options: DecodeOptions = {}): FlowNode => {
  const decoder = new Decoder(options);
  const node = decoder.decode(document, "node");
  const [problem] = decoder.problems;
  if (problem !== undefined) throw problem;
  return node as FlowNode;
};

/** Decodes an expression. Throws the first problem, a FlowError `parse_error`. */
export const decodeExpr = (document: unknown, options: DecodeOptions = {}): FlowExpr => {
  const decoder = new Decoder(options);
  const expr = decoder.decode(document, "expr");
  const [problem] = decoder.problems;
  if (problem !== undefined) throw problem;
  return expr as FlowExpr;
};

/** All problems of a flow document in document order, at most 100; empty where `decodeFlow` accepts it. */
export const checkFlow = (document: unknown, options: DecodeOptions = {}): readonly FlowError[] => {
  const decoder = new Decoder(options);
  decoder.decode(document, "node");
  return decoder.problems;
};

const MAX_PROBLEMS = 100;

type Sort = "node" | "expr";
type Slots = Record<string | number, unknown>;

/** Something still to decode, and the place in its parent that waits for it. */
interface Task {
  readonly raw: unknown;
  readonly sort: Sort;
  readonly trail: Trail | undefined;
  readonly depth: number;
  readonly slots: Slots;
  readonly slot: string | number;
}

/** One field of a tagged object, wherever it was written. */
interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  readonly raw: unknown;
  readonly trail: Trail;
}

const wireName = { node: "kind", expr: "op" } as const;

class Decoder {
  readonly problems: FlowError[] = [];
  readonly #context: ValueContext;
  readonly #limits: FlowLimits;
  readonly #base: string;
  readonly #tables: Readonly<Record<Sort, ReadonlyMap<string, FieldTable>>>;
  readonly #tasks: Task[] = [];
  readonly #made: object[] = [];
  #children: Task[] = [];
  #count = 0;

  constructor(options: DecodeOptions) {
    const dialect = options.dialect ?? "any";
    this.#limits = resolveLimits(options.limits);
    this.#context = { dialect, limits: this.#limits };
    this.#base = options.basePointer ?? "";
    const foreign = { any: undefined, "0.2": "let", "0.3": "assign" }[dialect];
    this.#tables = {
      node: new Map(Object.entries(NODE_FIELDS).filter(([kind]) => kind !== foreign)),
      expr: new Map(Object.entries(EXPR_FIELDS)),
    };
  }

  /** The tree; whole only where no problem was found. */
  decode(document: unknown, sort: Sort): unknown {
    const slots: Slots = {};
    this.#tasks.push({ raw: document, sort, trail: undefined, depth: 1, slots, slot: "root" });
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) {
      if (this.problems.length >= MAX_PROBLEMS) break;
      this.#count += 1;
      if (this.#count > this.#limits.maxNodes) {
        this.#problem(task.trail, `more than ${this.#limits.maxNodes} nodes and expressions (limit maxNodes)`);
        break;
      }
      this.#element(task);
      // Children in document order: the last pushed is the next decoded.
      while (this.#children.length > 0) this.#tasks.push(this.#children.pop() as Task);
    }
    if (this.problems.length === 0) for (const made of this.#made) Object.freeze(made);
    return slots["root"];
  }

  #problem(trail: Trail | undefined, message: string, details?: JsonObject): void {
    if (this.problems.length < MAX_PROBLEMS) {
      this.problems.push(parseProblem(trailPointer(trail, this.#base), message, details));
    }
  }

  #element(task: Task): void {
    const { raw, sort, trail } = task;
    if (task.depth > this.#limits.maxDepth) {
      this.#problem(trail, `nested deeper than ${this.#limits.maxDepth} levels (limit maxDepth)`);
      return;
    }
    const tag = this.#tag(raw, sort, trail);
    if (tag === undefined) return;
    const table = this.#tables[sort].get(tag) as FieldTable;
    const fields = Array.isArray(raw)
      ? this.#positionalFields(raw, tag, table, trail)
      : this.#namedFields(raw as JsonObject, sort, tag, table, trail);
    const made: Slots = sort === "expr" ? { op: tag } : { kind: tag === "assign" ? "let" : tag };
    this.#made.push(made);
    task.slots[task.slot] = made;
    for (const field of fields) this.#field(field, made, task.depth);
  }

  #tag(raw: unknown, sort: Sort, trail: Trail | undefined): string | undefined {
    const what = sort === "node" ? "a node (an object with 'kind')" : "an expression (an object with 'op')";
    const name = wireName[sort];
    let tag: unknown;
    if (Array.isArray(raw)) {
      tag = raw[0];
    } else if (isJsonObject(raw)) {
      if (!Object.hasOwn(raw, name)) {
        this.#problem(trail, `missing field '${name}'; expected ${what}`, { field: name });
        return undefined;
      }
      tag = raw[name];
    } else {
      this.#problem(trail, `expected ${what}, found ${describe(raw)}`);
      return undefined;
    }
    const tables = this.#tables[sort];
    if (typeof tag === "string" && tables.has(tag)) return tag;
    const at: Trail = { parent: trail, token: Array.isArray(raw) ? 0 : name };
    const known = [...tables.keys()];
    const found = typeof tag === "string" ? quoted(tag) : describe(tag);
    const meant = typeof tag === "string" ? meantName(tag, known) : undefined;
    const hint = meant === undefined ? "" : ` (did you mean '${meant}'?)`;
    this.#problem(at, `unknown ${name} ${found}${hint}, expected one of ${known.join(", ")}`, {
      expected: known,
      ...(meant === undefined ? {} : { suggestion: meant }),
    });
    return undefined;
  }

  #namedFields(
    raw: JsonObject,
    sort: Sort,
    tag: string,
    table: FieldTable,
    trail: Trail | undefined,
  ): readonly Field[] {
    const known = table.map(([name]) => name);
    for (const name of Object.keys(raw)) {
      if (name === wireName[sort] || known.includes(name)) continue;
      const meant = meantName(name, known);
      const hint = meant === undefined ? "" : ` (did you mean '${meant}'?)`;
      this.#problem(
        { parent: trail, token: name },
        `unknown field ${quoted(name)}${hint} in '${tag}', expected ${known.join(", ")}`,
        { field: name, expected: known, ...(meant === undefined ? {} : { suggestion: meant }) },
      );
    }
    const fields: Field[] = [];
    for (const [name, kind] of table) {
      if (Object.hasOwn(raw, name)) fields.push({ name, kind, raw: raw[name], trail: { parent: trail, token: name } });
      else if (kind !== "optional_expr") this.#missing(trail, tag, name);
    }
    return fields;
  }

  #positionalFields(
    raw: readonly unknown[],
    tag: string,
    table: FieldTable,
    trail: Trail | undefined,
  ): readonly Field[] {
    if (raw.length > table.length + 1) {
      const names = table.map(([name]) => name).join(", ");
      this.#problem(trail, `'${tag}' as an array has ${raw.length - 1} fields, expected ${table.length}: ${names}`);
    }
    const fields: Field[] = [];
    for (const [index, [name, kind]] of table.entries()) {
      if (index + 1 < raw.length) {
        fields.push({ name, kind, raw: raw[index + 1], trail: { parent: trail, token: index + 1 } });
      } else if (kind !== "optional_expr") this.#missing(trail, tag, name);
    }
    return fields;
  }

  #missing(trail: Trail | undefined, tag: string, field: string): void {
    this.#problem(trail, `missing field '${field}' of '${tag}'`, { field });
  }

  #field(field: Field, made: Slots, depth: number): void {
    const { name, kind, raw, trail } = field;
    switch (kind) {
      case "node":
      case "expr":
        this.#children.push({ raw, sort: kind, trail, depth: depth + 1, slots: made, slot: name });
        return;
      case "optional_expr":
        if (raw !== null) this.#children.push({ raw, sort: "expr", trail, depth: depth + 1, slots: made, slot: name });
        return;
      case "nodes":
      case "exprs":
        this.#list(field, kind === "nodes" ? "node" : "expr", made, depth);
        return;
      default:
        made[name] = decodeValue(
          kind,
          raw,
          (message, details) => this.#problem(trail, message, details),
          this.#context,
        );
    }
  }

  #list(field: Field, sort: Sort, made: Slots, depth: number): void {
    const { name, raw, trail } = field;
    if (!Array.isArray(raw)) {
      this.#problem(trail, `expected an array of ${sort === "node" ? "nodes" : "expressions"}, found ${describe(raw)}`);
      return;
    }
    const elements: unknown[] = new Array(raw.length);
    made[name] = elements;
    this.#made.push(elements);
    for (const [index, element] of raw.entries()) {
      const at: Trail = { parent: trail, token: index };
      this.#children.push({
        raw: element,
        sort,
        trail: at,
        depth: depth + 1,
        slots: elements as unknown as Slots,
        slot: index,
      });
    }
  }
}
