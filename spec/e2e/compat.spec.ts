/** `swarm-host serve --compat` as a real process. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/temporary.ts";
import { start, swarmHost } from "./cli-process.ts";

const SERVE = ["serve", "--port", "0"];
const DOOR = ["--compat", "mse-0.26", "--compat-port", "0"];

const dataDir = async (): Promise<readonly string[]> => ["--data-dir", join(await temporaryDirectory(), "data")];

describe("serve --compat", () => {
  it("opens a second port, says so, and closes it in good order", async () => {
    const running = start([...SERVE, ...DOOR, ...(await dataDir())]);
    const said = await running.said(/ready on /u);
    const url = /mse-0\.26: .* on (http:\/\/127\.0\.0\.1:\d+)/u.exec(said)?.[1] ?? "";
    const health = await fetch(`${url}/v1/healthz`);
    expect([health.status, (await health.text()).trim()]).toEqual([200, "ok"]);
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    await expect(fetch(`${url}/v1/healthz`)).rejects.toThrow();
  });

  it("is off unless it is asked for", async () => {
    const running = start([...SERVE, ...(await dataDir())]);
    const said = await running.said(/ready on /u);
    expect(said).not.toContain("mse-0.26");
    const url = /ready on (\S+)/u.exec(said)?.[1] ?? "";
    expect((await fetch(`${url}/v1/healthz`)).status).toBe(401);
    running.child.kill("SIGTERM");
    await running.ended;
  });

  it("opens on this machine alone, on a free port, and for a client that it knows", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const data = await dataDir();
    const refusals: readonly (readonly [readonly string[], string])[] = [
      [["--host", "0.0.0.0", ...DOOR], "not this machine alone"],
      [["--compat", "mse-0.26", "--compat-port", String(port)], `port ${port}`],
      [["--compat", "mse-0.25"], "mse-0.26"],
      [["--compat-port", "0"], "--compat"],
    ];
    for (const [flags, message] of refusals) {
      const { code, stderr } = await swarmHost([...SERVE, ...flags, ...data]);
      expect(code).not.toBe(0);
      expect(stderr).toContain(message);
    }
    taken.close();
  });
});
