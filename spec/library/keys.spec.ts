/** The keys of a data directory: made once, kept whole, rotated, and never shown. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Host, openHost } from "../../src/host.ts";
import { keyFile, readKeys } from "../../src/key-file.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "swarm-host-keys-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (): Promise<Host> => openHost({ data: { kind: "directory", path: directory } });

function mint({ capabilities }: Host): string {
  const now = Date.now();
  return capabilities.mint({ role: "observer", subject: "o", expiresAt: now + 60_000 }, now);
}

describe("a host's keys", () => {
  it("are made at the first start, for nobody else to read, and are there at the next", async () => {
    expect(await readKeys(directory)).toBeUndefined();
    let token: string;
    {
      await using host = await open();
      token = mint(host);
    }
    expect(statSync(keyFile(directory)).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).filter((name) => name.endsWith(".new"))).toEqual([]);
    await using host = await open();
    expect(host.capabilities.verify(token, Date.now()).subject).toBe("o");
  });

  it("rotate durably: two live, whoever asks at once", async () => {
    let before: readonly string[];
    {
      await using host = await open();
      const [first] = host.keys;
      await host.rotateKeys();
      expect(host.keys[1]).toEqual(first);
      await Promise.all([host.rotateKeys(), host.rotateKeys()]);
      before = host.capabilities.keyIds;
      expect(before).toHaveLength(2);
      expect(before).not.toContain(first?.id);
      expect(host.keys.map(({ id }) => id)).toEqual(before);
    }
    expect(statSync(keyFile(directory)).mode & 0o777).toBe(0o600);
    await using host = await open();
    expect(host.capabilities.keyIds).toEqual(before);
  });

  it("of a host that keeps nothing are its own", async () => {
    await using one = await openHost({ data: { kind: "ephemeral" } });
    await using other = await openHost({ data: { kind: "ephemeral" } });
    const token = mint(one);
    expect(() => other.capabilities.verify(token, Date.now())).toThrow(/key k-/u);
    await one.rotateKeys();
    expect(one.keys).toHaveLength(2);
  });

  it.each<[string, (text: string) => string]>([
    ["empty", () => ""],
    ["cut off", (text) => text.slice(0, -20)],
    ["of another form", (text) => text.replace('"format":1', '"format":2')],
    ["without keys", () => '{"format":1,"keys":[]}'],
    ["with a short key", (text) => text.replace(/"secret":"..../u, '"secret":"')],
    ["with a key twice", (text) => text.replace(/\[(\{[^}]*\})\]/u, "[$1,$1]")],
    ["with an id that is none", (text) => text.replace(/"k-[0-9a-f]*"/u, "7")],
    ["null", () => "null"],
    ["a list", () => "[[]]"],
    ["with a key that is null", () => '{"format":1,"keys":[null]}'],
  ])("that are %s are refused, named, not shown, and left as they are", async (_what, damage) => {
    await (await open())[Symbol.asyncDispose]();
    const text = readFileSync(keyFile(directory), "utf8");
    const secret = /"secret":"([0-9a-f]+)"/u.exec(text)?.[1] ?? "";
    expect(secret).toHaveLength(64);
    writeFileSync(keyFile(directory), damage(text));
    const error = await open().then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: "keys_invalid", message: expect.stringContaining(keyFile(directory)) });
    expect(`${error?.stack}${JSON.stringify(error)}`).not.toContain(secret.slice(8));
    expect(readFileSync(keyFile(directory), "utf8")).toBe(damage(text));
    writeFileSync(keyFile(directory), text);
    await (await open())[Symbol.asyncDispose]();
  });
});
