/**
 * What a prompt template may contain: the check that makes nunjucks safe to feed with templates from Blueprints.
 *
 * A template compiles to JavaScript that runs in the host. So its tree is walked first, and everything that is not
 * plainly data, a known filter, a condition or a loop is refused: calls (but `range`), members that lead to
 * constructors, names that are not identifiers, regular expressions, and every tag that loads, defines or extends.
 */

/** A node of nunjucks' tree, as far as the walk reads it. */
export interface TemplateNode {
  readonly typename: string;
  readonly lineno: number;
  readonly [field: string]: unknown;
}

/** Filters that only compute from their operand, in bounded time and space. */
export const FILTERS: ReadonlySet<string> = new Set(
  `abs capitalize d default dictsort dump e escape first float int join last length list lower replace reverse round safe
  sort string striptags sum title tojson trim truncate upper urlencode wordcount`.split(/\s+/),
);

/** The one function that templates may call. */
export const RANGE = "range";

const NODES: ReadonlySet<string> = new Set(
  `Root NodeList Output TemplateData Capture Literal Symbol Group Array Dict Pair KeywordArgs LookupVal If InlineIf For Set
  Filter FunCall Is In Compare CompareOperand And Or Not Add Concat Sub Mul Div FloorDiv Mod Pow Neg Pos`.split(/\s+/),
);

const TESTS: ReadonlySet<string> = new Set(
  `defined undefined none null true false truthy falsy string number mapping sequence iterable even odd divisibleby eq
  equalto sameas ne gt ge lt le greaterthan lessthan lower upper escaped`.split(/\s+/),
);

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(["constructor", "prototype", "__proto__"]);

/** The tree's variables that nothing in it binds, in order of first use. Throws Error naming what is refused, and its line. */
export function guardTemplate(root: TemplateNode): readonly string[] {
  const read = new Set<string>();
  const bound = new Set(["loop", RANGE]);
  const refuse = (node: TemplateNode, what: string): never => {
    throw new Error(`line ${node.lineno + 1}: ${what}`);
  };
  const name = (node: TemplateNode, what: string): string => {
    const value = String(node["value"]);
    if (
      node.typename !== "Symbol" ||
      !IDENTIFIER.test(value) ||
      FORBIDDEN_NAMES.has(value) ||
      value in Object.prototype
    ) {
      return refuse(node, `'${value}' cannot be ${what}`);
    }
    return value;
  };
  const bind = (target: unknown): void => {
    for (const node of nodesOf(target)) {
      if (node.typename === "Array") bind(node["children"]);
      else if (node["value"] === RANGE) refuse(node, `'${RANGE}' is a function and cannot be set`);
      else bound.add(name(node, "a variable"));
    }
  };
  const visit = (node: TemplateNode): void => {
    switch (node.typename) {
      case "Symbol":
        read.add(name(node, "a variable"));
        return;
      case "Literal":
        if (node["value"] instanceof RegExp) refuse(node, "regular expressions are not available");
        return;
      case "LookupVal": {
        const key = node["val"] as TemplateNode;
        if (key.typename !== "Literal") refuse(node, "a member is looked up by a computed name; use a fixed one");
        if (
          typeof key["value"] !== "number" &&
          (typeof key["value"] !== "string" || FORBIDDEN_NAMES.has(key["value"]))
        ) {
          refuse(node, `the member ${JSON.stringify(key["value"])} is not available`);
        }
        visit(node["target"] as TemplateNode);
        return;
      }
      case "Filter": {
        const filter = name(node["name"] as TemplateNode, "a filter");
        if (!FILTERS.has(filter))
          refuse(node, `there is no filter '${filter}'; the filters are ${[...FILTERS].join(", ")}`);
        visitAll(node["args"]);
        return;
      }
      case "FunCall": {
        const callee = node["name"] as TemplateNode;
        if (callee.typename !== "Symbol" || callee["value"] !== RANGE) refuse(node, `only ${RANGE}(...) can be called`);
        visitAll(node["args"]);
        return;
      }
      case "Is": {
        const right = node["right"] as TemplateNode;
        const test = name((right.typename === "FunCall" ? right["name"] : right) as TemplateNode, "a test");
        if (!TESTS.has(test)) refuse(node, `there is no test '${test}'`);
        visit(node["left"] as TemplateNode);
        if (right.typename === "FunCall") visitAll(right["args"]);
        return;
      }
      case "For":
        bind(node["name"]);
        visitAll([node["arr"], node["body"], node["else_"]]);
        return;
      case "Set":
        bind(node["targets"]);
        visitAll([node["value"], node["body"]]);
        return;
      case "Pair":
        // The key of a keyword argument is a Symbol that reads nothing.
        if ((node["key"] as TemplateNode).typename === "Symbol") name(node["key"] as TemplateNode, "an argument name");
        else visit(node["key"] as TemplateNode);
        visit(node["value"] as TemplateNode);
        return;
      default:
        if (!NODES.has(node.typename)) refuse(node, `'${node.typename}' is not available in prompts`);
        visitAll(fieldsOf(node));
    }
  };
  const visitAll = (value: unknown): void => {
    for (const node of nodesOf(value)) visit(node);
  };
  visit(root);
  return [...read].filter((variable) => !bound.has(variable));
}

function fieldsOf(node: TemplateNode): unknown[] {
  return (node["fields"] as readonly string[]).map((field) => node[field]);
}

/** The nodes in a field: one, several, none; lists of nodes are opened, whichever form they have. */
function nodesOf(value: unknown): TemplateNode[] {
  if (Array.isArray(value)) return value.flatMap(nodesOf);
  if (typeof value !== "object" || value === null || !("typename" in value)) return [];
  return [value as TemplateNode];
}
