/**
 * What is true between the host and its operators: sessions, who holds which seat, and what each seat is asked for.
 * A part of `Stores` (ports.ts). The journal stays the record of the run; this is the record of the conversation.
 *
 * W1  A request is open until it is submitted or closed. It takes one submission, ever: the same again is `same`, another
 *     is `conflict`.
 * W2  An append that completes an attempt (`step_completed`) closes the attempt's requests, and one that ends a run closes
 *     the run's, in the same transaction. A request that is submitted and not closed is one its run has not taken yet.
 * W3  Generations of seats are counted a run, and grow with every acquisition and every release. What names a generation
 *     that is no longer its seat's changes nothing: `moved`.
 * W4  All of it goes with its run; what a removed session held is vacant.
 */
import type { CallOptions } from "./ports.ts";

/** Most sessions there can be at once. */
export const MAX_SESSIONS = 10_000;
/** Most seats of one run that can be held. */
export const MAX_SEATS = 100;
/** Most parts staged for one request. */
export const MAX_PARTS = 64;
/** Most degradations reported for one request. */
export const MAX_DEGRADATIONS = 32;
/** Most characters of all the parts of one request. */
export const MAX_PART_CHARACTERS = 32 * 1024 * 1024;

/** An operator that has joined. Times in milliseconds since 1970. */
export interface SessionRecord {
  /** `S-` and 32 hex digits. */
  readonly sessionId: string;
  /** SHA-256 of its secret, in hex. */
  readonly secretDigest: string;
  readonly description: string;
  /** What it says it can do, as JSON text. */
  readonly manifest?: string;
  /** What it may do, in order; absent: all that an operator may. */
  readonly verbs?: readonly string[];
  /** When it ends, however it is used; absent: not by itself. */
  readonly endsAt?: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
}

/** Which sessions to list; oldest first, equal times by id. */
export interface SessionQuery {
  readonly limit: number;
  /** Only sessions after this one in that order. One that is not here has none after it. */
  readonly after?: string;
  /** Only sessions last seen before `seenBefore`, or that end at `end` or earlier. */
  readonly over?: { readonly seenBefore: number; readonly end: number };
}

/** The sessions. */
export interface SessionStore {
  /** Adds one. `full`: there are MAX_SESSIONS. */
  create(session: SessionRecord, options?: CallOptions): Promise<"created" | "full">;
  get(sessionId: string, options?: CallOptions): Promise<SessionRecord | undefined>;
  list(query: SessionQuery, options?: CallOptions): Promise<readonly SessionRecord[]>;
  /** They were seen at `at`. */
  touch(sessionIds: readonly string[], at: number, options?: CallOptions): Promise<void>;
  /** Removes them and vacates what they held (W4); gives those seats as they are then. */
  remove(sessionIds: readonly string[], at: number, options?: CallOptions): Promise<readonly SeatRecord[]>;
}

/** A seat of a run that is, or was, held. */
export interface SeatRecord {
  readonly runId: string;
  readonly seat: string;
  /** Of its last acquisition or release (W3). */
  readonly generation: number;
  /** A session id; absent: vacant. */
  readonly holder?: string;
  /** What the holder wants with it. */
  readonly description?: string;
  /** When it came to stand so. */
  readonly since: number;
}

/** Takes a seat, whoever holds it. */
export interface SeatAcquisition {
  readonly runId: string;
  readonly seat: string;
  readonly holder: string;
  readonly description: string;
  readonly at: number;
}

/** What became of an acquisition. `previous`: the seat as it was, where there was one. `full`: MAX_SEATS are taken. */
export type AcquireResult =
  | { readonly kind: "acquired"; readonly seat: SeatRecord; readonly previous?: SeatRecord }
  | { readonly kind: "unknown_run" | "run_ended" | "unknown_session" | "full" };

/** Gives a seat back, if its generation is still this. */
export interface SeatRelease {
  readonly runId: string;
  readonly seat: string;
  readonly generation: number;
  readonly at: number;
}

/** What became of a release. `stale`: nothing; the seat stands as `seat` says, which is absent where it was never taken. */
export type ReleaseResult =
  | { readonly kind: "released"; readonly seat: SeatRecord; readonly previous: SeatRecord }
  | { readonly kind: "stale"; readonly seat?: SeatRecord };

/** The seats. */
export interface SeatStore {
  acquire(order: SeatAcquisition, options?: CallOptions): Promise<AcquireResult>;
  release(order: SeatRelease, options?: CallOptions): Promise<ReleaseResult>;
  /** Every seat of a run that was ever taken, by name. */
  ofRun(runId: string, options?: CallOptions): Promise<readonly SeatRecord[]>;
  /** Seats a session holds, at most `limit`. */
  heldBy(sessionId: string, limit: number, options?: CallOptions): Promise<readonly SeatRecord[]>;
}

/** What a seat is asked for: to see to a step, to answer a question, to allow a step, to know of its result. */
export type RequestKind = "step" | "ask" | "hook_before" | "hook_after";

/** Why a request was closed without its run having taken a submission, or `completed` where it has. */
export type CloseReason = "completed" | "cancelled" | "expired";

/** A request to open. */
export interface NewRequest {
  /** `Q-` and hex digits, made of run, key, attempt, kind and name: opening it again finds it. */
  readonly requestId: string;
  readonly kind: RequestKind;
  readonly runId: string;
  readonly key: string;
  readonly attempt: number;
  readonly stepId: string;
  readonly agent: string;
  /** The run's fence when the attempt was first scheduled. */
  readonly fence: number;
  readonly seat: string;
  /** Tells the questions of one attempt apart; empty for a step. */
  readonly name: string;
  /** What is asked, as JSON text. */
  readonly body: string;
  /** What a submission is judged by, as JSON text. */
  readonly terms?: string;
  readonly openedAt: number;
  /** When whoever asks no longer waits. */
  readonly deadline?: number;
}

/** How a request was answered. */
export interface Submission {
  /** `final`: a worker's answer. `halt`, `error`: the operator stopped it, or could not. `answer`, `hook`: to those kinds. */
  readonly form: "final" | "halt" | "error" | "answer" | "hook";
  /** A worker's verdict; `pass` for every form but `final`. */
  readonly verdict: "pass" | "blocked" | "skip";
  /** SHA-256 over all that makes it this submission and no other, in hex. */
  readonly digest: string;
  /** JSON text; absent once the request is closed. */
  readonly value?: string;
  /** The session that sent it, or `senior: ` and the subject of the token; absent: a worker. */
  readonly by?: string;
  readonly at: number;
}

/** A request as it stands. */
export interface RequestRecord extends NewRequest {
  readonly state: "open" | "submitted" | "closed";
  /** How often it went out to a session. */
  readonly deliveries: number;
  /** The seat's generation at the last of them. */
  readonly generation?: number;
  /** Who says to be working on it. */
  readonly working?: { readonly sessionId: string; readonly at: number; readonly note?: string };
  readonly submission?: Submission;
  /** Something is staged for it. */
  readonly staged?: true;
  readonly closed?: { readonly reason: CloseReason; readonly at: number };
}

/** Beside the answer: a named part, what the attempt used, or a note that something worked less well. JSON texts. */
export type Material =
  | { readonly kind: "part"; readonly name: string; readonly text: string }
  | { readonly kind: "stats"; readonly text: string }
  | { readonly kind: "degradation"; readonly text: string };

/** What can happen to a request. `generation` absent: by leave of the host, whoever holds the seat. */
export type RequestChange =
  /** It goes out under a generation; `handleDigest` (SHA-256, hex) finds it again. */
  | {
      readonly kind: "deliver";
      readonly requestId: string;
      readonly generation: number;
      readonly handleDigest?: string;
    }
  /** A session says that it is being worked on. */
  | {
      readonly kind: "work";
      readonly requestId: string;
      readonly generation?: number;
      readonly sessionId: string;
      readonly note?: string;
      readonly at: number;
    }
  /** Stages material. A part of a name, and stats, replace the former; the same degradation is one. */
  | {
      readonly kind: "stage";
      readonly requestId: string;
      readonly generation?: number;
      readonly material: Material;
      readonly at: number;
    }
  /** Answers it (W1). */
  | {
      readonly kind: "submit";
      readonly requestId: string;
      readonly generation?: number;
      readonly submission: Submission;
    }
  | { readonly kind: "close"; readonly requestId: string; readonly reason: CloseReason; readonly at: number };

/**
 * What became of a change. `done`: it happened. `same`: it had happened. Else nothing did: `conflict`, the request has
 * another submission; `closed`; `moved` (W3); `full`, there is a bound on material; `unknown`, no such request.
 */
export type ChangeResult = "done" | "same" | "conflict" | "closed" | "moved" | "full" | "unknown";

/** What of a request decides what may become of it. */
export interface RequestStanding {
  readonly state: RequestRecord["state"];
  /** The run's fence when its attempt was scheduled. */
  readonly fence: number;
  /** Digest of its submission. */
  readonly digest?: string | undefined;
  readonly closedReason?: CloseReason | undefined;
  /** Its seat's generation; absent where the seat was never taken. */
  readonly seatGeneration?: number | undefined;
}

/** Which requests to list; oldest first. */
export interface RequestQuery {
  /** Open requests of all seats that a session holds; those of a seat of a run; those of a run that are not closed. */
  readonly of:
    | { readonly holder: string }
    | { readonly runId: string; readonly seat: string }
    | { readonly runId: string };
  readonly limit: number;
  /** Only requests after this one. One that is not here has none after it. */
  readonly after?: string;
}

/** The requests. */
export interface RequestStore {
  /**
   * Opens requests, unless they are here: the records as they are then, in the order asked for; `undefined` where the run
   * is not here or has ended. A request of an ended run stays as it is.
   */
  open(batch: readonly NewRequest[], options?: CallOptions): Promise<readonly (RequestRecord | undefined)[]>;
  /** One transaction for the whole batch; the results in its order. */
  change(batch: readonly RequestChange[], options?: CallOptions): Promise<readonly ChangeResult[]>;
  get(requestId: string, options?: CallOptions): Promise<RequestRecord | undefined>;
  /** The same without its texts, for whoever only judges by it. */
  standing(requestId: string, options?: CallOptions): Promise<RequestStanding | undefined>;
  /** The request that went out with a handle of this digest, and the generation it went out under. */
  byHandle(
    handleDigest: string,
    options?: CallOptions,
  ): Promise<{ readonly requestId: string; readonly generation: number } | undefined>;
  list(query: RequestQuery, options?: CallOptions): Promise<readonly RequestRecord[]>;
  /** What was staged for a request, in the order of staging. Empty once it is closed. */
  material(requestId: string, options?: CallOptions): Promise<readonly Material[]>;
  /** Runs that have not taken a submission of theirs yet, by run id, after one, at most `limit` (W2). */
  submittedRuns(after: string, limit: number, options?: CallOptions): Promise<readonly string[]>;
}

/** What is true between the host and its operators. */
export interface OperatorStore {
  readonly sessions: SessionStore;
  readonly seats: SeatStore;
  readonly requests: RequestStore;
}
