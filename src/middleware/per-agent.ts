/** State that a layer keeps for each agent of its Blueprint version. */

/** Looks up what there is one of for each agent, made when first needed. Bounded by the agents of a Blueprint. */
export function perAgent<T>(make: () => T): (agent: string) => T {
  const kept = new Map<string, T>();
  return (agent) => {
    let own = kept.get(agent);
    if (own === undefined) {
      own = make();
      kept.set(agent, own);
    }
    return own;
  };
}
