/** The bound of child runs, by itself: who counts them need not load what starts them. */

/** Child runs of one run, at most. */
export const MAX_CHILDREN = 1_000;
