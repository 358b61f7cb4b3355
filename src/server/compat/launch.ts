/**
 * A launch: from the client's request to a run of the host, an ordinary one.
 *
 * N1  All that can be refused is refused before anything is written.
 * N2  Whoever shows nothing starts what has run here before, by its id. A document is code: it takes a credential that
 *     may `start_task`, which a session of the door may not.
 */
import type { CompiledBlueprint } from "../../blueprint/index.ts";
import type { Grant } from "../../capability/index.ts";
import type { Json, JsonObject } from "../../flow/index.ts";
import { type Host, OperatorError, type RunHandle } from "../../host.ts";
import { ServerError } from "../errors.ts";
import { sessionCount } from "./host-routes.ts";
import { checkLaunch, type LaunchRequest, namesOperator, refused, taskInputOf } from "./launch-request.ts";
import { assigneeOf } from "./run-record.ts";

const DEFAULT_TTL_SECS = 1_800;
/** The longest a call waits for its run, in seconds. */
const MAX_WAIT_SECS = 3_600;

/** A run that was started. */
export interface Launched {
  readonly run: RunHandle;
  /** What the client is told whatever becomes of it. */
  readonly facts: JsonObject;
  /** How long a call waits for its end. */
  readonly waitMs: number;
}

/**
 * Starts a run.
 * @param grant what the caller showed; undefined: nothing.
 * @throws ServerError `request_contradicts`, `version_unknown`, `no_operator`, `unauthorized`; OperatorError; BlueprintError.
 */
export async function launch(host: Host, request: LaunchRequest, grant: Grant | undefined): Promise<Launched> {
  const { operator_sid: sid } = request;
  if (sid) await host.operators.session(sid).catch(unknownPin);
  if (namesOperator(request) && (await sessionCount(host)) === 0) {
    throw new ServerError("no_operator", "no operator is attached: join one first");
  }
  checkLaunch(request);
  const taskInput = taskInputOf(request);
  const compiled = await blueprintOf(host, request, grant);
  const seats = sid ? seatsFor(compiled, sid, request) : {};
  // One that is started by its digest becomes the newest by that as little as it would by a schedule.
  const newest = request.blueprint.kind === "inline";
  const run = await host.launch(compiled, { input: request.init_ctx as Json, taskInput, seats, newest });
  const { ttl, source } = lifeOf(compiled, request);
  // A life of no time is no bound.
  const wait = Math.min(request.timeout_secs ?? (ttl || MAX_WAIT_SECS), MAX_WAIT_SECS);
  return {
    run,
    waitMs: wait * 1_000,
    facts: {
      bound_version: compiled.version,
      effective_ttl_secs: ttl,
      ttl_source: source,
      info: await infoOf(host, run.runId, { compiled, request, taskInput }),
    },
  };
}

function unknownPin(error: unknown): never {
  if (!(error instanceof OperatorError && error.code === "session_unknown")) throw error;
  throw refused(`operator_sid: ${error.message}`);
}

async function blueprintOf(
  host: Host,
  { blueprint }: LaunchRequest,
  grant: Grant | undefined,
): Promise<CompiledBlueprint> {
  if (blueprint.kind === "inline") {
    if (grant === undefined) {
      throw new ServerError("unauthorized", "a document is started by whoever shows a credential: else name an id");
    }
    return host.workshop.compile(blueprint.value as Json);
  }
  const { id, version } = blueprint;
  const digest = version?.kind === "fixed" ? `sha256:${version.value.replace(/^sha256:/u, "")}` : undefined;
  const compiled = await host.blueprint(digest ?? (await host.newestVersion(id)) ?? "");
  if (compiled !== undefined && compiled.blueprint.id === id) return compiled;
  throw new ServerError(
    "version_unknown",
    `bp resolve: no Blueprint '${id}' of ${digest ?? "any version"} has run here: start it once, by document`,
  );
}

/** The pinned session takes the seat that is meant, and every other one besides. */
function seatsFor(
  { blueprint: { id, operators } }: CompiledBlueprint,
  sessionId: string,
  { operator_slot: wanted, operator_desc: desc }: LaunchRequest,
): Readonly<Record<string, { readonly sessionId: string; readonly description: string }>> {
  const slots = operators.map(({ name }) => name);
  const slot = wanted ?? (slots.length === 1 ? slots[0] : undefined);
  if (slot === undefined || !slots.includes(slot)) {
    throw refused(`operator_slot: '${id}' declares the seats ${slots.join(", ") || "none"}: name one of them`);
  }
  return Object.fromEntries(
    [slot, ...slots.filter((other) => other !== slot)].map((each) => [
      each,
      { sessionId, description: each === slot ? (desc ?? "") : `auto-seated at launch, with '${slot}'` },
    ]),
  );
}

function lifeOf(
  { blueprint }: CompiledBlueprint,
  { ttl_secs: asked }: LaunchRequest,
): { readonly ttl: number; readonly source: string } {
  if (typeof asked === "number") return { ttl: asked, source: "request_body" };
  const declared = blueprint.metadata?.default_run_ttl_secs;
  if (declared !== undefined) return { ttl: declared, source: "bp_metadata" };
  return { ttl: DEFAULT_TTL_SECS, source: "server_default" };
}

async function infoOf(
  host: Host,
  runId: string,
  {
    compiled,
    request,
    taskInput,
  }: { compiled: CompiledBlueprint; request: LaunchRequest; taskInput: ReturnType<typeof taskInputOf> },
): Promise<JsonObject> {
  const seats = await host.operators.seats(runId);
  return {
    run_id: runId,
    goal: request.goal ?? `a run of ${compiled.blueprint.id}`,
    project_root: taskInput.project_root ?? null,
    work_dir: taskInput.work_dir ?? null,
    seats: seats.map((seat) => {
      const holder = assigneeOf(seat);
      return { slot: seat.seat, vacant: holder === null, holder, declared: true };
    }),
    seats_source: "blueprint",
    note: "a detached run lives until it ends or is cancelled: its ttl is noted, not enforced",
  };
}
