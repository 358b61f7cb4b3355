/**
 * Errors as the user sees them, in one place: what is wrong, where, what to do next, and the exit code.
 *
 * Owns: the hint for every code of every layer that can reach a command. Does not own: the messages.
 *
 * R1  Nothing but `--verbose` shows a stack trace.
 * R2  An error nobody expected says so: it is a defect of swarm-host, not of what was asked.
 */
import { inspect } from "node:util";
import { CliError } from "./cli-error.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import { oneLine, type Style } from "./style.ts";
import { reason } from "./text-file.ts";

/** Characters of a message that are shown: a worker's words can be megabytes. */
const MAX_MESSAGE = 2000;

/** An error, ready to be shown. */
export interface ErrorReport {
  /** Stable, from the layer that raised it; `internal` for a defect. */
  readonly code: string;
  readonly message: string;
  readonly place?: string;
  readonly hint?: string;
  readonly exit: ExitCode;
}

interface Advice {
  readonly hint: string;
  readonly exit: ExitCode;
}

const machine = (hint: string): Advice => ({ hint, exit: EXIT.failed });
const asked = (hint: string): Advice => ({ hint, exit: EXIT.usage });

const OTHER_DIRECTORY = "use another directory with --data-dir, or --ephemeral to keep nothing";

/** What to do about errors of the layers below, by code (or `kind`, for flow errors). */
const ADVICE: Readonly<Record<string, Advice>> = {
  store_full: machine(`free some space, or ${OTHER_DIRECTORY}`),
  store_io: machine(`check the directory's permissions and disk, or ${OTHER_DIRECTORY}`),
  store_locked: machine(`stop the other swarm-host or wait for it, or ${OTHER_DIRECTORY}`),
  store_newer: machine(`use the newer swarm-host that wrote it, or ${OTHER_DIRECTORY}`),
  store_corrupt: machine("run `swarm-host doctor` for details, and restore the directory from a backup"),
  store_closed: machine("run the command again"),
  journal_write: machine("free some space or check the disk; the run keeps what is journaled"),
  store_missing: asked("name the directory that runs are kept in with --data-dir"),
  store_older: machine("open it for writing once, for example with `swarm-host runs resume`"),
  run_unknown: asked("see `swarm-host runs list`"),
  schedule_unknown: asked("see `swarm-host schedule list`"),
  schedule_exists: asked("remove it first with `swarm-host schedule rm`, or choose another name"),
  schedule_invalid: asked("see `swarm-host schedule add --help`"),
  request_contradicts: asked("see the command's --help"),
  run_ended: asked("see `swarm-host runs fork --help`"),
  head_unknown: asked("name a Blueprint with --blueprint"),
  fork_live: asked("cancel it first, or name a step key with --from: see `swarm-host runs fork --help`"),
  run_live: asked("see `swarm-host runs cancel --help`"),
  run_held: asked("see `swarm-host runs release --help`"),
  key_unknown: asked("see `swarm-host runs show` for the step keys of the run"),
  run_elsewhere: machine("ask the host that has it, or stop that"),
  run_stuck: machine(
    "see `swarm-host runs show` for the reason; mend it and resume (--divergence says what of its record counts), or fork the run",
  ),
  journal_corrupt: machine("restore the directory from a backup; other runs are not concerned"),
  journal_newer: machine("use the newer swarm-host that wrote it"),
  divergence: machine("resume the run with --divergence reuse or rerun, or fork it"),
  host_unreachable: machine("see whether `swarm-host serve` is still running, and run the command again"),
  bad_request: asked("see the command's --help"),
  port_taken: machine("choose another port with --port; 0 is any that is free"),
  not_listening: machine("choose another address with --host or port with --port"),
  credential_damaged: machine("remove the file and start the host again"),
  token_malformed: asked("copy the whole token, in one line"),
  never_widens: asked("see `swarm-host token inspect` for what the token has"),
  grant_invalid: asked("see `swarm-host token mint --help`"),
  keys_invalid: machine("restore the file from a backup, or remove it and give out new tokens"),
  run_lost: machine("another host has taken the run over: watch it there"),
  engine_closed: machine("run the command again"),
  unknown_template: asked("see `swarm-host bp new --help`"),
  invalid_name: asked("choose another name"),
  name_clash: asked("choose another name"),
  limit_exceeded: asked("make the input smaller or flatter"),
  invalid_value: asked("the input must be JSON"),
  run_exists: asked("remove that run first, or import into another directory with --data-dir"),
  run_key_taken: asked("remove the run that has the key first"),
  retention_invalid: asked("see `swarm-host gc --help`"),
  backup_missing: asked("give a file that `swarm-host backup` wrote"),
  backup_unsound: asked("give another file that `swarm-host backup` wrote"),
  file_exists: asked("choose another file or directory, or remove what is there"),
  archive_foreign: asked("give a file that `swarm-host runs export` wrote"),
  archive_newer: asked("use the newer swarm-host that wrote it"),
  archive_truncated: asked("export the run again, or copy the whole file"),
  archive_damaged: asked("export the run again, or copy the file once more"),
  archive_too_large: machine("back up the whole store with `swarm-host backup`"),
  document_missing: machine("restore the directory from a backup"),
  lua_busy: machine("try again later"),
  lua_thread_lost: machine("try again; if it happens again, run `swarm-host doctor`"),
};

/** Classes whose messages are meant for people even where the table has no advice for their code. */
const EXPECTED = new Set([
  "ArchiveError",
  "RetentionError",
  "StoreError",
  "EngineError",
  "ScheduleError",
  "KernelError",
  "LuaError",
  "FlowError",
  "BlueprintError",
  "ScaffoldError",
  "ServerError",
  "CapabilityError",
  "ClientError",
]);

/** What to tell about anything that was thrown. */
export function reportError(error: unknown): ErrorReport {
  if (error instanceof CliError) {
    return {
      code: error.code,
      message: error.message,
      exit: error.exit,
      ...(error.place === undefined ? {} : { place: error.place }),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  }
  if (!(error instanceof Error)) return { ...defect(String(error)) };
  const code = codeOf(error);
  const advice = code !== undefined && Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
  if (EXPECTED.has(error.name)) {
    return { code: code ?? error.name, message: error.message, exit: EXIT.failed, ...advice };
  }
  if (isSystemError(error)) return systemReport(error);
  return defect(error.message);
}

/** The report as lines: message, place, hint and, with `verbose`, the error itself with stack and causes. */
export function errorLines(
  report: ErrorReport,
  style: Style,
  verbose?: { readonly error: unknown },
): readonly string[] {
  const message = oneLine(report.message);
  const cut = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}${style.glyphs.more}` : message;
  const lines = [`${style.bad("error:")} ${cut}`];
  if (report.place !== undefined) lines.push(`  ${style.faint("at:")} ${oneLine(report.place)}`);
  if (report.hint !== undefined) lines.push(`  ${style.active("try:")} ${oneLine(report.hint)}`);
  if (verbose !== undefined) lines.push(inspect(verbose.error, { colors: style.colour, depth: 4 }));
  return lines;
}

function defect(message: string): ErrorReport {
  return {
    code: "internal",
    message: `swarm-host itself failed: ${message}`,
    hint: "run it again with --verbose and report what it prints",
    exit: EXIT.failed,
  };
}

function systemReport(error: NodeJS.ErrnoException): ErrorReport {
  const place = error.path === undefined ? {} : { place: error.path };
  const hint = error.code === "ENOSPC" ? "free some space" : "check the name and the permissions";
  return { code: error.code as string, message: reason(error), ...place, hint, exit: EXIT.failed };
}

function isSystemError(error: Error): error is NodeJS.ErrnoException {
  return "syscall" in error && "code" in error && typeof error.code === "string";
}

function codeOf(error: Error): string | undefined {
  if ("code" in error && typeof error.code === "string") return error.code;
  return "kind" in error && typeof error.kind === "string" ? error.kind : undefined;
}
