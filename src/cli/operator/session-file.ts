/** A session that outlives its process: id and secret in a file that only its owner can read. */
import { open } from "node:fs/promises";
import type { JoinedSession } from "../../client/index.ts";
import { readIfThere } from "../../optional-text.ts";
import { CliError } from "../cli-error.ts";

/** The session in a file; undefined where there is no file. @throws CliError `unreadable`. */
export async function readSession(path: string): Promise<JoinedSession | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (isSession(parsed)) return parsed;
  } catch {
    // Told below, as for any other text.
  }
  throw new CliError("unreadable", `${path} does not hold a session`, {
    hint: "remove it to join as a new session",
  });
}

/** Keeps a session in a new file. Rejects where there is one already. */
export async function writeSession(path: string, { sessionId, secret }: JoinedSession): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ sessionId, secret })}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

function isSession(value: unknown): value is JoinedSession {
  if (typeof value !== "object" || value === null || !("sessionId" in value) || !("secret" in value)) return false;
  return typeof value.sessionId === "string" && typeof value.secret === "string";
}
