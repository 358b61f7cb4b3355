/** The server's own errors. */

/**
 * Stable codes.
 * - `port_taken`: another process listens there.
 * - `not_listening`: the address cannot be listened on.
 * - `credential_damaged`: the credential's file is not what the host wrote.
 * - `unauthorized`: the request shows no credential that this host knows.
 * - `route_unlisted`: a route that the table of rules does not have; a defect of the server.
 * - `starting`: the host is not ready yet.
 * - `not_found`: there is no such socket.
 * - `subprotocol`: a socket was asked for without a subprotocol that the host speaks.
 * - `version_unknown`: no Blueprint of that version is kept here.
 * - `request_contradicts`: fields of the request do not go together.
 * - `not_loopback`: the compatibility door is to open on an address that other machines reach.
 * - `body_value`: a value in the body is nested deeper than it may be, or is no finite number.
 * - `connections_full`: the host holds as many connections as it can.
 * - `foreign_origin`: a page in a browser asked, or the host was called by a name that is not this machine's.
 * - `no_operator`: a launch names an operator, and none has joined.
 */
export type ServerErrorCode =
  | "port_taken"
  | "not_listening"
  | "credential_damaged"
  | "unauthorized"
  | "route_unlisted"
  | "starting"
  | "version_unknown"
  | "request_contradicts"
  | "not_found"
  | "subprotocol"
  | "not_loopback"
  | "body_value"
  | "connections_full"
  | "foreign_origin"
  | "no_operator";

/** The one error class of the server. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
