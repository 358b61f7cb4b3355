/** The server's public face. */
export { credentialFile, readCredential, readOrMakeCredential } from "./credential.ts";
export type { Endpoint } from "./endpoint.ts";
export { readEndpoint, removeEndpoint, writeEndpoint } from "./endpoint.ts";
export type { ServerErrorCode } from "./errors.ts";
export { ServerError } from "./errors.ts";
export { type Address, LOOPBACK } from "./listening.ts";
export type { HttpServer, Service } from "./server.ts";
export { listen } from "./server.ts";
