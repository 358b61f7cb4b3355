/** What the routes of the compatibility door need. */
import type { IncomingMessage } from "node:http";
import type { Host } from "../../host.ts";
import type { Access } from "../access.ts";

/** The door's world. `host` and `access` throw ServerError `starting` until the host is ready. */
export interface DoorPorts {
  readonly host: () => Host;
  readonly access: () => Access;
  /** Where the door listens: what workers are told as `base_url`. */
  readonly url: () => string;
  /** See bounded-server.ts. */
  readonly screen: (request: IncomingMessage) => void;
  /** Told what no request could be told. */
  readonly onDefect: (error: unknown) => void;
}
