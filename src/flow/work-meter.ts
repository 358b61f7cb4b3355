/**
 * The bound on what a flow may do between two suspensions.
 *
 * A transition costs one; what expressions compare, count and copy costs one for every hundred values. So a loop without
 * steps ends, and so does one whose turns are few but heavy.
 */
import { limitExceeded } from "./failures.ts";

const VALUES_PER_TRANSITION = 100;

/** Counts work and throws where it becomes too much. */
export class WorkMeter {
  readonly #maxTransitions: number;
  #left: number;

  constructor(maxTransitions: number) {
    this.#maxTransitions = maxTransitions;
    this.#left = maxTransitions * VALUES_PER_TRANSITION;
  }

  /** Begins anew: the flow was suspended. */
  reset(): void {
    this.#left = this.#maxTransitions * VALUES_PER_TRANSITION;
  }

  /** A node is entered. Throws FlowError `limit_exceeded`. */
  transition(): void {
    this.spend(VALUES_PER_TRANSITION);
  }

  /** Values are looked at. Throws FlowError `limit_exceeded`. */
  spend(values: number): void {
    this.#left -= values;
    if (this.#left < 0) {
      throw limitExceeded("maxTransitions", this.#maxTransitions, "the flow does too much without reaching a step");
    }
  }
}
