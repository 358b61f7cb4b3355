/**
 * The keys a host signs with: read or made when it opens, rotated while it runs.
 *
 * Owns: the order of rotating: the new key is on disk before anything is signed with it.
 */
import { randomBytes } from "node:crypto";
import { Capabilities, type KeyRing, keyRing, newKey, rotated } from "./capability/index.ts";
import { readKeys, writeKeys } from "./key-file.ts";

/** The keys of one host, in use. */
export class HostKeys {
  readonly capabilities: Capabilities;
  readonly #dataDir: string | undefined;
  #ring: KeyRing;
  #rotation: Promise<unknown> = Promise.resolve();

  private constructor(dataDir: string | undefined, ring: KeyRing) {
    this.#dataDir = dataDir;
    this.#ring = ring;
    this.capabilities = new Capabilities(ring);
  }

  /**
   * Those of a data directory, whose lock the caller holds; made where there are none. Without a directory, new ones.
   * @throws CapabilityError `keys_invalid`; the file system's error.
   */
  static async open(dataDir: string | undefined, now: number): Promise<HostKeys> {
    const kept = dataDir === undefined ? undefined : await readKeys(dataDir);
    if (kept !== undefined) return new HostKeys(dataDir, kept);
    const ring = keyRing([newKey(randomBytes, now)]);
    if (dataDir !== undefined) await writeKeys(dataDir, ring);
    return new HostKeys(dataDir, ring);
  }

  /** The keys, the one that signs first. */
  get keys(): readonly { readonly id: string; readonly createdAt: number }[] {
    return this.#ring.map(({ id, createdAt }) => ({ id, createdAt }));
  }

  /** Signs with a new key from now on; the one so far still verifies, the one before that no more. One at a time. */
  rotate(now: number): Promise<void> {
    const rotation = this.#rotation.then(async () => {
      const ring = rotated(this.#ring, newKey(randomBytes, now));
      if (this.#dataDir !== undefined) await writeKeys(this.#dataDir, ring);
      this.#ring = ring;
      this.capabilities.useKeys(ring);
    });
    // Whoever asked is told; the next rotation is not held up by one that failed.
    this.#rotation = rotation.catch(() => {});
    return rotation;
  }
}
