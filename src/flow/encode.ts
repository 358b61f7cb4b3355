/**
 * Encoding: the tree back to a JSON document, in the dialect asked for.
 *
 * Tag first, then the fields in table order, `err_at` always (null where absent), paths in canonical text. 0.2 writes
 * `assign` and the root `$`; 0.3 writes `let` and keeps the root as it was written. Iterative, like decoding.
 */
import { FlowError } from "./error.ts";
import { EXPR_FIELDS, type FlowExpr } from "./expr.ts";
import type { Json, JsonObject } from "./json.ts";
import { type FlowDialect, type FlowNode, NODE_FIELDS } from "./node.ts";
import type { FlowPath } from "./path.ts";
import type { FieldKind } from "./wire.ts";

/** The document of a flow. Throws FlowError `invalid_path` for a `let` whose target 0.3 cannot write. */
export const encodeFlow = (node: FlowNode, dialect: FlowDialect): JsonObject => encode(node, dialect);

/** The document of an expression. */
export const encodeExpr = (expr: FlowExpr, dialect: FlowDialect): JsonObject => encode(expr, dialect);

type Element = FlowNode | FlowExpr;
type Slots = Record<string | number, Json>;

interface Task {
  readonly element: Element;
  readonly slots: Slots;
  readonly slot: string | number;
}

const encode = (root: Element, dialect: FlowDialect): JsonObject => {
  const top: Slots = {};
  const tasks: Task[] = [{ element: root, slots: top, slot: "root" }];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    task.slots[task.slot] = encodeElement(task.element, dialect, tasks);
  }
  return top["root"] as JsonObject;
};

const encodeElement = (element: Element, dialect: FlowDialect, tasks: Task[]): JsonObject => {
  const assigns = dialect === "0.2" && "kind" in element && element.kind === "let";
  const written: Slots = "op" in element ? { op: element.op } : { kind: assigns ? "assign" : element.kind };
  const table = "op" in element ? EXPR_FIELDS[element.op] : NODE_FIELDS[assigns ? "assign" : element.kind];
  for (const [name, kind] of table) {
    encodeField(name, kind, (element as unknown as Readonly<Record<string, unknown>>)[name], written, dialect, tasks);
  }
  return written;
};

const encodeField = (
  name: string,
  kind: FieldKind,
  value: unknown,
  written: Slots,
  dialect: FlowDialect,
  tasks: Task[],
): void => {
  // Every field is set now, so that it is in table order; what is below is filled in by its own task.
  written[name] = null;
  switch (kind) {
    case "node":
    case "expr":
    case "optional_expr":
      if (value !== undefined) tasks.push({ element: value as Element, slots: written, slot: name });
      return;
    case "nodes":
    case "exprs": {
      const elements: Json[] = [];
      written[name] = elements;
      for (const [index, element] of (value as readonly Element[]).entries()) {
        elements.push(null);
        tasks.push({ element, slots: elements as unknown as Slots, slot: index });
      }
      return;
    }
    case "target":
      written[name] = pathText(targetPath(value as FlowExpr), dialect);
      return;
    case "path":
      written[name] = pathText(value as FlowPath, dialect);
      return;
    case "string":
    case "json":
    case "count":
    case "join":
      written[name] = value as Json;
  }
};

const pathText = (path: FlowPath, dialect: FlowDialect): string => (dialect === "0.2" ? path.withRoot("$") : path).text;

const targetPath = (target: FlowExpr): FlowPath => {
  if (target.op === "path") return target.at;
  throw new FlowError(
    "invalid_path",
    `invalid path syntax: dialect 0.3 cannot write a let whose target is the expression '${target.op}'; give it a path`,
  );
};
