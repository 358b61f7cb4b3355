/**
 * Requests seen to by the person at the terminal: one after the other, in lines.
 *
 * An answer is lines up to one that is only a dot; a first line that begins with a slash is a command (COMMANDS). What the
 * host shows is data: it is made fit for a terminal before it is printed.
 */

import { createInterface, type Interface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { ClientError, type RequestFrame, WorkerClient } from "../../client/index.ts";
import { oneLine } from "../style.ts";
import { jsonOrText } from "./answered-by-command.ts";
import type { Attended, SeeTo } from "./operator-attach.ts";

const COMMANDS = {
  step: "answer in lines, then a line with only a dot; or /blocked, /skip, /halt [why], /error [why], /later",
  ask: "answer (JSON or words) in lines, then a line with only a dot; or /later",
  hook_before: "y to allow, n [why] to refuse",
  hook_after: "",
} as const satisfies Readonly<Record<RequestFrame["kind"], string>>;

/** Characters of a prompt that are shown; the rest is fetched by whoever needs it. */
const MAX_SHOWN = 20_000;

/** Sees to requests by asking. */
export function answeredByPerson(attended: Attended): SeeTo {
  const { surface, connection, address, style, say, over } = attended;
  const input = createInterface({ input: surface.stdin, crlfDelay: Number.POSITIVE_INFINITY, signal: over });
  const lines = new Lines(input);
  let turn: Promise<void> = Promise.resolve();

  const seeTo = async (request: RequestFrame, signal: AbortSignal): Promise<void> => {
    if (signal.aborted) return;
    const { kind, agent, key, run, seat } = request;
    say("");
    say(style.strong(`${kind} ${oneLine(agent)} (${key}) of ${run}, seat ${oneLine(seat)}`));
    if (kind === "hook_after") return say(shown(request.result));
    const worker =
      kind === "step" && request.handle !== undefined
        ? new WorkerClient({ url: address.url, credential: request.handle })
        : undefined;
    if (worker !== undefined) {
      const payload = await worker.prompt(signal);
      if (payload.system !== undefined) say(style.faint(printable(payload.system)));
      say(printable(payload.prompt));
      await connection.ack(request.id, "read by a person");
    } else say(shown(request.question));
    say(style.faint(`> ${COMMANDS[kind]}`));
    const end = await (worker === undefined ? reply(request, signal) : answer(request, worker, signal));
    say(style.faint(end));
  };

  // What is sent is not broken off by the withdrawal that it brings about itself: hence no signal there.
  const answer = async (request: RequestFrame, worker: WorkerClient, signal: AbortSignal): Promise<string> => {
    const [first, rest] = await lines.message(signal);
    switch (first) {
      case "/later":
        return "left for later";
      case "/halt":
        await connection.halt(request.id, null, rest || "halted by a person");
        return "halted";
      case "/error":
        await connection.error(request.id, rest || "given up by a person");
        return "given up";
      case "/blocked":
      case "/skip": {
        const verdict = first === "/skip" ? "skip" : "blocked";
        await worker.submit({ answer: { text: rest }, verdict });
        return verdict;
      }
      default:
        await worker.submit({ answer: { text: rest } });
        return "answered";
    }
  };

  const reply = async (request: RequestFrame, signal: AbortSignal): Promise<string> => {
    if (request.kind === "hook_before") {
      const said = (await lines.next(signal)).trim();
      const [, yes, why] = /^([yn])\b\s*(.*)$/iu.exec(said) ?? [];
      if (yes === undefined) return reply(request, signal);
      const allows = yes.toLowerCase() === "y";
      await connection.hook(request.id, allows, why === "" ? undefined : why);
      return allows ? "allowed" : "refused";
    }
    const [first, rest] = await lines.message(signal);
    if (first === "/later") return "left for later";
    await connection.answer(request.id, jsonOrText(rest));
    return "answered";
  };

  return (request, signal) => {
    const seen = turn
      .then(() => seeTo(request, signal))
      .catch((error: unknown) => {
        // Withdrawn while it was answered: told, and on to the next.
        if (signal.aborted) return say(style.warn(`${request.id}: nobody waits for it any more`));
        if (!(error instanceof ClientError)) throw error;
        say(style.bad(`not taken: ${error.message}`));
      });
    turn = seen.catch(() => {});
    return seen;
  };
}

/** Lines as they are typed; each goes to whoever asked first. */
class Lines {
  readonly #typed: string[] = [];
  readonly #asking: ((line: string) => void)[] = [];

  constructor(input: Interface) {
    input.on("line", (line) => {
      const ask = this.#asking.shift();
      if (ask === undefined) this.#typed.push(line);
      else ask(line);
    });
  }

  /** The next line. Rejects where the signal is aborted first. */
  next(signal: AbortSignal): Promise<string> {
    const typed = this.#typed.shift();
    if (typed !== undefined) return Promise.resolve(typed);
    return new Promise((resolve, reject) => {
      const ask = (line: string): void => {
        signal.removeEventListener("abort", stop);
        resolve(line);
      };
      const stop = (): void => {
        this.#asking.splice(this.#asking.indexOf(ask), 1);
        reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
      };
      signal.addEventListener("abort", stop, { once: true });
      this.#asking.push(ask);
    });
  }

  /** A command and what follows it, or "" and lines up to a dot. */
  async message(signal: AbortSignal): Promise<readonly [command: string, rest: string]> {
    const first = await this.next(signal);
    const [, command, rest = ""] = /^(\/[a-z]+)\s*(.*)$/u.exec(first) ?? [];
    if (command !== undefined) return [command, rest];
    const lines: string[] = [];
    for (let line = first; line !== "."; line = await this.next(signal)) lines.push(line);
    return ["", lines.join("\n")];
  }
}

function shown(value: unknown): string {
  return printable(typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? ""));
}

function printable(text: string): string {
  const clean = stripVTControlCharacters(text).replace(/[^\P{Cc}\n\t]/gu, " ");
  return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN)}\n(cut: ${clean.length} characters)` : clean;
}
