/** Which part of the Blueprint a place in the document belongs to. */
import { isJsonObject, type Json } from "../flow/index.ts";
import type { DiagnosticElement } from "./diagnostic.ts";
import { pointerTokens } from "./json-pointer.ts";

const elements = { agents: "agent", operators: "operator", metas: "meta" } as const;

/** The `element` of a finding at `pointer`; nothing where the place belongs to no named element. */
export function elementAt(document: Json, pointer: string): { readonly element?: DiagnosticElement } {
  const [list, index] = pointerTokens(pointer);
  if (list === undefined) return { element: { type: "blueprint_root" } };
  if (index === undefined || !isElementList(list) || !isJsonObject(document)) return {};
  const entries = document[list];
  const entry = Array.isArray(entries) ? (entries as readonly Json[])[Number(index)] : undefined;
  const name = isJsonObject(entry) && Object.hasOwn(entry, "name") ? entry["name"] : undefined;
  return typeof name === "string" ? { element: { type: elements[list], name } } : {};
}

function isElementList(list: string): list is keyof typeof elements {
  return Object.hasOwn(elements, list);
}
