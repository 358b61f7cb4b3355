/** Sessions and seats through the client, against the real routes. */
import { describe, expect, it } from "vitest";
import { HostHttp, OperatorClient } from "../../src/client/index.ts";
import { CREDENTIAL, operatorBlueprint, ServedHost } from "../operators/served-host.ts";

const refused = (status: number, code: string) => ({ name: "ClientError", status, code });

describe("an operator's client", () => {
  it("joins, takes a seat, hands it over, gives it back and leaves", async () => {
    await using served = await ServedHost.start();
    const as = (credential: string): OperatorClient => new OperatorClient({ url: served.url, credential });
    const host = as(CREDENTIAL);
    const first = await host.join("a reviewer", { variants: ["coder"] });
    expect((await host.sessions()).map(({ session_id }) => session_id)).toEqual([first.sessionId]);
    const { runId } = await served.launch(operatorBlueprint());
    const operator = as(first.secret);
    expect(await operator.take({ runId, description: "to review" })).toMatchObject({
      seat: "main",
      generation: 1,
      holder: first.sessionId,
      previous: null,
    });
    expect(await operator.seats(runId)).toMatchObject([{ seat: "main", generation: 1, description: "to review" }]);
    expect(await operator.handover(runId)).toMatchObject({ run_id: runId, requests: [{ seat: "main", attempt: 1 }] });

    const second = await host.join("another");
    expect(
      await host.take({ runId, seat: "main", sessionId: second.sessionId, description: "to relieve" }),
    ).toMatchObject({ generation: 2, previous: { holder: first.sessionId } });
    await expect(as(second.secret).release(runId, "main", 1)).rejects.toMatchObject(refused(409, "seat_moved"));
    expect(await as(second.secret).release(runId, "main", 2)).toMatchObject({ generation: 3, holder: null });
    await operator.leave(first.sessionId);
    await expect(operator.handover(runId)).rejects.toMatchObject(refused(401, "unauthorized"));
  });

  it("is refused what is another's, or nobody's", async () => {
    await using served = await ServedHost.start();
    const { secret } = await served.join();
    const { session: other } = await served.join();
    const operator = new OperatorClient({ url: served.url, credential: secret });
    const { runId } = await served.launch(operatorBlueprint());
    await expect(operator.leave(other.sessionId)).rejects.toMatchObject({ status: 403 });
    await expect(operator.take({ runId, sessionId: other.sessionId, description: "for it" })).rejects.toMatchObject(
      refused(404, "session_unknown"),
    );
    await expect(operator.take({ runId, seat: "none", description: "to sit" })).rejects.toMatchObject(
      refused(404, "seat_unknown"),
    );
    await expect(operator.handover("R-0000000000000000")).rejects.toMatchObject(refused(404, "run_unknown"));
    await expect(operator.handover("../../v1/runs#?")).rejects.toMatchObject({ status: 404 });
  });

  it("tells who answers where no host does", async () => {
    const http = new HostHttp({ url: "http://127.0.0.1:1", credential: "secret-words" });
    const error = await http.text({ method: "GET", path: "/v1/operators", repeatable: false }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "host_unreachable", retryable: true });
    expect(String(error)).not.toContain("secret-words");
  });
});
