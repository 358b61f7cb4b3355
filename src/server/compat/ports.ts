/** What the routes of the compatibility door need. */
import type { Host } from "../../host.ts";
import type { Access } from "../access.ts";
import type { SealedSecrets } from "./sealed-secrets.ts";

/** The door's world. All but `url` and `onDefect` throw ServerError `starting` until the host is ready. */
export interface DoorPorts {
  readonly host: () => Host;
  readonly access: () => Access;
  /** Makes and reads the session tokens of the door. */
  readonly secrets: () => SealedSecrets;
  /** Where the door listens: what workers are told as `base_url`. */
  readonly url: () => string;
  /** Told what no request could be told. */
  readonly onDefect: (error: unknown) => void;
}
