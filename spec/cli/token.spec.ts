/** `swarm-host token ...`: made from a data directory's keys, weakened by anybody, shown without what could be used. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { Capabilities, GATE, type KeyRing } from "../../src/capability/index.ts";
import { openHost } from "../../src/host.ts";
import { readKeys } from "../../src/key-file.ts";
import { listen, readOrMakeCredential, writeEndpoint } from "../../src/server/index.ts";
import { temporaryDirectory } from "./temporary.ts";
import { cli, type Ran } from "./test-surface.ts";

/** The clock of test surfaces. */
const NOW = 0;
const DAY = 86_400_000;

let dataDir: string;

beforeEach(async () => {
  dataDir = join(await temporaryDirectory(), "data");
  await (await openHost({ data: { kind: "directory", path: dataDir } }))[Symbol.asyncDispose]();
});

const token = (...args: readonly string[]): Promise<Ran> => cli(["token", ...args, "--data-dir", dataDir]);

async function keys(): Promise<KeyRing> {
  const ring = await readKeys(dataDir);
  if (ring === undefined) throw new Error("no keys");
  return ring;
}

async function minted(...args: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await token("mint", "--subject", "ann", ...args);
  expect([exit, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

async function workerToken(): Promise<string> {
  const binding = { runId: "R-1", key: "2.~1", attempt: 1, fence: 4 };
  const order = { role: "worker", subject: "ST-\u001b[31m1", binding, expiresAt: NOW + 3 * DAY } as const;
  return new Capabilities(await keys()).mint(order, NOW);
}

describe("swarm-host token mint", () => {
  it("makes what the host takes: all that the role has, for a day", async () => {
    const grant = new Capabilities(await keys()).verify(await minted("--role", "observer"), NOW);
    expect(grant).toMatchObject({ role: "observer", subject: "ann", expiresAt: DAY, verbs: GATE.observer });
  });

  it("makes less where less is asked for", async () => {
    const text = await minted("--role", "operator", "--verbs", "read_task_state, poll_task", "--expires-in", "90s");
    const grant = new Capabilities(await keys()).verify(text, NOW);
    expect([...grant.verbs, grant.expiresAt]).toEqual(["poll_task", "read_task_state", 90_000]);
  });

  it.each<[string, readonly string[], string]>([
    ["a worker", ["--role", "worker"], "Allowed choices"],
    ["no role", [], "--role"],
    ["a verb that the role does not have", ["--role", "observer", "--verbs", "cancel_task"], "may not cancel_task"],
    ["upkeep", ["--role", "operator", "--verbs", "administer"], "may not administer"],
    ["a verb there is none of", ["--role", "observer", "--verbs", "fly"], "no verb 'fly'"],
    ["a life that is none", ["--role", "observer", "--expires-in", "soon"], "no duration"],
    ["no life", ["--role", "observer", "--expires-in", "0s"], "no duration"],
    ["a long life", ["--role", "observer", "--expires-in", "367d"], "366 days"],
  ])("refuses %s", async (_what, args, said) => {
    const { exit, stdout, stderr } = await token("mint", "--subject", "ann", ...args);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(said);
  });

  it("says where to get keys where there are none", async () => {
    const { exit, stderr } = await cli(["token", "mint", "--role", "observer", "--subject", "x", "--data-dir", "none"]);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/no keys yet[\s\S]*swarm-host\.keys[\s\S]*swarm-host serve/u);
  });
});

describe("swarm-host token inspect", () => {
  it("shows what a token says, and nothing that can be used", async () => {
    const text = await workerToken();
    const { exit, stdout } = await token("inspect", text);
    expect(exit).toBe(0);
    expect(stdout.replace(/k-[0-9a-f]{16}/u, "K")).toBe(
      [
        "role      worker",
        "subject   ST-1",
        "verbs     emit_output, fetch_data, fetch_prompt, post_result, verify_token",
        "run       R-1",
        "step      2.~1, attempt 1",
        "fence     4",
        "issued    1970-01-01 00:00:00Z",
        "expires   1970-01-04 00:00:00Z (in 3 days)",
        "key       K",
        "proof     it holds: a key of this data directory signed it",
        "",
      ].join("\n"),
    );
    const json = await token("inspect", text, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      header: { alg: "HS256", kid: (await keys())[0].id, typ: "swarm-host+jwt" },
      role: "worker",
      expires_at: 3 * DAY,
      proof: "holds",
    });
    const [, payload = "", signature = ""] = text.split(".");
    const file = await readFile(join(dataDir, "swarm-host.keys"), "utf8");
    const secret = /"secret":"([0-9a-f]{64})"/u.exec(file)?.[1] ?? "-";
    for (const shown of [stdout, json.stdout]) {
      for (const part of [payload, signature, secret]) expect(shown).not.toContain(part);
    }
  });

  it("tells what a narrowed token was and is, from standard input", async () => {
    const narrowed = await cli(["token", "narrow", "-", "--verbs", "emit_output", "--artifact", "report"], {
      stdin: `${await workerToken()}\n`,
    });
    const shorter = await cli(["token", "narrow", narrowed.stdout.trim(), "--expires-in", "30m"]);
    const { exit, stdout } = await cli(["token", "inspect", "-", "--data-dir", dataDir], { stdin: shorter.stdout });
    expect(exit).toBe(0);
    expect(stdout).toMatch(/verbs {5}emit_output\n[\s\S]*artifact {2}report\n[\s\S]*\(in 30m00s\)/u);
    expect(stdout).toMatch(/made with emit_output, fetch_data, [^\n]*; to 1970-01-04 00:00:00Z\n/u);
    expect(stdout).toMatch(
      /narrowed {2}to emit_output, to the artifact report\nnarrowed {2}until 1970-01-01 00:30:00Z\n/u,
    );
    expect(stdout).toMatch(/proof {5}it holds/u);
    const json = await token("inspect", shorter.stdout.trim(), "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      verbs: ["emit_output"],
      expires_at: 1_800_000,
      made_with: { expires_at: 3 * DAY },
      narrowed_to: [{ verbs: ["emit_output"], artifact: "report" }, { expires_at: 1_800_000 }],
    });
  });

  it("says so where a token does not hold, and fails", async () => {
    const text = await minted("--role", "senior", "--expires-in", "1s");
    const forged = `${text.slice(0, -4)}${text.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
    const proof = async (shown: string, place = dataDir): Promise<unknown[]> => {
      const { exit, stdout } = await cli(["token", "inspect", shown, "--json", "--data-dir", place]);
      return [exit, (JSON.parse(stdout) as { proof: string }).proof];
    };
    expect(await proof(text)).toEqual([0, "holds"]);
    expect(await proof(forged)).toEqual([1, "token_forged"]);
    await token("rotate");
    await token("rotate");
    expect(await proof(text)).toEqual([1, "token_key_unknown"]);
    const elsewhere = join(await temporaryDirectory(), "none");
    expect(await proof(text, elsewhere)).toEqual([0, "unchecked"]);
  });

  it.each(["garbage", "a.b.c", "", "x".repeat(5000)])("refuses what is no token: %j", async (text) => {
    const { exit, stdout, stderr } = await token("inspect", text);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("no token of a swarm-host");
  });
});

describe("swarm-host token narrow", () => {
  it.each<[string, readonly string[], string]>([
    ["nothing", [], "nothing is taken away"],
    ["a verb the token does not have", ["--verbs", "cancel_task"], "does not have cancel_task"],
    ["a longer life", ["--expires-in", "9d"], "ends earlier"],
    ["an artifact, of an observer's token", ["--artifact", "a"], "only a worker's"],
  ])("refuses to take away %s", async (_what, args, said) => {
    const text = await minted("--role", "observer");
    const { exit, stdout, stderr } = await cli(["token", "narrow", text, ...args]);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain(text);
  });
});

describe("swarm-host token rotate", () => {
  it("keeps the key before", async () => {
    const [first] = await keys();
    expect((await token("rotate")).exit).toBe(0);
    const after = await keys();
    expect(after.map(({ id }) => id)).toEqual([expect.not.stringContaining(first.id), first.id]);
  });

  it("asks the host that is running there, which goes on with the new key", async () => {
    await using server = await listen({ hostname: "127.0.0.1", port: 0 }, () => {});
    await using host = await openHost({ data: { kind: "directory", path: dataDir } });
    const credential = await readOrMakeCredential(dataDir);
    await writeEndpoint(dataDir, { url: server.url, pid: process.pid });
    server.ready({ host, credential });
    const before = host.capabilities.keyIds;
    expect(await token("rotate")).toMatchObject({ exit: 0 });
    expect(host.capabilities.keyIds[1]).toBe(before[0]);
    expect((await keys()).map(({ id }) => id)).toEqual(host.capabilities.keyIds);
  });

  it("makes no data directory", async () => {
    const { exit, stderr } = await cli(["token", "rotate", "--data-dir", join(dataDir, "none")]);
    expect(exit).toBe(2);
    expect(stderr).toContain("--data-dir");
  });
});
