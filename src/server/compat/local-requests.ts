/**
 * Which requests come from a program of this machine: the others are refused before anything else.
 *
 * The door lets anyone ask who reaches it, and a page in a browser reaches this machine. It says where it comes from
 * (`Origin`), or, where its name was rebound to this machine, names another host (`Host`).
 */
import type { IncomingHttpHeaders } from "node:http";
import { ServerError } from "../errors.ts";

const LOCAL_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?$/iu;

/** Lets a request pass that no browser's page has made. @throws ServerError `foreign_origin`. */
export function demandLocal({ host, origin }: IncomingHttpHeaders): void {
  if (origin === undefined && host !== undefined && LOCAL_HOST.test(host)) return;
  throw new ServerError("foreign_origin", "this port is for programs of this machine, not for pages in a browser");
}
