/** Where credentials and targets that are not tokens are looked up: implemented by who keeps sessions and requests. */
import type { AttemptState, Binding, SessionCredential } from "./grant.ts";

/** The look-ups. None throws where there is nothing to be found. */
export interface CredentialSources {
  /** The live session that a secret belongs to; takes the same time however much of it is right. */
  session(secret: string): Promise<SessionCredential | undefined>;
  /** The attempt that a worker's handle was made out for, with the generation it was handed out under. */
  handle(handle: string): Promise<Binding | undefined>;
  /** An attempt that a worker's credential may be for, with the generation its seat has now; undefined: there is no such one. */
  attempt(binding: Pick<Binding, "runId" | "key" | "attempt">): Promise<AttemptState | undefined>;
}
