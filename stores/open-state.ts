/**
 * Whether an opened backend may still be used. Owns that one fact, and how every call of a port asks for it first.
 */
import { type CallOptions, StoreError } from "./ports.ts";

/** One for each opened backend, shared by its ports. */
export class OpenState {
  readonly #name: string;
  #open = true;

  /** @param name The backend's name, for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  /** The first thing every call does. Throws StoreError `store_closed`, or the reason of an aborted signal. */
  enter(options?: CallOptions): void {
    if (!this.#open) {
      throw new StoreError("store_closed", `the ${this.#name} store is closed: open it again to use it`);
    }
    options?.signal?.throwIfAborted();
  }

  /** Closes it for new calls. False where it was closed before. */
  close(): boolean {
    const first = this.#open;
    this.#open = false;
    return first;
  }
}
