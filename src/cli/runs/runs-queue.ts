/** `swarm-host runs queue`: who waits for what. */
import { type QueueObject, queueObject } from "../../queue-object.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { jsonText, writeResult } from "../output.ts";
import { count, oneLine, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";
import { withHost } from "./open-existing.ts";
import { tableLines } from "./table.ts";
import { timeText } from "./time-text.ts";

/** Options as commander gives them. */
export interface QueueFlags extends DataDirFlag {
  readonly json?: boolean;
}

/** Prints the queues of the host that runs on the directory. Where none does, nobody waits. */
export async function queueCommand(surface: Surface, flags: QueueFlags): Promise<ExitCode> {
  const queues = await withHost<readonly QueueObject[]>(surface, dataDirectory(surface, flags), {
    own: async (host) => host.queues().map(queueObject),
    ask: async (host) => ((await host.ask("GET", "/v1/queues")) as unknown as { queues: QueueObject[] }).queues,
  });
  const style = styleFor(surface.stdout, surface.env);
  await writeResult(surface.stdout, flags.json ? jsonText(queues) : queuesText(queues, style));
  return EXIT.done;
}

/** The queues for people: one after the other, each with those that hold a place and those that wait, in their order. */
export function queuesText(queues: readonly QueueObject[], style: Style): string {
  if (queues.length === 0) return "nobody waits\n";
  return queues.map((queue) => `${queueLines(queue, style).join("\n")}\n`).join("\n");
}

function queueLines({ key, limits, holding, holders, waiting, waiters }: QueueObject, style: Style): readonly string[] {
  const { concurrency, rate } = limits;
  const bounds = [
    ...(concurrency === undefined ? [] : [`${holding} of ${count(concurrency, "place")} taken`]),
    ...(rate === undefined ? [] : [`${rate.limit} in ${rate.per_ms} ms`]),
    `${waiting} waiting`,
  ];
  const row = (what: string, { run_id, key: step, agent, scheduled_at }: QueueObject["waiters"][number]) => [
    what,
    run_id,
    oneLine(step),
    oneLine(agent),
    timeText(scheduled_at),
  ];
  const rows = [
    ...holders.map((ticket) => row("has passed", ticket)),
    ...waiters.map((ticket, index) => row(`${index + 1}.`, ticket)),
  ];
  const hidden = holding - holders.length + waiting - waiters.length;
  return [
    `${style.strong(oneLine(key))}  ${style.faint(bounds.join(", "))}`,
    ...tableLines(["", "run", "step", "agent", "scheduled"], rows, style),
    ...(hidden > 0 ? [style.faint(`and ${hidden} more`)] : []),
  ];
}
