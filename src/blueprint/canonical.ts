/**
 * The canonical form of a Blueprint, and its version.
 *
 * N1. Equal Blueprints have equal text: key order, number spelling, nulls for absent keys and defaults written out make no
 *     difference.
 * N2. The text is RFC 8785 JSON. Parsed, it is a Blueprint with the same text.
 * N3. The version names algorithm and format, so neither can change unnoticed.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Json } from "../flow/index.ts";
import { minimal } from "./conform.ts";
import { inspectDocument } from "./document-inspection.ts";
import { BlueprintError } from "./errors.ts";

/** What is hashed before the text, so that the hash of a Blueprint is no hash of anything else. */
const DOMAIN = "swarm-host/blueprint/v1\n";

/**
 * Canonical text of a linked document or of a parsed Blueprint: both give the same. Throws BlueprintError `not_canonical`
 * for what is not JSON, or past the limits of documents.
 */
export function canonicalText(document: Json): string {
  const inspected = inspectDocument(document);
  if ("failure" in inspected) {
    const { message, pointer } = inspected.failure;
    throw new BlueprintError(
      "not_canonical",
      `the document has no canonical form: ${message}, at ${pointer || "its root"}`,
    );
  }
  const text = canonicalize(minimal(inspected.document));
  if (text === undefined)
    throw new BlueprintError("not_canonical", "the document has no canonical form: it is no JSON value");
  return text;
}

/** `sha256:` and 64 lower-case hex digits: the version of the Blueprint with this canonical text. */
export function blueprintVersion(text: string): string {
  return `sha256:${createHash("sha256").update(DOMAIN).update(text).digest("hex")}`;
}
