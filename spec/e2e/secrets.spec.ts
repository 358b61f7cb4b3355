/**
 * A whole run with secrets that the test knows, through a real `serve`: afterwards they are in no journal, no database file,
 * no blob, no archive, no log and no error. What is kept of them is a digest.
 */
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Capabilities, handleDigest, narrow } from "../../src/capability/index.ts";
import { readKeys } from "../../src/key-file.ts";
import { temporaryDirectory } from "../cli/temporary.ts";
import { TestClient } from "../operators/test-client.ts";
import { start, swarmHost } from "./cli-process.ts";

const HOUR = 3_600_000;
const LARGE = "a large answer ".repeat(4_000);

/** One step is done by a child process, one by a worker from outside, and each gets what is large. */
const blueprint = {
  schema_version: "0.1.0",
  id: "kept",
  operators: [{ name: "main" }],
  agents: [
    {
      name: "child",
      kind: "subprocess",
      spec: {
        program: process.execPath,
        args: ["-e", 'process.stdout.write(Object.keys(process.env).join(" "))'],
        use_stdin: false,
      },
    },
    {
      name: "writer",
      kind: "operator",
      spec: { operator_ref: "main" },
      runner: { backend: "ws_operator", variant: "coder", tools: [] },
    },
  ],
  flow: {
    kind: "seq",
    children: ["child", "writer"].map((ref) => ({
      kind: "step",
      ref,
      in: { op: "lit", value: LARGE },
      out: { op: "path", at: `$.${ref}` },
    })),
  },
};

/** Every file below a directory, as bytes. */
async function files(directory: string): Promise<readonly (readonly [string, Buffer])[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return Promise.all(paths.map(async (path) => [path.slice(directory.length + 1), await readFile(path)] as const));
}

describe("secrets", () => {
  it("are kept nowhere but in the files that are for them, and told to nobody else", { timeout: 120_000 }, async () => {
    const dataDir = join(await temporaryDirectory(), "data");
    const environment = `env-${randomBytes(16).toString("hex")}`;
    const running = start(["serve", "--port", "0", "--data-dir", dataDir], { env: { SWARM_TEST_SECRET: environment } });
    const url = /ready on (\S+)/u.exec(await running.said(/ready on /u))?.[1] ?? "";
    const credential = (await readFile(join(dataDir, "swarm-host.token"), "utf8")).trim();
    const keys = await readKeys(dataDir);
    const answers: string[] = [];
    const ask = async (
      path: string,
      bearer: string,
      body?: object | string,
    ): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      answers.push(text);
      return { status: response.status, text };
    };

    const minter = new Capabilities(keys!);
    const operator = minter.mint({ role: "operator", subject: "lead", expiresAt: Date.now() + HOUR }, Date.now());
    const joined = JSON.parse((await ask("/v1/operators", operator, { description: "someone" })).text);
    // The one answer that tells a secret, to whoever it is for.
    answers.pop();
    const { session_id: session, secret } = joined as { session_id: string; secret: string };
    const client = await TestClient.open(url, session, secret);
    const run = JSON.parse(
      (await ask("/v1/runs", secret, { blueprint, seats: { main: { description: "mine" } } })).text,
    ).run_id;
    const { request, seq } = await client.next("request");
    client.send({ type: "seen", seq });
    const { handle, token } = request;
    const narrowed = narrow(token, { verbs: ["emit_output"], artifact: "notes" });
    await client.ask({ type: "ack", id: request.id, note: "on it" });
    expect((await ask("/v1/worker/prompt", handle)).status).toBe(200);
    expect((await ask("/v1/worker/artifact?name=notes", narrowed, "of the worker")).status).toBe(204);
    const renewed = await ask("/v1/worker/token", token, {});
    answers.pop();
    const again = JSON.parse(renewed.text).token as string;
    // What goes wrong says what went wrong, and not with what.
    const secrets = { credential, secret, handle, token, narrowed, again, operator };
    for (const [name, shown] of Object.entries(secrets)) {
      const spoilt = `${shown.slice(0, -1)}${shown.endsWith("0") ? "1" : "0"}`;
      for (const bearer of [spoilt, shown]) {
        for (const path of ["/v1/keys/rotate", "/v1/worker/result", `/v1/operators/S-${"0".repeat(32)}/socket`]) {
          if (name === "credential" && bearer === shown) continue;
          const { status } = await ask(path, bearer, path.endsWith("socket") ? undefined : `{"value":`);
          expect(status).toBeGreaterThanOrEqual(400);
        }
      }
    }
    await expect(TestClient.open(url, session, `${secret}x`)).rejects.toThrow("status 401");
    expect((await ask("/v1/worker/submit", again, LARGE)).status).toBe(204);
    const events = await ask(`/v1/runs/${run}/events`, credential);
    expect(events.text).toContain("event: run_finished");
    await ask(`/v1/runs/${run}/archive`, credential);
    await ask(`/v1/runs/${run}`, credential);
    await ask("/v1/operators", credential);
    client.drop();
    const live = await files(dataDir);
    running.child.kill("SIGTERM");
    const end = await running.ended;
    expect(end.code).toBe(0);
    const inspected = await swarmHost(["token", "inspect", "--data-dir", dataDir, again]);
    const said = [...answers, end.stdout, end.stderr, inspected.stdout, inspected.stderr];

    const keyTexts = keys!.flatMap((key) => {
      const bytes = key.secret.export();
      return [bytes.toString("hex"), bytes.toString("base64url"), bytes.toString("latin1")];
    });
    const signatures = [token, narrowed, again, operator].map((one) => one.slice(one.lastIndexOf(".") + 1));
    const hidden = [...Object.values(secrets), ...signatures, ...keyTexts, environment];
    const own: Readonly<Record<string, readonly string[]>> = {
      "swarm-host.token": [credential],
      "swarm-host.keys": keyTexts,
    };
    for (const [name, bytes] of [...live, ...(await files(dataDir))]) {
      for (const each of hidden) {
        if (own[name]?.includes(each)) continue;
        expect({ name, found: bytes.includes(Buffer.from(each, "latin1")) }).toEqual({ name, found: false });
      }
    }
    for (const text of said) for (const each of hidden) expect(text).not.toContain(each);
    // It was looked for where it would be: the answer is there, and the digest of the handle.
    const kept = live.filter(([name]) => name.startsWith("swarm-host.db")).map(([, bytes]) => bytes);
    for (const there of ["a large answer a large", handleDigest(handle)]) {
      expect(kept.some((bytes) => bytes.includes(there))).toBe(true);
    }
  });
});
