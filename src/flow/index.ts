/**
 * flow.ir: the language a flow is written in, and the machine that runs it. Pure; the public face of this folder.
 */
export { checkFlow, type DecodeOptions, decodeExpr, decodeFlow } from "./decode.ts";
export { encodeExpr, encodeFlow } from "./encode.ts";
export { assertNever, FLOW_ERROR_KINDS, FlowError, type FlowErrorKind, type FlowErrorSite } from "./error.ts";
export { type CompiledExpr, compileExpr } from "./evaluate/compile-expr.ts";
export type {
  AllAnyExpr,
  ArithExpr,
  CallExternExpr,
  EqualityExpr,
  ExistsExpr,
  FlowExpr,
  FlowOp,
  InExpr,
  LenExpr,
  LitExpr,
  NotExpr,
  OrderExpr,
  PathExpr,
} from "./expr.ts";
export { type ExternFunction, type ExternSite, type Externs, externError, externMap, noExterns } from "./externs.ts";
export { isJsonObject, type Json, type JsonObject, ownValue, setOwn } from "./json.ts";
export { deepEqual } from "./json-equal.ts";
export { type InspectionBounds, type InspectionProblem, inspectJson, pointerToken } from "./json-inspect.ts";
export { renderJson } from "./json-render.ts";
export { DEFAULT_LIMITS, type FlowLimits, resolveLimits } from "./limits.ts";
export { FlowMachine, type MachineOptions, type StartOptions } from "./machine/machine.ts";
export type { LaneOrder, RunStatus as FlowStatus } from "./machine/run-state.ts";
export type { FlowEvent, FlowOutcome, StepRequest } from "./machine/step-request.ts";
export type {
  BranchNode,
  FanoutNode,
  FlowDialect,
  FlowNode,
  FlowNodeKind,
  LetNode,
  LoopNode,
  SeqNode,
  StepNode,
  TryNode,
} from "./node.ts";
export { FlowPath, type PathOptions, type PathRoot } from "./path.ts";
export { lookupPath, readPath, writePath } from "./path-access.ts";
export { compileFlow, type FlowProgram } from "./program.ts";
export type { ProgramStep } from "./program-step.ts";
export { ROOT_KEY, type StepKey } from "./step-key.ts";
export { type ExprVisit, type NodeVisit, nodeExprs, walkExprs, walkNodes, walkSteps } from "./walk.ts";
export { JOIN_MODES, type JoinMode } from "./wire.ts";
