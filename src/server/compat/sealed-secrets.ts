/**
 * Sessions' secrets as the door hands them out: sealed, so that only the door can use them.
 *
 * Whoever reaches the door may join. The secret of a session that joined so, shown on the native port, would be an
 * operator's: it could start any document. Sealed under a key of the host's credential, it is nothing there.
 *
 * Z1  A sealed secret outlives restarts of the host; it ends with its session, or with the host's credential.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const PREFIX = "mse-";
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Seals and opens. */
export class SealedSecrets {
  readonly #key: Uint8Array;

  /** @param credential the host's own. */
  constructor(credential: string) {
    this.#key = new Uint8Array(hkdfSync("sha256", credential, "", "swarm-host compat session", 32));
  }

  /** A session's secret for the client: header-safe text. */
  seal(secret: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv);
    const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return `${PREFIX}${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url")}`;
  }

  /** The secret in what was shown; undefined where that was not sealed here. */
  open(shown: string): string | undefined {
    if (!shown.startsWith(PREFIX)) return undefined;
    const bytes = Buffer.from(shown.slice(PREFIX.length), "base64url");
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      const secret = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([secret, decipher.final()]).toString("utf8");
    } catch {
      // The tag is wrong: not sealed here, which is all that is asked.
      return undefined;
    }
  }
}
