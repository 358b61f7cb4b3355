/** A directory of a test's own, gone with the test. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Makes a directory; call it inside a test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "swarm-host-spec-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes a file into a directory of its own and returns the file's path. Objects are written as JSON. */
export async function temporaryFile(name: string, content: string | object): Promise<string> {
  const file = join(await temporaryDirectory(), name);
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

/** A Blueprint document whose flow is one step of one agent. */
export function oneStep(agent: object, more: object = {}): object {
  return {
    schema_version: "0.1.0",
    id: "sample",
    agents: [{ name: "worker", ...agent }],
    flow: { kind: "step", ref: "worker", in: { op: "lit", value: "" }, out: { op: "path", at: "$.answer" } },
    ...more,
  };
}

/** A Lua agent. */
export function lua(source: string): object {
  return { kind: "lua", spec: { source } };
}

/** A child process of this Node.js. */
export function node(script: string): object {
  return { kind: "subprocess", spec: { program: process.execPath, args: ["-e", script], use_stdin: false } };
}
