/**
 * How long the body of a request may take to arrive. Node's own bound is one for all routes; streams need more.
 *
 * S1  A request whose body is not whole in time is cut off at the next look, unless its route streams. Nothing was done for
 *     it then.
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

/** Most milliseconds between two looks. One clock for all: a timer for each would be set and taken back at every request. */
const LOOK_MS = 1_000;

/** Watches the requests of a server. `streams`: paths of routes whose bodies come as long as they come. */
export function boundBodies(
  server: FastifyInstance,
  { bodyMs, lingerMs }: BodyTimes,
  streams: ReadonlySet<string>,
): void {
  /** Requests whose bodies come, and when they must be here; in that order. */
  const coming = new Map<IncomingMessage, number>();
  const look = (): void => {
    const now = performance.now();
    for (const [request, until] of coming) {
      if (until > now) break;
      coming.delete(request);
      if (!request.complete) request.destroy();
    }
  };
  const clock = setInterval(look, Math.min(bodyMs, LOOK_MS)).unref();
  server.addHook("onClose", async () => clearInterval(clock));
  server.addHook("onRequest", (request, _reply, done) => {
    const { raw } = request;
    const { "content-length": length, "transfer-encoding": chunked } = request.headers;
    const hasBody = chunked !== undefined || (length !== undefined && length !== "0");
    if (hasBody && !raw.complete && !streams.has(request.routeOptions.url ?? "")) {
      coming.set(raw, performance.now() + bodyMs);
    }
    done();
  });
  server.addHook("onResponse", ({ raw }, _reply, done) => {
    coming.delete(raw);
    if (!raw.complete) cutOff(raw.resume(), lingerMs);
    done();
  });
}

function cutOff(request: IncomingMessage, ms: number): void {
  const timer = setTimeout(() => request.destroy(), ms);
  const clear = (): void => clearTimeout(timer);
  request.once("end", clear).once("close", clear);
}
