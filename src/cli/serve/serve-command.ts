/**
 * `swarm-host serve`: a host that stays.
 *
 * Owns: the order of starting and stopping. Listen first, so that a taken port has changed nothing; then own the
 * directory, bring its runs back, and say so; stop in the opposite order when a signal asks for it.
 */
import { openHost } from "../../host.ts";
import {
  type HttpServer,
  LOOPBACK,
  listen,
  readOrMakeCredential,
  removeEndpoint,
  writeEndpoint,
} from "../../server/index.ts";
import { CliError } from "../cli-error.ts";
import { type DataDirFlag, dataDirectory } from "../data-directory.ts";
import { EXIT, type ExitCode, SIGNAL_EXIT } from "../exit-code.ts";
import { count, oneLine, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Options as commander gives them. */
export interface ServeFlags extends DataDirFlag {
  readonly host: string;
  readonly port: number;
  /** The client that a second port is opened for. Absent: none is. */
  readonly compat?: "mse-0.26";
  readonly compatPort?: number;
}

/** Where the reference system listens, and its client looks for it. */
const COMPAT_PORT = 7777;

/** Serves until it is told to stop: 0 then. */
export async function serveCommand(surface: Surface, flags: ServeFlags): Promise<ExitCode> {
  if (!LOOPBACK.has(flags.host)) {
    throw new CliError("usage", `${flags.host} is not this machine alone`, {
      place: "--host",
      hint: "listen on 127.0.0.1, and put a proxy with TLS before it for other machines",
    });
  }
  if (flags.compatPort !== undefined && flags.compat === undefined) {
    throw new CliError("usage", "there is no second port without --compat", { place: "--compat-port" });
  }
  const style = styleFor(surface.stderr, surface.env);
  const say = (text: string): void => {
    surface.stderr.write(`${text}\n`);
  };
  const stop = Promise.withResolvers<void>();
  let asked = false;
  const off = surface.onSignal((signal) => {
    if (asked) surface.exitNow(SIGNAL_EXIT[signal]);
    asked = true;
    say(style.warn("stopping: once more to leave at once"));
    stop.resolve();
  });
  try {
    const path = dataDirectory(surface, flags);
    const defect = (error: unknown): void => say(style.bad(`defect: ${oneLine(String(error))}`));
    // Disposed last: until the runs have stopped, whoever asks is told that the host is shutting down.
    await using server = await listen({ hostname: flags.host, port: flags.port }, defect);
    await using door = await compatDoor(flags, defect);
    await using host = await openHost({ data: { kind: "directory", path }, env: surface.env, onDefect: defect });
    // Before anything goes on: a policy that is none stops the start.
    await host.upkeep.start(({ runs }) => say(`${count(runs, "run")} removed that retention.json does not keep`));
    const credential = await readOrMakeCredential(path);
    const { resumed, putAside } = await host.recover();
    if (resumed > 0) say(`${count(resumed, "run")} resumed`);
    if (putAside > 0) say(style.warn(`${count(putAside, "run")} put aside: see \`swarm-host runs list\``));
    await writeEndpoint(path, { url: server.url, pid: process.pid });
    await host.schedules.start();
    server.ready({ host, credential });
    door?.ready({ host, credential });
    if (door !== undefined) say(style.warn(`${flags.compat}: whoever is on this machine may ask on ${door.url}`));
    say(`${style.good("ready")} on ${server.url}`);
    await stop.promise;
    await removeEndpoint(path);
    return EXIT.done;
  } finally {
    off();
  }
}

/** The compatibility door, where it is asked for. */
async function compatDoor(
  { compat, compatPort = COMPAT_PORT, host }: ServeFlags,
  onDefect: (error: unknown) => void,
): Promise<HttpServer | undefined> {
  if (compat === undefined) return undefined;
  const { openDoor } = await import("../../server/compat/index.ts");
  return openDoor({ hostname: host, port: compatPort }, onDefect);
}
