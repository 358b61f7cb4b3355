/**
 * How long the body of a request may take to arrive. Node's own bound is one for all routes; streams need more.
 *
 * S1  A request whose body is not whole in time is cut off, unless its route streams. Nothing was done for it then.
 * S2  A request that goes on after it was answered is read for a moment, so that the answer arrives, and is then cut off:
 *     what is refused is not read for ever, streamed or not.
 */
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";

/** In milliseconds. */
export interface BodyTimes {
  /** How long a body may take. */
  readonly bodyMs: number;
  /** How long what was answered, or refused, may go on. */
  readonly lingerMs: number;
}

/** Watches the requests of a server. `streams`: paths of routes whose bodies come as long as they come. */
export function boundBodies(
  server: FastifyInstance,
  { bodyMs, lingerMs }: BodyTimes,
  streams: ReadonlySet<string>,
): void {
  server.addHook("onRequest", (request, _reply, done) => {
    const { raw } = request;
    const { "content-length": length, "transfer-encoding": chunked } = request.headers;
    const hasBody = chunked !== undefined || (length !== undefined && length !== "0");
    if (hasBody && !raw.complete && !streams.has(request.routeOptions.url ?? "")) cutOff(raw, bodyMs);
    done();
  });
  server.addHook("onResponse", ({ raw }, _reply, done) => {
    if (!raw.complete) cutOff(raw.resume(), lingerMs);
    done();
  });
}

function cutOff(request: IncomingMessage, ms: number): void {
  const timer = setTimeout(() => request.destroy(), ms);
  const clear = (): void => clearTimeout(timer);
  request.once("end", clear).once("close", clear);
}
