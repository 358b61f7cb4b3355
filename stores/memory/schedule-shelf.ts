/** The schedules of a memory store, by name. A memory store can afford to sort them for each listing. */
import type { ScheduleRecord } from "../ports.ts";
import { scheduleExists } from "../refusals.ts";

/** All schedules of one store. */
export class ScheduleShelf {
  readonly #schedules = new Map<string, ScheduleRecord>();

  /** See ScheduleStore.create. */
  create(schedule: ScheduleRecord): void {
    if (this.#schedules.has(schedule.name)) throw scheduleExists(schedule.name);
    this.#schedules.set(schedule.name, schedule);
  }

  /** See ScheduleStore.get. */
  get(name: string): ScheduleRecord | undefined {
    return this.#schedules.get(name);
  }

  /** See ScheduleStore.list. */
  list(limit: number, after: string | undefined): readonly ScheduleRecord[] {
    return [...this.#schedules.values()]
      .filter(({ name }) => after === undefined || name > after)
      .sort(byName)
      .slice(0, Math.max(limit, 0));
  }

  /** See ScheduleStore.upcoming. */
  upcoming(limit: number): readonly ScheduleRecord[] {
    return [...this.#schedules.values()]
      .filter(({ nextAt }) => nextAt !== undefined)
      .sort((left, right) => left.nextAt! - right.nextAt! || byName(left, right))
      .slice(0, Math.max(limit, 0));
  }

  /** See ScheduleStore.replace. */
  replace(schedule: ScheduleRecord): boolean {
    if (this.#schedules.get(schedule.name)?.revision !== schedule.revision - 1) return false;
    this.#schedules.set(schedule.name, schedule);
    return true;
  }

  /** See ScheduleStore.remove. */
  remove(name: string): boolean {
    return this.#schedules.delete(name);
  }
}

function byName(left: ScheduleRecord, right: ScheduleRecord): number {
  if (left.name === right.name) return 0;
  return left.name < right.name ? -1 : 1;
}
