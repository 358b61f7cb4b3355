/**
 * The layers a Blueprint may ask for in `spawner_hints.layers`.
 *
 * Both act on hooks that attached operators bring: without an operator they are what they wrap.
 */

/** Names of the hint layers. */
export const HINT_LAYERS = ["main_ai", "senior_escalation"] as const;
