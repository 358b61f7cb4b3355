/**
 * The body of a launch, and what of it this host carries.
 *
 * Owns: the shape, and which fields go together. Does not own: what the fields name (launch.ts). What the host cannot carry
 * is refused, never passed over: a launch does what its body says or nothing.
 */
import { type Static, Type } from "@sinclair/typebox";
import { isJsonObject, type Json, ownValue } from "../../flow/index.ts";
import type { TaskInput } from "../../host.ts";
import { ServerError } from "../errors.ts";

const KINDS = ["main_ai", "automate", "composite"] as const;

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const name = Type.String({ minLength: 1, maxLength: 200 });
const path = Type.String({ maxLength: 4096 });
const secs = Type.Integer({ minimum: 0, maximum: 315_360_000 });

const Version = Type.Union([
  Type.Object({ kind: Type.Literal("latest") }),
  Type.Object({ kind: Type.Literal("fixed"), value: Type.String({ maxLength: 100 }) }),
  Type.Object({ kind: Type.Literal("semver_req"), req: Type.String({ maxLength: 200 }) }),
]);

const Operator = Type.Object({
  kind: orNull(Type.String({ maxLength: 100 })),
  id: orNull(Type.String({ maxLength: 200 })),
  spawn_hook_id: orNull(name),
  senior_bridge_id: orNull(name),
  operator_backend_id: orNull(name),
  per_agent_kinds: orNull(Type.Record(Type.String({ maxLength: 200 }), Type.String({ maxLength: 100 }))),
});

/** A launch. What else it holds is passed over, as the reference does. */
export const LaunchRequest = Type.Object({
  blueprint: Type.Union([
    Type.Object({ kind: Type.Literal("inline"), value: Type.Object({}) }),
    Type.Object({ kind: Type.Literal("id"), id: name, version: orNull(Version) }),
  ]),
  init_ctx: Type.Unknown(),
  project_root: orNull(path),
  work_dir: orNull(path),
  task_metadata: Type.Optional(Type.Unknown()),
  goal: orNull(Type.String({ maxLength: 1_000 })),
  ttl_secs: orNull(secs),
  timeout_secs: orNull(secs),
  detach: Type.Optional(Type.Boolean()),
  operator: orNull(Operator),
  operator_sid: orNull(Type.String({ maxLength: 100 })),
  operator_desc: orNull(Type.String({ maxLength: 1_000 })),
  operator_slot: orNull(name),
  check_policy: orNull(Type.String({ maxLength: 100 })),
});
export type LaunchRequest = Static<typeof LaunchRequest>;

/** Whether a launch names an operator in any way. */
export function namesOperator({ operator, operator_sid: sid }: LaunchRequest): boolean {
  return Boolean(sid ?? operator?.operator_backend_id ?? operator?.spawn_hook_id ?? operator?.senior_bridge_id);
}

/**
 * Holds a launch to what goes together, and to what this host carries.
 * @throws ServerError `request_contradicts`.
 */
export function checkLaunch(request: LaunchRequest): void {
  const { operator_sid: sid, operator_desc: desc, timeout_secs: timeout, detach, operator, blueprint } = request;
  if (sid && (desc ?? "").trim() === "")
    throw refused("operator_sid wants operator_desc: say what the seat is taken for");
  if (timeout === 0) throw refused("timeout_secs must be at least 1");
  if (typeof timeout === "number" && detach) throw refused("timeout_secs bounds a call that waits: not with detach");
  const hooks = [operator?.spawn_hook_id, operator?.senior_bridge_id, operator?.operator_backend_id];
  if (hooks.some((one) => one)) {
    throw refused("hooks and bridges are asked of the holders of seats here: pin a session with operator_sid");
  }
  if (request.check_policy) throw refused("check_policy is the Blueprint's here: set it there");
  if (blueprint.kind === "id" && blueprint.version?.kind === "semver_req") {
    throw refused("bp resolve: versions here are digests: name `latest` or `fixed`");
  }
}

/**
 * Where the run works and what it is about: named beside the initial context, or, as older clients do, in it.
 * @throws ServerError `request_contradicts` for an operator kind that there is not.
 */
export function taskInputOf(request: LaunchRequest): TaskInput {
  const { project_root, work_dir, task_metadata, operator } = request;
  const inside = isJsonObject(request.init_ctx as Json) ? (request.init_ctx as Json) : {};
  const within = (key: string): Json | undefined => (isJsonObject(inside) ? ownValue(inside, key) : undefined);
  const text = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);
  const root = project_root ?? text(within("project_root"));
  const dir = work_dir ?? text(within("work_dir"));
  const said = (task_metadata ?? undefined) as Json | undefined;
  const metadata = said ?? (isJsonObject(within("task_metadata") ?? null) ? within("task_metadata") : undefined);
  const kind = operator?.kind ?? undefined;
  const kinds = Object.entries(operator?.per_agent_kinds ?? {});
  const agents = Object.fromEntries(kinds.map(([agent, one]) => [agent, operatorKind(one)]));
  return {
    ...(root === undefined ? {} : { project_root: root }),
    ...(dir === undefined ? {} : { work_dir: dir }),
    ...(metadata === undefined ? {} : { task_metadata: metadata }),
    ...(kind === undefined && kinds.length === 0
      ? {}
      : {
          operator_kinds: {
            ...(kinds.length === 0 ? {} : { agents }),
            ...(kind === undefined ? {} : { default: operatorKind(kind) }),
          },
        }),
  };
}

/** A launch that cannot be. */
export function refused(message: string): ServerError {
  return new ServerError("request_contradicts", message);
}

function operatorKind(word: string): (typeof KINDS)[number] {
  const known = KINDS.find((kind) => kind === word);
  if (known !== undefined) return known;
  throw refused(`there is no operator kind ${JSON.stringify(word)}: it is one of ${KINDS.join(", ")}`);
}
