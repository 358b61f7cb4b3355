/**
 * Which name each step's output goes by, and which names lead to which step.
 *
 * Owns: the naming table of a compiled flow. Steps are folded by `ref`: an agent that is dispatched often is one entry.
 *
 * N1  A step claims strongly its ref, its declared projection name, and the key of an `out` that is exactly one key.
 * N2  It claims weakly the first key of a deeper `out`. A weak claim holds only while nobody else claims the name.
 * N3  A name somebody declared has one claimant; a second strong one is a collision.
 * N4  Any other name with several strong claimants goes to the step whose ref it is, else to the first in the flow.
 */
import { type FlowNode, walkSteps } from "../flow/index.ts";

/** The naming table. Plain data; the functions below read it. */
export interface StepNaming {
  /** Canonical name of what each step ref produces, in the order of the flow; a ref that is never dispatched has none. */
  readonly canonical: ReadonlyMap<string, string>;
  /** Every name that leads to a step, with that step's ref. */
  readonly owners: ReadonlyMap<string, string>;
}

/** A declared projection name that another step claims strongly. */
export interface NamingCollision {
  readonly name: string;
  /** The ref whose agent declares the name. */
  readonly declaredBy: string;
  /** The other claimants' refs. */
  readonly others: readonly string[];
}

/** An undeclared name with several strong claimants, and who got it. */
export interface SharedName {
  readonly name: string;
  readonly owner: string;
  readonly others: readonly string[];
}

/** What building the table came to. With collisions the table is not to be used. */
export interface NamingResult {
  readonly naming: StepNaming;
  readonly collisions: readonly NamingCollision[];
  readonly shared: readonly SharedName[];
}

/** Refs that claim a name, in the order of the flow. */
interface Claims {
  readonly strong: Set<string>;
  readonly weak: Set<string>;
}

/** Builds the table of `flow`. `declared` maps a ref to its agent's `meta.projection_name`. */
export function buildStepNaming(flow: FlowNode, declared: ReadonlyMap<string, string>): NamingResult {
  const canonical = new Map<string, string>();
  const claims = new Map<string, Claims>();
  const claim = (name: string, ref: string, strength: "strong" | "weak"): void => {
    const of = claims.get(name) ?? { strong: new Set<string>(), weak: new Set<string>() };
    of[strength].add(ref);
    claims.set(name, of);
  };

  walkSteps(flow, ({ node }) => {
    const name = declared.get(node.ref) ?? node.ref;
    canonical.set(node.ref, name);
    claim(node.ref, node.ref, "strong");
    claim(name, node.ref, "strong");
    const segments = node.out.op === "path" ? node.out.at.segments : [];
    const top = segments[0];
    if (top !== undefined) claim(top, node.ref, segments.length === 1 ? "strong" : "weak");
  });

  const owners = new Map<string, string>();
  const collisions: NamingCollision[] = [];
  const shared: SharedName[] = [];
  for (const [name, { strong, weak }] of claims) {
    const [owner, ...others] = ownersFirst(name, strong, weak);
    if (owner === undefined) continue;
    owners.set(name, owner);
    if (others.length === 0) continue;
    const declaredBy = [owner, ...others].find((ref) => declared.get(ref) === name);
    if (declaredBy === undefined) shared.push({ name, owner, others });
    else {
      collisions.push({ name, declaredBy, others: [owner, ...others].filter((ref) => ref !== declaredBy) });
    }
  }
  return { naming: { canonical, owners }, collisions, shared };
}

/** The claimants that count, the one that gets the name first (N2, N4). */
function ownersFirst(name: string, strong: ReadonlySet<string>, weak: ReadonlySet<string>): readonly string[] {
  if (strong.size === 0) return weak.size === 1 ? [...weak] : [];
  const refs = [...strong];
  return strong.has(name) ? [name, ...refs.filter((ref) => ref !== name)] : refs;
}

/** The canonical name that `name` (a ref, a declared name or an alias) leads to, or undefined. */
export function resolveStepName(naming: StepNaming, name: string): string | undefined {
  const ref = naming.owners.get(name);
  return ref === undefined ? undefined : naming.canonical.get(ref);
}

/** All names that lead to the outputs of `agent`, in the order of their first claim. */
export function stepAliases(naming: StepNaming, agent: string): readonly string[] {
  return [...naming.owners].filter(([, ref]) => ref === agent).map(([name]) => name);
}
