/**
 * Launches of a host's runs.
 *
 * Owns: the order of a launch: its key, its seats, its children's Blueprints, its pinned version. Does not own: the run's
 * beginning itself (src/engine), who may launch (src/server).
 *
 * L1  Everything that can be refused is refused before anything is started.
 * L2  Of two launches with one key, the store decides which is the run; the other one is that run too.
 */
import { type RunRecord, StoreError } from "../stores/ports.ts";
import type { CompiledBlueprint } from "./blueprint/index.ts";
import { type Engine, EngineError, type LaunchOrder, type RunHandle, type RunObserver } from "./engine/index.ts";
import type { Executables } from "./executables.ts";
import { isJsonObject, type Json } from "./flow/index.ts";
import type { HostChildren } from "./host-children.ts";
import { type TaskInput, taskContext } from "./middleware/index.ts";
import { type Desk, OperatorError, unattested } from "./operators/index.ts";

/** What a run is launched with. */
export interface LaunchOptions {
  /** Merged over the Blueprint's `default_init_ctx`, key by key where both are objects. Default: nothing. */
  readonly input?: Json;
  /** Where the run works and what it is about; every step sees it. */
  readonly taskInput?: TaskInput;
  readonly observer?: RunObserver;
  /** A launch with the key of an earlier one is that run: nothing new is started. 1 to 200 characters. */
  readonly idempotencyKey?: string;
  /** Whether this is the newest version of its Blueprint from now on. Default true. */
  readonly newest?: boolean;
  /** The attempt of another run that this one is started for. */
  readonly parent?: LaunchOrder["parent"];
  /** Who sits where from the start, by seat. What they take it for: 1 to 1000 characters. */
  readonly seats?: Readonly<Record<string, { readonly sessionId: string; readonly description: string }>>;
}

/** What launches are made of. */
export interface LaunchPorts {
  readonly engine: Pick<Engine, "launch" | "attach" | "wake">;
  readonly executables: Pick<Executables, "pin">;
  readonly desk: Pick<Desk, "session" | "acquire">;
  readonly children: Pick<HostChildren, "check">;
  /** The run that was launched with an idempotency key. */
  readonly launchedWith: (idempotencyKey: string) => Promise<RunRecord | undefined>;
}

type Seats = NonNullable<LaunchOptions["seats"]>;

/**
 * Starts a run of a compiled Blueprint. Resolves when its start is durable, and its seats are taken.
 * @throws OperatorError `seat_unknown`, `session_unknown`, `seat_invalid`, `binding_unattested`; nothing was started then.
 */
export async function launchRun(
  compiled: CompiledBlueprint,
  options: LaunchOptions,
  ports: LaunchPorts,
): Promise<RunHandle> {
  const { input, taskInput = {}, observer, idempotencyKey, newest = true, parent, seats = {} } = options;
  // Asked first, so that a launch that is not the first begins nothing; the store decides between two at once.
  const known = idempotencyKey === undefined ? undefined : await ports.launchedWith(idempotencyKey);
  // One that never began is taken away, and with it its key.
  if (known?.status === "dead_letter" && known.nextSeq === 1) await ports.engine.wake(known.runId);
  else if (known !== undefined) return ports.engine.attach(known.runId);
  await checkSeats(compiled, seats, ports);
  await checkBindings(compiled, seats, ports);
  await ports.children.check(compiled);
  const { executable, pinned } = ports.executables.pin(compiled, { newest });
  const handle = ports.engine.launch({
    executable: await executable,
    ctx: initialCtx(compiled.blueprint.default_init_ctx, input),
    context: taskContext(taskInput),
    ...(observer === undefined ? {} : { observer }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(parent === undefined ? {} : { parent }),
  });
  try {
    await Promise.all([pinned, handle.accepted]);
  } catch (error) {
    const earlier = error instanceof StoreError && error.code === "run_key_taken" ? error.details["runId"] : undefined;
    if (typeof earlier !== "string") throw error;
    return ports.engine.attach(earlier);
  }
  await seat(handle.runId, seats, ports);
  return handle;
}

async function checkSeats({ blueprint }: CompiledBlueprint, seats: Seats, { desk }: LaunchPorts): Promise<void> {
  for (const [seat, { sessionId, description }] of Object.entries(seats)) {
    if (!blueprint.operators.some(({ name }) => name === seat)) {
      throw new OperatorError("seat_unknown", `the Blueprint '${blueprint.id}' declares no seat '${seat}'`);
    }
    if (description.trim() === "") throw new OperatorError("seat_invalid", `say what the seat '${seat}' is taken for`);
    await desk.session(sessionId);
  }
}

/** Where bindings are strict, what each runner asks for is attested by who is seated for it from the start. */
async function checkBindings(compiled: CompiledBlueprint, seats: Seats, { desk }: LaunchPorts): Promise<void> {
  if (!compiled.blueprint.strategy.strict_binding) return;
  for (const { name, plan, profile } of compiled.agents.values()) {
    if (plan.kind !== "operator" || plan.binding === undefined) continue;
    const { variant, tools } = plan.binding;
    const holder = Object.hasOwn(seats, plan.seat) ? seats[plan.seat] : undefined;
    const manifest = holder === undefined ? undefined : (await desk.session(holder.sessionId)).manifest;
    const need = { variant, tools, ...(profile?.model === undefined ? {} : { model: profile.model }) };
    const lack = unattested(need, manifest);
    if (lack === undefined) continue;
    const asked = `agent '${name}' asks for the variant '${variant}' and the tools ${tools.join(", ") || "(none)"}`;
    const why = holder === undefined ? `nobody is seated at '${plan.seat}' by the launch` : `of who is seated, ${lack}`;
    throw new OperatorError("binding_unattested", `strict_binding: ${asked}; ${why}`, {
      details: { agent: name, variant, tools: [...tools], seat: plan.seat },
    });
  }
}

/** A run that has ended by now needs nobody in its seats. */
async function seat(runId: string, seats: Seats, { desk }: LaunchPorts): Promise<void> {
  for (const [name, { sessionId, description }] of Object.entries(seats)) {
    try {
      await desk.acquire({ runId, seat: name, sessionId, description });
    } catch (error) {
      if (!(error instanceof EngineError && error.code === "run_ended")) throw error;
    }
  }
}

/** Objects merge key by key, the input winning; anything else replaces. */
function initialCtx(defaults: Json | undefined, input: Json | undefined): Json {
  if (input === undefined) return defaults ?? {};
  return isJsonObject(defaults) && isJsonObject(input) ? { ...defaults, ...input } : input;
}
