/** `swarm-host operator list`, `seats`, `handover`, `take`, `release`, `leave`: who sits where, and changing that. */
import { OperatorClient } from "../../client/index.ts";
import { type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { type HostFlags, hostAddress } from "../host-address.ts";
import { jsonText, writeResult } from "../output.ts";
import { tableLines } from "../runs/table.ts";
import { formatDuration, oneLine, type Style, styleFor } from "../style.ts";
import type { Surface } from "../surface.ts";

/** Options as commander gives them. */
export interface OperatorFlags extends HostFlags {
  readonly json?: true;
}

/** Options of `take`. */
export interface TakeFlags extends OperatorFlags {
  readonly seat?: string;
  readonly session: string;
  readonly description: string;
}

/** Options of `release`. */
export interface ReleaseFlags extends OperatorFlags {
  readonly seat: string;
  readonly generation: number;
}

/** Lists the sessions. */
export async function listOperatorsCommand(surface: Surface, flags: OperatorFlags): Promise<ExitCode> {
  const sessions = await (await client(surface, flags)).sessions(1000);
  return show(surface, flags, [...sessions], (style) =>
    sessions.length === 0
      ? ["nobody has joined"]
      : tableLines(
          ["SESSION", "SOCKET", "SEEN", "DESCRIPTION"],
          sessions.map((session) => [
            text(session, "session_id"),
            ownValue(session, "connected") === true ? style.good("yes") : style.faint("no"),
            ago(surface, session, "last_seen_at"),
            text(session, "description"),
          ]),
          style,
        ),
  );
}

/** Lists the seats of a run. */
export async function seatsCommand(surface: Surface, runId: string, flags: OperatorFlags): Promise<ExitCode> {
  const seats = await (await client(surface, flags)).seats(runId);
  return show(surface, flags, [...seats], (style) =>
    seats.length === 0 ? ["the Blueprint of this run declares no seat"] : seatLines(seats, style),
  );
}

/** Shows what each seat of a run is still asked for. */
export async function handoverCommand(surface: Surface, runId: string, flags: OperatorFlags): Promise<ExitCode> {
  const handover = await (await client(surface, flags)).handover(runId);
  const seats = objects(ownValue(handover, "seats"));
  const requests = objects(ownValue(handover, "requests"));
  return show(surface, flags, handover, (style) => [
    ...seatLines(seats, style),
    "",
    ...(requests.length === 0
      ? ["nothing is asked for"]
      : tableLines(
          ["REQUEST", "SEAT", "KIND", "STEP", "AGENT", "SINCE", "WORKING"],
          requests.map((request) => [
            text(request, "id"),
            text(request, "seat"),
            text(request, "kind"),
            `${text(request, "key")}#${text(request, "attempt")}`,
            text(request, "agent"),
            ago(surface, request, "opened_at"),
            working(request),
          ]),
          style,
        )),
  ]);
}

/** Takes a seat for a session. */
export async function takeCommand(surface: Surface, runId: string, flags: TakeFlags): Promise<ExitCode> {
  const { seat, session: sessionId, description } = flags;
  const taken = await (await client(surface, flags)).take({
    runId,
    sessionId,
    description,
    ...(seat === undefined ? {} : { seat }),
  });
  return show(surface, flags, taken, (style) => [
    `${style.good(style.glyphs.pass)} seat ${text(taken, "seat")} is held by ${sessionId} at generation ${text(taken, "generation")}`,
  ]);
}

/** Gives a seat back. */
export async function releaseCommand(surface: Surface, runId: string, flags: ReleaseFlags): Promise<ExitCode> {
  const seat = await (await client(surface, flags)).release(runId, flags.seat, flags.generation);
  return show(surface, flags, seat, (style) => [
    `${style.good(style.glyphs.pass)} seat ${text(seat, "seat")} is vacant`,
  ]);
}

/** Ends sessions. */
export async function leaveCommand(
  surface: Surface,
  sessionIds: readonly string[],
  flags: OperatorFlags,
): Promise<ExitCode> {
  const operators = await client(surface, flags);
  for (const sessionId of sessionIds) await operators.leave(sessionId);
  return show(surface, flags, { left: [...sessionIds] }, (style) =>
    sessionIds.map((sessionId) => `${style.good(style.glyphs.pass)} ${sessionId} has left`),
  );
}

async function client(surface: Surface, flags: HostFlags): Promise<OperatorClient> {
  return new OperatorClient(await hostAddress(surface, flags));
}

async function show(
  surface: Surface,
  { json }: OperatorFlags,
  value: Json,
  lines: (style: Style) => readonly string[],
): Promise<ExitCode> {
  const shown = json === true ? jsonText(value) : `${lines(styleFor(surface.stdout, surface.env)).join("\n")}\n`;
  await writeResult(surface.stdout, shown);
  return EXIT.done;
}

function seatLines(seats: readonly JsonObject[], style: Style): readonly string[] {
  return tableLines(
    ["SEAT", "GENERATION", "HOLDER", "SOCKET", "DESCRIPTION"],
    seats.map((seat) => [
      text(seat, "seat"),
      text(seat, "generation"),
      ownValue(seat, "holder") === null ? style.warn("vacant") : text(seat, "holder"),
      ownValue(seat, "connected") === true ? style.good("yes") : style.faint("no"),
      text(seat, "description"),
    ]),
    style,
  );
}

function working(request: JsonObject): string {
  const who = ownValue(request, "working");
  if (typeof who !== "object" || who === null || Array.isArray(who)) return "-";
  const note = text(who as JsonObject, "note");
  return note === "-" ? text(who as JsonObject, "session") : `${text(who as JsonObject, "session")}: ${note}`;
}

function text(object: JsonObject, name: string): string {
  const value = ownValue(object, name);
  return value === undefined || value === null || value === "" ? "-" : oneLine(String(value));
}

function ago(surface: Surface, object: JsonObject, name: string): string {
  const at = ownValue(object, name);
  return typeof at === "number" ? `${formatDuration(surface.now() - at)} ago` : "-";
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly JsonObject[]) : [];
}
