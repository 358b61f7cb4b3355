/** A queue of a host as JSON, the same for the HTTP surface and the command line. */
import type { QueueView, Ticket } from "./host.ts";

/** The object. Times in milliseconds since 1970. */
export function queueObject({ key, limits, holding, holders, waiting, waiters }: QueueView) {
  const { concurrency, rate, maxWaiting } = limits;
  return {
    key,
    limits: {
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(rate === undefined ? {} : { rate: { limit: rate.limit, per_ms: rate.perMs } }),
      ...(maxWaiting === undefined ? {} : { max_waiting: maxWaiting }),
    },
    holding,
    holders: holders.map(ticketObject),
    waiting,
    waiters: waiters.map(ticketObject),
  };
}

/** A queue as JSON. */
export type QueueObject = ReturnType<typeof queueObject>;

function ticketObject({ runId, key, attempt, agent, scheduledAt }: Ticket) {
  return { run_id: runId, key, attempt, agent, scheduled_at: scheduledAt };
}
