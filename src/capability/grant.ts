/**
 * What a credential allows, and whether that covers what is asked.
 *
 * Owns: the order in which a verb, a binding, a fence and the attempt's life are judged. Does not own: how a grant is
 * proven (capabilities.ts), what a target is looked up from (sources.ts).
 */
import { CapabilityError } from "./errors.ts";
import { GATE, LEAF_VERBS, type Role, sortedVerbs, VERBS, type Verb } from "./gate.ts";

/** The attempt that a worker's credential is made out for. */
export interface Binding {
  readonly runId: string;
  /** The step key. */
  readonly key: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The run's fence when the attempt was first scheduled. */
  readonly fence: number;
  /** Of the seat that the step was handed to; absent where no seat is concerned. */
  readonly generation?: number;
}

/** What its bearer may do. */
export interface Grant {
  /** `host`: the credential of the data directory, which may do everything. */
  readonly role: Role | "host";
  /** Who, for people: free text. */
  readonly subject: string;
  readonly verbs: ReadonlySet<Verb>;
  /** Of workers, always; of others, never. */
  readonly binding?: Binding;
  /** Only what concerns the artifact of this name. */
  readonly artifact?: string;
  /** The operator session that it is the secret of. */
  readonly sessionId?: string;
  /** Milliseconds since 1970; absent where it ends with what it stands for. */
  readonly expiresAt?: number;
  /** The key that signed it; absent where none did. */
  readonly keyId?: string;
}

/** What a verb is used on. */
export type Target =
  /** Nothing that exists already. */
  | { readonly kind: "none" }
  /** The host as a whole: more than one run can be seen or changed. */
  | { readonly kind: "host" }
  | { readonly kind: "run"; readonly runId: string }
  | { readonly kind: "session"; readonly sessionId: string }
  | {
      readonly kind: "step";
      readonly runId: string;
      readonly key: string;
      readonly attempt: number;
      /** The part or output that is concerned. */
      readonly artifact?: string;
    };

/** An attempt that a worker's credential is for, as it stands. */
export interface AttemptState {
  /** With the generation that its seat has now. */
  readonly attempt: Binding;
  /**
   * `open`: its worker is waited for. `answered`: the answer is here, and giving it again is all that can still be done.
   * `ended`: nobody waits any more.
   */
  readonly life: "open" | "answered" | "ended";
}

/** The grant of the host's own credential. */
export const HOST_GRANT: Grant = { role: "host", subject: "the host's credential", verbs: new Set(VERBS) };

/** An operator session, and what it was given when it was made. */
export interface SessionCredential {
  readonly sessionId: string;
  /** Absent: all that an operator has. */
  readonly verbs?: readonly Verb[];
  /** Milliseconds since 1970; absent: it has no end of its own. */
  readonly expiresAt?: number;
}

/** The grant of an operator session's secret. */
export function sessionGrant({ sessionId, verbs, expiresAt }: SessionCredential): Grant {
  return {
    role: "operator",
    subject: sessionId,
    verbs: verbs === undefined ? GATE.operator : new Set(verbs),
    sessionId,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** What a session may have that the bearer of a grant makes: no more, and for no longer, than the bearer itself. */
export function sessionTerms({ role, verbs, expiresAt }: Grant): Omit<SessionCredential, "sessionId"> {
  if (role === "host") return {};
  return {
    verbs: sortedVerbs(verbs).filter((verb) => GATE.operator.has(verb)),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** The grant of a worker's handle. */
export function handleGrant(binding: Binding): Grant {
  return { role: "worker", subject: "a worker's handle", verbs: new Set<Verb>(LEAF_VERBS), binding };
}

/** What a bound grant may use on its run, beside what it may use on its step. */
const RUN_WIDE: ReadonlySet<Verb> = new Set<Verb>(["read_task_state", "poll_task"]);

/**
 * Lets `verb` be used on `target`, or throws.
 * @param state of a bound grant's attempt; undefined where there is no such attempt any more.
 * @throws CapabilityError `verb_denied`, `wrong_binding`, `token_revoked`, `wrong_fence`, `seat_moved`, looked for in
 *   this order.
 */
export function authorize(grant: Grant, verb: Verb, target: Target, state?: AttemptState): void {
  demandVerb(grant, verb);
  if (grant.role === "host") return;
  if (grant.artifact !== undefined && (target.kind !== "step" || target.artifact !== grant.artifact)) {
    throw new CapabilityError("wrong_binding", "the credential is for one artifact only, and this is not about it");
  }
  if (grant.binding !== undefined) {
    demandBinding(grant.binding, verb, target);
    demandLife(grant.binding, verb, state);
  } else if (target.kind === "step") {
    throw new CapabilityError("wrong_binding", "the credential is bound to no step");
  } else if (target.kind === "session" && target.sessionId !== grant.sessionId) {
    throw new CapabilityError("wrong_binding", "the credential is not that of this session");
  }
}

/** Lets `verb` be used at all. @throws CapabilityError `verb_denied`. */
export function demandVerb({ role, verbs }: Grant, verb: Verb): void {
  if (role !== "host" && !GATE[role].has(verb)) {
    throw new CapabilityError("verb_denied", `the role ${role} may not ${verb}`);
  }
  if (!verbs.has(verb)) throw new CapabilityError("verb_denied", `the credential was not given ${verb}`);
}

function demandBinding(binding: Binding, verb: Verb, target: Target): void {
  if (target.kind === "none") return;
  if (target.kind === "run" && target.runId === binding.runId && RUN_WIDE.has(verb)) return;
  if (target.kind === "step" && isAttempt(binding, target)) return;
  throw new CapabilityError("wrong_binding", "the credential is bound to a step, and this goes beyond it");
}

function demandLife(binding: Binding, verb: Verb, state: AttemptState | undefined): void {
  const alive = state?.life === "open" || (state?.life === "answered" && verb === "post_result");
  if (state === undefined || !alive || !isAttempt(binding, state.attempt)) {
    throw new CapabilityError("token_revoked", "the attempt that the credential is bound to has ended");
  }
  const { fence, generation } = state.attempt;
  if (binding.fence !== fence) {
    throw new CapabilityError("wrong_fence", "the credential was made out under another fence");
  }
  if (binding.generation !== undefined && generation !== undefined && binding.generation !== generation) {
    throw new CapabilityError("seat_moved", "the seat has another holder or generation by now");
  }
}

type Attempt = Pick<Binding, "runId" | "key" | "attempt">;

function isAttempt(binding: Attempt, other: Attempt): boolean {
  return binding.runId === other.runId && binding.key === other.key && binding.attempt === other.attempt;
}
