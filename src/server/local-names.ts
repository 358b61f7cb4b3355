/**
 * Which names a request may call the host by, and which pages it may come from.
 *
 * No credential travels by itself, so that a page in somebody's browser can do nothing without one. This is the second
 * line: a name that was rebound to this machine, or a page of another origin, is refused before anything is looked at.
 *
 * L1  `Host` is this machine's own name or address. A proxy names it so.
 * L2  `Origin`, which browsers set, is the host itself.
 */
import type { IncomingHttpHeaders } from "node:http";
import { ServerError } from "./errors.ts";

const LOCAL = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?$/iu;

/** Lets a request pass that calls the host by a local name (L1, L2). @throws ServerError `foreign_origin`. */
export function demandLocalName({ host, origin }: IncomingHttpHeaders): void {
  if (host === undefined || !LOCAL.test(host)) {
    throw new ServerError("foreign_origin", "call the host by its address: a proxy before it sets `Host` to that");
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw new ServerError("foreign_origin", "a page of another origin has no business here");
  }
}
