/**
 * Where the host of a data directory listens, as a file beside its store: how the command line finds it.
 *
 * The file is 0600. One that is left behind by a crash names a port where nobody, or somebody else, answers: whoever uses
 * it asks with the credential and takes no answer for none.
 */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What the file says. */
export interface Endpoint {
  readonly url: string;
  readonly pid: number;
}

/** Writes the file, whole. */
export async function writeEndpoint(dataDir: string, endpoint: Endpoint): Promise<void> {
  const path = endpointFile(dataDir);
  await writeFile(`${path}.new`, `${JSON.stringify(endpoint)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Removes the file. */
export async function removeEndpoint(dataDir: string): Promise<void> {
  await rm(endpointFile(dataDir), { force: true });
}

/** What the file says, or undefined where there is none that can be read. */
export async function readEndpoint(dataDir: string): Promise<Endpoint | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(endpointFile(dataDir), "utf8"));
    return isEndpoint(parsed) ? parsed : undefined;
  } catch {
    // Missing or torn: then no host can be found by it, which is all that is asked.
    return undefined;
  }
}

function endpointFile(dataDir: string): string {
  return join(dataDir, "swarm-host.endpoint");
}

function isEndpoint(value: unknown): value is Endpoint {
  if (typeof value !== "object" || value === null || !("url" in value) || !("pid" in value)) return false;
  return typeof value.url === "string" && typeof value.pid === "number";
}
