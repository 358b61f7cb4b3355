/**
 * How long the body of a request may take to arrive. Node's own bound is one for all routes; streams need more.
 *
 * S1  A request whose body is not whole in time is cut off, unless its route streams. Nothing was done for it then.
 * S2  A stream that goes on after it was answered is read for LINGER_MS, so that the answer arrives, and is then cut off.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";

/** How long a stream may go on after its answer, in milliseconds. */
const LINGER_MS = 1_000;

/** Watches the requests of a server. `streams`: paths of routes whose bodies come as long as they come. */
export function boundBodies(server: FastifyInstance, ms: number, streams: ReadonlySet<string>): void {
  server.addHook("onRequest", (request, _reply, done) => {
    const { raw } = request;
    const { "content-length": length, "transfer-encoding": chunked } = request.headers;
    const hasBody = chunked !== undefined || (length !== undefined && length !== "0");
    if (hasBody && !raw.complete && !streams.has(request.routeOptions.url ?? "")) {
      cutOff(raw, ms);
    }
    done();
  });
  server.addHook("onResponse", ({ raw, routeOptions: { url } }, _reply, done) => {
    if (!raw.complete && streams.has(url ?? "")) cutOff(raw.resume(), LINGER_MS);
    done();
  });
}

function cutOff(request: IncomingMessage, ms: number): void {
  const timer = setTimeout(() => request.destroy(), ms);
  const clear = (): void => clearTimeout(timer);
  request.once("end", clear).once("close", clear);
}
