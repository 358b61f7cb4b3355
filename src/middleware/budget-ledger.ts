/**
 * What runs have spent and have set aside, and whether one more attempt fits.
 *
 * Owns: the reckoning. Does not own: what an attempt costs (budget.ts), the journal it is rebuilt from.
 *
 * G1  Spent and set aside together never exceed a limit when an attempt is let in. So where no attempt takes more than was
 *     set aside for it, no limit is ever overspent, in whatever order attempts come and go.
 * G2  What would fit if the attempts under way took nothing waits for them, first come first served; what would not even
 *     then is refused at once.
 * G3  What a run spent before this host had it in memory is read once, from its journal.
 */

/** Amounts of each kind, in whole numbers: tokens, millionths of a dollar, milliseconds, attempts. */
export interface Amounts {
  readonly tokens: number;
  readonly microUsd: number;
  readonly timeMs: number;
  readonly attempts: number;
}

/** Nothing. */
export const NOTHING: Amounts = Object.freeze({ tokens: 0, microUsd: 0, timeMs: 0, attempts: 0 });

/** Limits; a kind that is absent has none. */
export type Limits = Partial<Amounts>;

/** A place in the budget. One of the two is called, once. */
export interface Reservation {
  /** What it really took. */
  settle(taken: Amounts): void;
  /** It did not happen. */
  drop(): void;
}

/** Why an attempt does not fit. */
export interface Refused {
  readonly kind: keyof Amounts;
  readonly limit: number;
  readonly spent: number;
}

interface Waiter {
  readonly want: Amounts;
  readonly settle: (answer: Reservation | Refused) => void;
}

interface Account {
  spent: Amounts;
  reserved: Amounts;
  underWay: number;
  readonly waiters: Waiter[];
}

/** Accounts kept; those that nothing is under way in are read again when they are needed. */
const KEPT_ACCOUNTS = 10_000;
const KINDS: readonly (keyof Amounts)[] = ["tokens", "microUsd", "timeMs", "attempts"];

/** The accounts of the runs of one Blueprint version. */
export class BudgetLedger {
  readonly #limits: Limits;
  readonly #spentBefore: (runId: string) => Promise<Amounts>;
  readonly #accounts = new Map<string, Promise<Account>>();
  readonly #idle = new Set<string>();

  /** @param spentBefore what a run has spent so far, by its journal (G3). */
  constructor(limits: Limits, spentBefore: (runId: string) => Promise<Amounts>) {
    this.#limits = limits;
    this.#spentBefore = spentBefore;
  }

  /** Sets an amount aside, or says why it does not fit. Undefined: aborted while it waited. */
  async reserve(runId: string, want: Amounts, signal: AbortSignal): Promise<Reservation | Refused | undefined> {
    const account = await this.#account(runId);
    if (signal.aborted) return undefined;
    if (account.waiters.length === 0) {
      const answer = this.#tryReserve(runId, account, want);
      if (answer !== undefined) return answer;
    }
    return new Promise((resolve) => {
      const waiter: Waiter = {
        want,
        settle: (answer) => {
          signal.removeEventListener("abort", giveUp);
          resolve(answer);
        },
      };
      const giveUp = (): void => {
        account.waiters.splice(account.waiters.indexOf(waiter), 1);
        resolve(undefined);
        this.#letIn(runId, account);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      account.waiters.push(waiter);
      this.#letIn(runId, account);
    });
  }

  /** What a run has spent and has set aside. */
  async standing(runId: string): Promise<{ readonly spent: Amounts; readonly reserved: Amounts }> {
    const { spent, reserved } = await this.#account(runId);
    return { spent, reserved };
  }

  async #account(runId: string): Promise<Account> {
    let account = this.#accounts.get(runId);
    if (account === undefined) {
      this.#dropIdle();
      account = this.#spentBefore(runId).then((spent) => ({ spent, reserved: NOTHING, underWay: 0, waiters: [] }));
      this.#accounts.set(runId, account);
      // What cannot be read now may be readable later.
      account.catch(() => this.#accounts.delete(runId));
    }
    return account;
  }

  /** A place, a refusal, or undefined where it has to wait (G1, G2). */
  #tryReserve(runId: string, account: Account, want: Amounts): Reservation | Refused | undefined {
    for (const kind of KINDS) {
      const limit = this.#limits[kind];
      if (limit !== undefined && account.spent[kind] + want[kind] > limit)
        return { kind, limit, spent: account.spent[kind] };
    }
    for (const kind of KINDS) {
      const limit = this.#limits[kind];
      if (limit !== undefined && account.spent[kind] + account.reserved[kind] + want[kind] > limit) return undefined;
    }
    account.reserved = plus(account.reserved, want, 1);
    account.underWay += 1;
    this.#idle.delete(runId);
    let isOpen = true;
    const close = (taken: Amounts): void => {
      if (!isOpen) return;
      isOpen = false;
      account.reserved = plus(account.reserved, want, -1);
      account.spent = plus(account.spent, taken, 1);
      account.underWay -= 1;
      this.#letIn(runId, account);
    };
    return { settle: close, drop: () => close(NOTHING) };
  }

  #letIn(runId: string, account: Account): void {
    for (;;) {
      const [first] = account.waiters;
      if (first === undefined) break;
      const answer = this.#tryReserve(runId, account, first.want);
      if (answer === undefined) break;
      account.waiters.shift();
      first.settle(answer);
    }
    if (account.underWay === 0 && account.waiters.length === 0) this.#idle.add(runId);
  }

  #dropIdle(): void {
    if (this.#accounts.size < KEPT_ACCOUNTS) return;
    for (const runId of this.#idle) {
      this.#accounts.delete(runId);
      this.#idle.delete(runId);
      if (this.#accounts.size < KEPT_ACCOUNTS) return;
    }
  }
}

/** Sum, or difference. */
export function plus(a: Amounts, b: Amounts, times: 1 | -1): Amounts {
  return {
    tokens: a.tokens + times * b.tokens,
    microUsd: a.microUsd + times * b.microUsd,
    timeMs: a.timeMs + times * b.timeMs,
    attempts: a.attempts + times * b.attempts,
  };
}
