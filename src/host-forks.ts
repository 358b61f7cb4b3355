/**
 * Forks and reruns of a host's runs: which Blueprint they run.
 *
 * Owns: where a fork's flow and agents come from. Does not own: what a fork takes over (src/engine/fork.ts).
 *
 * H1  The flow is the document's `flow`; the agents are all the rest of it: what decides how a step is done.
 * H2  A document made of two versions is kept like any other, and is nobody's newest version.
 */
import type { DocumentStore, RunRecord } from "../stores/ports.ts";
import type { CompiledBlueprint } from "./blueprint/index.ts";
import { type Engine, EngineError, type RunHandle, type RunObserver } from "./engine/index.ts";
import type { Executables } from "./executables.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "./flow/index.ts";
import { type TaskInput, taskContext } from "./middleware/index.ts";

/** `pinned`: as the source runs it. `head`: as the newest version of the Blueprint has it. */
export type ForkSide = "pinned" | "head";

/** What of the source a new run has. */
export interface RerunOptions {
  /** Stands for the newest version, and is that from now on where all of it runs. Default: the one the host keeps. */
  readonly head?: CompiledBlueprint;
  /** Where the flow comes from. Default: see `fork` and `rerun`. */
  readonly flow?: ForkSide;
  /** Where the agents come from, and all else of the Blueprint (H1). Default: see `fork` and `rerun`. */
  readonly agents?: ForkSide;
  /** Changes the source's initial ctx. */
  readonly ctx?: (initial: Json) => Json;
  /** Takes the place of what the source was launched with, key by key. */
  readonly taskInput?: TaskInput;
  readonly observer?: RunObserver;
}

/** What a fork changes. */
export interface ForkOptions extends RerunOptions {
  /** See ForkOrder.from. Default `failed`. */
  readonly from?: string;
}

/** What forks are made of. */
export interface ForkPorts {
  readonly engine: Pick<Engine, "fork">;
  readonly executables: Pick<Executables, "pin" | "resolve">;
  readonly documents: DocumentStore;
  readonly run: (runId: string) => Promise<RunRecord>;
  /** @throws BlueprintError with every diagnostic. */
  readonly compile: (document: Json) => Promise<CompiledBlueprint>;
}

/**
 * Starts a run that shares what another has recorded. Both sides default to `head` where one is given, else to `pinned`.
 * Resolves when its start is durable.
 * @throws EngineError `run_unknown`, `key_unknown`, `fork_live`, `head_unknown`; BlueprintError where flow and agents of
 *   two versions do not fit together. Nothing was started then.
 */
export async function forkRun(runId: string, options: ForkOptions, ports: ForkPorts): Promise<RunHandle> {
  const { from, head, ctx, taskInput, observer } = options;
  const fallback: ForkSide = head === undefined ? "pinned" : "head";
  const source = await ports.run(runId);
  const { flow = fallback, agents = fallback } = options;
  const compiled = await blueprintOf(source, { flow, agents, ...(head === undefined ? {} : { head }) }, ports);
  const newest = compiled !== undefined && compiled.version === head?.version;
  const { executable, pinned } =
    compiled === undefined
      ? { executable: ports.executables.resolve(source.blueprintVersion), pinned: undefined }
      : ports.executables.pin(compiled, { newest });
  const handle = await ports.engine.fork({
    runId,
    executable: await executable,
    ...(from === undefined ? {} : { from }),
    ...(ctx === undefined ? {} : { ctx }),
    ...(taskInput === undefined ? {} : { context: (launch) => ({ ...launch, ...taskContext(taskInput) }) }),
    ...(observer === undefined ? {} : { observer }),
  });
  await Promise.all([pinned, handle.accepted]);
  return handle;
}

/**
 * Runs a task again: a new run from the start, with the ctx and the context of another that has ended, and nothing taken
 * over. Both sides default to `head`, which is the pinned version where no other was ever the newest. Throws as `forkRun`.
 */
export async function rerunRun(runId: string, options: RerunOptions, ports: ForkPorts): Promise<RunHandle> {
  const source = await ports.run(runId);
  const isKnown = options.head !== undefined || (await ports.documents.newest(source.blueprintId)) !== undefined;
  const fallback: ForkSide = isKnown ? "head" : "pinned";
  const { flow = fallback, agents = fallback } = options;
  return forkRun(runId, { ...options, from: "start", flow, agents }, ports);
}

/** Undefined: the pinned version. */
async function blueprintOf(
  source: RunRecord,
  { flow, agents, head }: { readonly flow: ForkSide; readonly agents: ForkSide; readonly head?: CompiledBlueprint },
  { documents, compile }: ForkPorts,
): Promise<CompiledBlueprint | undefined> {
  if (flow === "pinned" && agents === "pinned") return undefined;
  const { blueprintId, blueprintVersion: pinned } = source;
  const newest = head?.version ?? (await documents.newest(blueprintId));
  if (newest === undefined) throw headUnknown(blueprintId);
  if (newest === pinned) return undefined;
  const headDocument = head === undefined ? await documentOf(newest, documents) : asDocument(head.canonical);
  if (flow === agents) return head ?? compile(headDocument);
  const pinnedDocument = await documentOf(pinned, documents);
  const [flowDocument, agentsDocument] =
    flow === "head" ? [headDocument, pinnedDocument] : [pinnedDocument, headDocument];
  return compile({ ...agentsDocument, flow: ownValue(flowDocument, "flow") ?? null });
}

async function documentOf(version: string, documents: DocumentStore): Promise<JsonObject> {
  const document = await documents.get(version);
  if (document === undefined) {
    throw new EngineError("run_stuck", `the Blueprint ${version} is not in this store`, { details: { version } });
  }
  return asDocument(document.text);
}

function asDocument(text: string): JsonObject {
  const document = JSON.parse(text) as Json;
  return isJsonObject(document) ? document : {};
}

function headUnknown(blueprintId: string): EngineError {
  return new EngineError(
    "head_unknown",
    `no version of the Blueprint '${blueprintId}' is kept here as its newest: name a Blueprint for the fork to run`,
    { details: { blueprintId } },
  );
}
