/**
 * How long the body of a request may take to arrive. Node's own bound is one for all routes; streams need more.
 *
 * S1  A request whose body is not whole in time is cut off, unless its route streams. Nothing was done for it then.
 */
import type { FastifyInstance } from "fastify";

/** Watches the requests of a server. `streams`: paths of routes whose bodies come as long as they come. */
export function boundBodies(server: FastifyInstance, ms: number, streams: ReadonlySet<string>): void {
  server.addHook("onRequest", (request, _reply, done) => {
    const { raw } = request;
    const { "content-length": length, "transfer-encoding": chunked } = request.headers;
    const hasBody = chunked !== undefined || (length !== undefined && length !== "0");
    if (hasBody && !raw.complete && !streams.has(request.routeOptions.url ?? "")) {
      const timer = setTimeout(() => raw.destroy(), ms);
      const clear = (): void => clearTimeout(timer);
      raw.once("end", clear).once("close", clear);
    }
    done();
  });
}
