/** The door's table, walked: every route, shown nothing, shown what does not hold, and shown tokens of every role. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { GATE, ROLES, type Role } from "../../src/capability/index.ts";
import { openDoor } from "../../src/server/compat/index.ts";
import { COMPAT_ROUTES } from "../../src/server/compat/rules.ts";
import { ROUTES, type RouteRule, type RuleTable } from "../../src/server/rules.ts";
import { CREDENTIAL, DoorHost } from "./door-host.ts";
import type { Answer, Sent } from "./reference-client.ts";

const PARAMETERS: Readonly<Record<string, string>> = { id: "R-here", sid: "S-here", task: "T-here", name: "x" };
const HOUR = 3_600_000;

let served: DoorHost;

beforeAll(async () => {
  served = await DoorHost.start();
});
afterAll(async () => {
  expect(served.defects).toEqual([]);
  expect(await served.host.runs({ limit: 1 })).toEqual([]);
  await served[Symbol.asyncDispose]();
});

const pathOf = (route: string): string =>
  (route.split(" ")[1] ?? "").replace(/:(\w+)/gu, (_, name: string) => PARAMETERS[name] ?? "x");

function knock(route: string, sent: Sent = {}): Promise<Answer> {
  const method = route.split(" ")[0] ?? "";
  const body = method === "POST" && !route.includes("/worker/") && !route.endsWith("/cancel") ? { json: null } : {};
  return served.client.send(method, pathOf(route), { ...body, ...sent });
}

function token(role: Role): string {
  const binding = { runId: "R-here", key: "root", attempt: 1, fence: 1 };
  const bound = role === "worker" ? { binding } : {};
  const verbs = [...GATE[role]];
  return served.host.capabilities.mint(
    { role, subject: "x", verbs, expiresAt: Date.now() + HOUR, ...bound },
    Date.now(),
  );
}

const table: RuleTable = COMPAT_ROUTES;
const routes = Object.entries(table);
const rules = routes.flatMap(([route, rule]): [string, RouteRule][] => (rule === "open" ? [] : [[route, rule]]));
/** Statuses of the door itself, by what kind of route it is. */
const unknown = (route: string): number => (route.includes("/worker/") ? 400 : 401);

describe.each(rules)("%s", (route, rule) => {
  it("lets anyone pass, or tells whoever shows nothing no more than that", async () => {
    const { status } = await knock(route);
    if (rule.anyone) expect([401, 403]).not.toContain(status);
    else expect(status).toBe(unknown(route));
  });

  it("takes nothing that is shown and does not hold", async () => {
    const [head = "", payload = "", signature = ""] = token("operator").split(".");
    const forged = `${head}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    for (const bearer of ["garbage", `${CREDENTIAL}c`, forged, "x".repeat(5000)]) {
      expect((await knock(route, { bearer })).status).toBe(bearer === "x".repeat(5000) ? unknown(route) : 401);
    }
    expect((await knock(route, { bearer: `wh-${"9".repeat(32)}` })).status).toBe(
      route.includes("/worker/") ? 410 : 401,
    );
  });

  it.each(ROLES)("lets a role in or not, as the gate has it: %s", async (role) => {
    const { status } = await knock(route, { bearer: token(role) });
    const isAtHome = rule.target === "none" || rule.target === "host" || rule.target === "run";
    if (role === "worker") expect(status).toBeGreaterThanOrEqual(400);
    else if (GATE[role].has(rule.verb) && isAtHome) expect([401, 403]).not.toContain(status);
    else expect([400, 401, 403]).toContain(status);
  });

  it("lets the host's own credential in, and is there", async () => {
    const { status, text } = await knock(route, { bearer: CREDENTIAL });
    if (rule.target === "step") expect(status).toBe(400);
    else expect([401, 403]).not.toContain(status);
    expect(status === 404 && text === "").toBe(false);
    expect(status).not.toBe(500);
  });
});

describe.each(routes)("%s", (route) => {
  it("answers no page in a browser, whoever it shows to be", async () => {
    for (const headers of [{ origin: "http://evil.example" }, { origin: "null" }]) {
      for (const shown of [{}, { bearer: CREDENTIAL }])
        expect((await knock(route, { ...shown, headers })).status).toBe(403);
    }
    expect(await statusFor(route, { host: "evil.example" })).toBe(403);
    expect(await statusFor(route, { host: "127.0.0.1.evil.example:80" })).toBe(403);
  });

  it("is not on the native port, or is another route there", async () => {
    const method = route.split(" ")[0] ?? "";
    expect((await served.native.send(method, pathOf(route))).status).toBe(401);
    if (Object.hasOwn(ROUTES, route)) return;
    expect((await served.native.send(method, pathOf(route), { bearer: CREDENTIAL })).status).toBe(404);
  });
});

describe("the native table", () => {
  it("lets nobody pass who shows nothing", () => {
    const native: RuleTable = ROUTES;
    expect(Object.values(native).filter((rule) => rule !== "open" && rule.anyone)).toEqual([]);
  });
});

describe("a session of the door", () => {
  it("is worth its own seats, and nothing more, on the native port too", async () => {
    const { sid, token: bearer } = await served.client.join();
    const native = (method: string, path: string, json?: object) =>
      served.native.send(method, path, { bearer, ...(json === undefined ? {} : { json }) });
    const denied = [
      native("GET", "/v1/runs"),
      native("POST", "/v1/runs", { blueprint: {} }),
      native("GET", "/v1/runs/R-here"),
      native("POST", "/v1/runs/R-here/cancel", {}),
      native("GET", "/v1/operators"),
      native("POST", "/v1/operators", { description: "another" }),
      native("GET", "/v1/runs/R-here/handover"),
      native("GET", "/v1/events"),
    ];
    for (const answer of await Promise.all(denied)) expect(answer.status).toBe(403);
    expect((await native("GET", `/v1/operators/${sid}`)).status).toBe(200);
  });

  it("speaks for itself alone (J11)", async () => {
    const { client } = served;
    const [one, two] = [await client.join(), await client.join()];
    expect((await client.send("DELETE", `/v1/operators/${one.sid}`, { bearer: two.token })).status).toBe(401);
    await expect(client.connect({ sid: one.sid, token: two.token })).rejects.toThrow("status 401");
    await expect(client.connect({ sid: "S-none", token: two.token })).rejects.toThrow("status 401");
    const leaves = await client.send("DELETE", `/v1/operators/${one.sid}`, { bearer: one.token });
    expect([leaves.status, leaves.text]).toEqual([204, ""]);
    await expect(client.connect(one)).rejects.toThrow("status 401");
    const gone = await client.send("DELETE", `/v1/operators/${one.sid}`, { bearer: one.token });
    expect(gone.headers.get("content-type")).toContain("text/plain");
  });

  it("has a socket only where a program asks for it", async () => {
    const { sid, token: bearer } = await served.client.join();
    const url = `${served.url.replace("http", "ws")}/v1/operators/${sid}/ws`;
    const headers = { authorization: `Bearer ${bearer}`, origin: "http://evil.example" };
    const refusal = new Promise((resolve) => {
      const ws = new WebSocket(url, { headers });
      ws.on("error", () => {});
      ws.on("unexpected-response", (_request, response) => resolve(response.statusCode));
    });
    expect(await refusal).toBe(403);
  });
});

describe("the door", () => {
  it("opens on a loopback address or not at all", async () => {
    const never = (): never => expect.unreachable();
    for (const hostname of ["0.0.0.0", "::", "192.0.2.1", "example.org", ""]) {
      await expect(openDoor({ hostname, port: 0 }, never)).rejects.toMatchObject({ code: "not_loopback" });
    }
  });

  it("answers nothing before there is a host, of liveness neither", async () => {
    const door = await openDoor({ hostname: "127.0.0.1", port: 0 }, () => expect.unreachable());
    for (const path of ["/v1/healthz", "/v1/status", "/v1/runs/R-here"]) {
      expect((await fetch(`${door.url}${path}`)).status).toBe(503);
    }
    await door[Symbol.asyncDispose]();
  });
});

/** With a `Host` that fetch does not let one say. */
function statusFor(route: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(`${served.url}${pathOf(route)}`, { method: route.split(" ")[0], headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });
}
