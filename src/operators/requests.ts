/**
 * The durable requests: opened for live attempts, answered from outside, taken by the run.
 *
 * Owns: who in this process waits for which answer, and telling a run that leaves memory meanwhile. Does not own: handing
 * requests out (delivery.ts), judging answers (submission.ts), what may happen to one (stores/request-rules.ts).
 *
 * R1  An answer is durable before its sender is told, and before the run hears of it.
 * R2  Whoever waits is there before the request can be answered: no answer falls between opening and waiting.
 * R3  An attempt that is let go of because its run is parked leaves its request open. Every other abort withdraws it.
 * R4  Where nobody waits in memory, the run is woken; entered again, the attempt finds the answer.
 */
import type {
  ChangeResult,
  CloseReason,
  NewRequest,
  OperatorStore,
  RequestRecord,
  Submission,
} from "../../stores/ports.ts";
import type { StepAbort, StepCall } from "../engine/index.ts";
import { OperatorError } from "./errors.ts";
import type { DeskPorts } from "./ports.ts";

/** Runs woken at a time when the host starts. */
const WAKE_PAGE = 100;

/** Told what happens to requests, so that it can be said to their seats. */
export interface RequestObserver {
  opened(record: RequestRecord): void;
  /** Nobody needs to see to it any more. `by`: the session that answered it. */
  over(record: RequestRecord, reason: CloseReason, by?: string): void;
}

/** The requests of one host. */
export class RequestBook {
  readonly #store: OperatorStore["requests"];
  readonly #ports: Pick<DeskPorts, "clock" | "wake" | "onDefect">;
  readonly #observer: RequestObserver;
  /** By request (R2). */
  readonly #waiting = new Map<string, Set<(answer: Submission) => void>>();

  constructor(ports: Pick<DeskPorts, "store" | "clock" | "wake" | "onDefect">, observer: RequestObserver) {
    this.#store = ports.store.requests;
    this.#ports = ports;
    this.#observer = observer;
  }

  /**
   * Opens a request of an attempt, unless it is there, and waits for its answer; the attempt rests meanwhile.
   * Undefined: its deadline has come first.
   * @throws the reason of the attempt's signal (R3); OperatorError `request_closed` where the run takes no answers.
   */
  async answered(call: StepCall, requestId: string, order: () => Promise<NewRequest>): Promise<Submission | undefined> {
    const { signal } = call;
    if (signal.aborted) await this.#letGo(requestId, signal);
    const waiter = this.#await(requestId);
    try {
      const known = await this.#store.get(requestId);
      const record = known ?? (await this.#open(await order()));
      if (record.state === "submitted") return record.submission;
      if (record.state === "closed") {
        if (record.closed?.reason === "expired") return undefined;
        throw closed(record);
      }
      if (signal.aborted) await this.#letGo(requestId, signal);
      const end = await this.#rest(call, record, waiter);
      if (end === "aborted") return await this.#letGo(requestId, signal);
      return end === "expired" ? await this.#expire(record) : end;
    } finally {
      waiter.leave();
    }
  }

  /** Opens a request that nobody waits for. */
  async tell(order: NewRequest): Promise<void> {
    await this.#open(order);
  }

  /** @throws OperatorError `request_unknown`. */
  async get(requestId: string): Promise<RequestRecord> {
    const record = await this.#store.get(requestId);
    if (record !== undefined) return record;
    throw unknownRequest(requestId);
  }

  /** Answers a request, or says why not (R1, R4). `generation`: of its seat, where the answer is for one. */
  async submit(record: RequestRecord, submission: Submission, generation?: number): Promise<ChangeResult> {
    const { requestId, runId } = record;
    const under = generation === undefined ? {} : { generation };
    const [result] = await this.#store.change([{ kind: "submit", requestId, ...under, submission }]);
    if (result !== "done") return result!;
    this.#observer.over(record, "completed", submission.by);
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) void this.#wake(runId);
    else for (const resolve of waiting) resolve(submission);
    return result;
  }

  /** Closes a request that is no longer wanted. */
  async close(requestId: string, reason: CloseReason): Promise<void> {
    const before = await this.#store.get(requestId);
    if (before === undefined) return;
    const [result] = await this.#store.change([{ kind: "close", requestId, reason, at: this.#ports.clock.now() }]);
    if (result === "done" || before.state === "closed") this.#observer.over(before, reason);
  }

  /** Wakes the runs that have not taken an answer: what a host that starts finds of its former life. */
  async wakeSubmitted(): Promise<void> {
    let after = "";
    for (;;) {
      const runs = await this.#store.submittedRuns(after, WAKE_PAGE);
      await Promise.all(runs.map((runId) => this.#wake(runId)));
      if (runs.length < WAKE_PAGE) return;
      after = runs.at(-1)!;
    }
  }

  async #open(order: NewRequest): Promise<RequestRecord> {
    const [record] = await this.#store.open([order]);
    if (record === undefined) throw new OperatorError("request_closed", `run ${order.runId} has ended`);
    if (record.state === "open") this.#observer.opened(record);
    return record;
  }

  async #rest(
    call: StepCall,
    { deadline }: RequestRecord,
    waiter: Waiter,
  ): Promise<Submission | "aborted" | "expired"> {
    const { signal } = call;
    // A run is woken when it is time, not before.
    if (deadline !== undefined && deadline <= this.#ports.clock.now()) return "expired";
    const ended = Promise.withResolvers<Submission | "aborted" | "expired">();
    const awake = call.rest(deadline);
    // Taken back at once: once the answer is known here, the run must not be parked over it.
    waiter.onAnswer((answer) => {
      awake();
      ended.resolve(answer);
    });
    const abort = (): void => ended.resolve("aborted");
    signal.addEventListener("abort", abort, { once: true });
    const timer =
      deadline === undefined ? undefined : this.#ports.clock.timer(deadline, () => ended.resolve("expired"));
    try {
      return await ended.promise;
    } finally {
      awake();
      timer?.cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  /** Closes a request whose time is over; where an answer came first, that one counts. */
  async #expire(record: RequestRecord): Promise<Submission | undefined> {
    const now = await this.get(record.requestId);
    if (now.state === "submitted") return now.submission;
    await this.close(record.requestId, "expired");
    return undefined;
  }

  /** R3. Always throws. */
  async #letGo(requestId: string, signal: AbortSignal): Promise<never> {
    const reason = signal.reason as StepAbort;
    if (reason.kind !== "parked") await this.close(requestId, reason.kind === "timeout" ? "expired" : "cancelled");
    throw reason;
  }

  #await(requestId: string): Waiter {
    let called: ((answer: Submission) => void) | undefined;
    let answer: Submission | undefined;
    const resolve = (given: Submission): void => {
      answer = given;
      called?.(given);
    };
    const waiting = this.#waiting.get(requestId) ?? new Set();
    this.#waiting.set(requestId, waiting.add(resolve));
    return {
      onAnswer(callback) {
        if (answer === undefined) called = callback;
        else callback(answer);
      },
      leave: () => {
        waiting.delete(resolve);
        if (waiting.size === 0 && this.#waiting.get(requestId) === waiting) this.#waiting.delete(requestId);
      },
    };
  }

  async #wake(runId: string): Promise<void> {
    try {
      await this.#ports.wake(runId);
    } catch (error) {
      // The answer is kept; the run takes it whenever it is next in memory.
      this.#ports.onDefect(error);
    }
  }
}

/** Somebody who waits for an answer. */
interface Waiter {
  /** Calls back, synchronously, as the answer comes; at once where it has come. */
  onAnswer(callback: (answer: Submission) => void): void;
  leave(): void;
}

/** No such request. */
export function unknownRequest(requestId: string): OperatorError {
  return new OperatorError("request_unknown", `there is no request ${requestId}`, { details: { request: requestId } });
}

function closed({ requestId, closed: end }: RequestRecord): OperatorError {
  return new OperatorError("request_closed", `nobody waits for request ${requestId} any more (${end?.reason})`, {
    details: { request: requestId },
  });
}
