/**
 * The keys that sign a data directory's tokens, as a file beside its store.
 *
 * Owns: the file `swarm-host.keys`, 0600: whole or not there, whatever a crash does. Does not own: what keys are for
 * (src/capability). Only the process that owns the directory writes it. No error holds what is in it.
 */
import { createSecretKey } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CapabilityError, KEY_BYTES, type KeyRing, keyRing, type SigningKey } from "./capability/index.ts";
import { readIfThere } from "./optional-text.ts";

/** Of the file's form. */
const FORMAT = 1;

/** The file of a data directory. */
export function keyFile(dataDir: string): string {
  return join(dataDir, "swarm-host.keys");
}

/**
 * The keys of a data directory; undefined where there is no file.
 * @throws CapabilityError `keys_invalid` where it is damaged; the file system's error.
 */
export async function readKeys(dataDir: string): Promise<KeyRing | undefined> {
  const path = keyFile(dataDir);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const keys = parsed(text);
  if (keys !== undefined) return keys;
  throw new CapabilityError(
    "keys_invalid",
    `${path} does not hold keys: restore it, or remove it, which ends all tokens that were given out`,
  );
}

/** Replaces the keys of a data directory; durable when it resolves. */
export async function writeKeys(dataDir: string, keys: KeyRing): Promise<void> {
  const path = keyFile(dataDir);
  const document = {
    format: FORMAT,
    keys: keys.map(({ id, secret, createdAt }) => ({
      id,
      secret: secret.export().toString("hex"),
      created_at: createdAt,
    })),
  };
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(document)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The keys a text holds; undefined where it is not what `writeKeys` wrote. */
function parsed(text: string): KeyRing | undefined {
  try {
    const document = JSON.parse(text) as { readonly format?: unknown; readonly keys?: unknown } | null;
    if (document?.format !== FORMAT || !Array.isArray(document.keys)) return undefined;
    const keys = document.keys.map(keyOf);
    return keys.every((key) => key !== undefined) ? keyRing(keys) : undefined;
  } catch {
    // Neither the parser's message nor a ring's may quote the file.
    return undefined;
  }
}

function keyOf(value: unknown): SigningKey | undefined {
  const { id, secret, created_at } = value as { readonly id: string; readonly secret: unknown; created_at: unknown };
  if (typeof secret !== "string" || !new RegExp(`^[0-9a-f]{${KEY_BYTES * 2}}$`, "u").test(secret)) return undefined;
  if (typeof created_at !== "number") return undefined;
  return { id, secret: createSecretKey(secret, "hex"), createdAt: created_at };
}
