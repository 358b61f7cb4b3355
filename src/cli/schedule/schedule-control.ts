/** `swarm-host schedule pause`, `resume`, `rm` and `trigger`. */
import { randomUUID } from "node:crypto";
import { ClientError } from "../../client/index.ts";
import { ownValue } from "../../flow/index.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { writeResult } from "../output.ts";
import { controlled } from "../runs/controlled.ts";
import { withHost } from "../runs/open-existing.ts";
import type { Surface } from "../surface.ts";

/** Options of `schedule trigger`. */
export interface TriggerFlags extends DataDirFlag {
  readonly id?: string;
}

/** Stops a schedule from firing. */
export function pauseCommand(surface: Surface, name: string, flags: DataDirFlag): Promise<ExitCode> {
  return controlled(surface, flags, `schedule ${name} is paused`, {
    own: ({ schedules }) => schedules.pause(name),
    ask: (host) => host.ask("POST", schedulePath(name, "/pause")),
  });
}

/** Lets a schedule go on firing. */
export function resumeCommand(surface: Surface, name: string, flags: DataDirFlag): Promise<ExitCode> {
  return controlled(surface, flags, `schedule ${name} goes on`, {
    own: ({ schedules }) => schedules.resume(name),
    ask: (host) => host.ask("POST", schedulePath(name, "/resume")),
  });
}

/** Removes a schedule. */
export function removeCommand(surface: Surface, name: string, flags: DataDirFlag): Promise<ExitCode> {
  return controlled(surface, flags, `schedule ${name} is removed`, {
    own: ({ schedules }) => schedules.remove(name),
    ask: (host) => host.ask("DELETE", schedulePath(name)),
  });
}

/** Starts a run of a schedule, and prints its id. */
export async function triggerCommand(surface: Surface, name: string, flags: TriggerFlags): Promise<ExitCode> {
  const id = flags.id ?? randomUUID();
  const runId = await withHost(surface, dataDirectory(surface, flags), {
    own: ({ schedules }) => schedules.trigger(name, id),
    async ask(host) {
      const run = await host.ask("POST", schedulePath(name, "/trigger"), undefined, { "idempotency-key": id });
      const started = run === null ? undefined : ownValue(run, "run_id");
      if (typeof started === "string") return started;
      throw new ClientError("answer_invalid", "the host's answer names no run");
    },
  });
  await writeResult(surface.stdout, `${runId}\n`);
  return EXIT.done;
}

/** The path of a schedule, or of something below it. */
export function schedulePath(name: string, below = ""): string {
  return `/v1/schedules/${encodeURIComponent(name)}${below}`;
}
