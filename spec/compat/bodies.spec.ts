/** Bodies of anything, to every route of the door that takes one: refused or taken, and never a defect. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPAT_ROUTES } from "../../src/server/compat/rules.ts";
import { CREDENTIAL, DoorHost } from "./door-host.ts";
import { drive } from "./driver.ts";
import { errand, identity } from "./errands.ts";

let served: DoorHost;
/** What each route is asked with that asks for something. */
let bearers: Readonly<Record<string, string | undefined>>;

beforeAll(async () => {
  served = await DoorHost.start();
  await served.publish(errand());
  await served.publish(identity);
  const { socket } = await drive(served);
  const { worker_handle: handle } = await socket.pop();
  bearers = { "/v1/worker/": handle, "/v1/tasks": CREDENTIAL, "/v1/operators": undefined, "/v1/runs/": undefined };
});
afterAll(async () => {
  expect(served.defects).toEqual([]);
  await served[Symbol.asyncDispose]();
});

const routes = Object.keys(COMPAT_ROUTES)
  .filter((route) => route.startsWith("POST "))
  .map((route) => route.slice("POST ".length));

/** Objects of the fields that launches, joins and reports have, each of them anything. */
const fields = [
  ..."blueprint init_ctx ttl_secs timeout_secs detach operator operator_sid operator_slot check_policy goal".split(" "),
  ..."capability_manifest desc tool error fallback usage model value ok verdict attempt task_id adapter_data".split(
    " ",
  ),
];
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom({ kind: "id", id: "identity" }, { kind: "inline", value: identity }),
);
const body = fc.oneof(
  fc.json(),
  fc.string(),
  fc.dictionary(fc.constantFrom(...fields), odd).map((each) => JSON.stringify(each)),
);
const type = fc.constantFrom("application/json", "text/plain", "application/octet-stream", "nonsense");

describe.each(routes)("POST %s", (route) => {
  it("takes any body for what it is", async () => {
    const prefix = Object.keys(bearers).find((each) => route.startsWith(each)) ?? "";
    const bearer = bearers[prefix];
    const path = `${route.replace(":id", "R-none")}${route.endsWith("artifact") ? "?name=x" : ""}`;
    await fc.assert(
      fc.asyncProperty(body, type, async (text, contentType) => {
        const answer = await served.client.send("POST", path, {
          text,
          headers: { "content-type": contentType },
          ...(bearer === undefined ? {} : { bearer }),
        });
        expect(answer.status).not.toBe(500);
        if (answer.status >= 400) expect(answer.body).toHaveProperty("error");
        if (answer.body["status"] === "running") await served.client.cancel(String(answer.body["run_id"]));
      }),
      { numRuns: 150 },
    );
  });
});
