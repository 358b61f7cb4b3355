/**
 * The secret that whoever speaks to the host must show: whoever can read the data directory can.
 *
 * Owns: the file and the comparison. The secret is never logged and never part of an error.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ServerError } from "./errors.ts";

/** The credential's file in a data directory, 0600. */
export function credentialFile(dataDir: string): string {
  return join(dataDir, "swarm-host.token");
}

/** The credential of a data directory, made at the first start. The caller owns the directory. */
export async function readOrMakeCredential(dataDir: string): Promise<string> {
  const path = credentialFile(dataDir);
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(`${randomBytes(32).toString("hex")}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readCredential(dataDir);
}

/** The credential that is there. @throws the file system's error, or one that says the file is damaged. */
export async function readCredential(dataDir: string): Promise<string> {
  const path = credentialFile(dataDir);
  const text = (await readFile(path, "utf8")).trim();
  if (!/^[0-9a-f]{64}$/u.test(text)) {
    throw new ServerError(
      "credential_damaged",
      `${path} does not hold a credential: remove it, and start the host again`,
    );
  }
  return text;
}

/** Whether a shown secret is the credential. Takes the same time however much of it is right. */
export function isCredential(shown: string, credential: string): boolean {
  const digest = (text: string): Buffer => hash("sha256", text, "buffer");
  return timingSafeEqual(digest(shown), digest(credential));
}
