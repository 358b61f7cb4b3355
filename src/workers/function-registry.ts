/**
 * The host functions that agents of kind `function` run, registered from TypeScript before Blueprints are compiled.
 *
 * R1  An id is registered once; what is registered does not change.
 * R2  Schemas are compiled when they are first needed, once; the validator is loaded when the first one is.
 */
import { createRequire } from "node:module";
import type { Static, TSchema, TUnsafe } from "@sinclair/typebox";
import type { Ajv, ErrorObject, ValidateFunction } from "ajv";
import type { StepCall, StepEvent } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import type { AgentContextView } from "./context.ts";
import { directiveText } from "./directive.ts";
import { WorkerError } from "./errors.ts";

/** What a function knows of the attempt it serves. */
export interface FunctionCall
  extends Pick<StepCall, "runId" | "key" | "attempt" | "stepId" | "agent" | "idempotencyKey"> {
  /** Aborted when the attempt is given up. The attempt ends then, whether the function returns or not. */
  readonly signal: AbortSignal;
  readonly context: AgentContextView;
  /** Publishes an event; an artifact also becomes a part of the step's value. */
  readonly emit: (event: StepEvent) => void;
}

/** An answer with an explicit outcome, made by `pass`, `blocked` or `skip`. */
export class FunctionVerdict<V = Json> {
  readonly verdict: "pass" | "blocked" | "skip";
  readonly value: V;

  constructor(verdict: "pass" | "blocked" | "skip", value: V) {
    this.verdict = verdict;
    this.value = value;
  }
}

/** The step passes with `value`; the same as returning it. */
export const pass = <V>(value: V): FunctionVerdict<V> => new FunctionVerdict("pass", value);
/** The step is blocked with `value`: the flow fails there unless a `try` catches it. */
export const blocked = <V>(value: V): FunctionVerdict<V> => new FunctionVerdict("blocked", value);
/** The step is skipped: its `out` is not written. */
export const skip = (): FunctionVerdict<never> => new FunctionVerdict("skip", null as never);

type AnyJson = TUnsafe<Json>;

/** A function as it is registered. */
export interface FunctionDefinition<I extends TSchema = AnyJson, O extends TSchema = AnyJson> {
  /** One sentence on what it does. */
  readonly description?: string;
  /** What the step's input must be. Absent: anything. */
  readonly input?: I;
  /** What the value of a passing answer must be. Absent: any JSON. */
  readonly output?: O;
  /** Whether it has no effect outside its result and may be run again at will; the host then need not wait for the disk. */
  readonly pure: boolean;
  /**
   * Computes the answer. Its input is shared and must not be changed; what it returns must not be changed afterwards.
   * Throwing fails the attempt.
   */
  run(
    input: Static<I>,
    call: FunctionCall,
  ):
    | Static<O>
    | FunctionVerdict<Static<O>>
    | FunctionVerdict
    | Promise<Static<O> | FunctionVerdict<Static<O>> | FunctionVerdict>;
}

/** A registered function, its types forgotten. */
export interface RegisteredFunction {
  readonly id: string;
  readonly description: string;
  readonly pure: boolean;
  /** JSON Schema of its input, where it has one. */
  readonly schema?: object;
  readonly run: (input: Json, call: FunctionCall) => unknown;
  /** What is wrong with an input, or undefined. */
  readonly inputProblem: (value: Json) => string | undefined;
  /** What is wrong with an output, or undefined. */
  readonly outputProblem: (value: Json) => string | undefined;
}

const ID = /^[A-Za-z][A-Za-z0-9_.:-]{0,99}$/;

/** Host functions by id. `identity` is always there. */
export class FunctionRegistry {
  readonly #functions = new Map<string, RegisteredFunction>();
  #ajv: Ajv | undefined;

  constructor() {
    this.register("identity", {
      description: "Answers who it is, and its prompt.",
      pure: true,
      run: (input, call) => ({ by: "baseline-identity", agent: call.agent, echoed: directiveText(input) }),
    });
  }

  /**
   * Registers a function; returns the registry for chaining.
   * @throws WorkerError `function_duplicate` for an id that is taken or malformed (R1).
   */
  register<I extends TSchema = AnyJson, O extends TSchema = AnyJson>(
    id: string,
    definition: FunctionDefinition<I, O>,
  ): this {
    if (!ID.test(id)) {
      throw new WorkerError(
        "function_duplicate",
        `'${id}' cannot be a function id: use letters, digits and _ . : -, a letter first`,
      );
    }
    if (this.#functions.has(id))
      throw new WorkerError("function_duplicate", `a function '${id}' is registered already; choose another id`);
    this.#functions.set(id, {
      id,
      description: definition.description ?? "",
      pure: definition.pure,
      ...(definition.input === undefined ? {} : { schema: definition.input }),
      run: (input, call) => definition.run(input as Static<I>, call),
      inputProblem: this.#check(definition.input),
      outputProblem: this.#check(definition.output),
    });
    return this;
  }

  /** The function, or undefined. */
  get(id: string): RegisteredFunction | undefined {
    return this.#functions.get(id);
  }

  /** All functions, in order of registration. */
  list(): readonly RegisteredFunction[] {
    return [...this.#functions.values()];
  }

  #compile(schema: TSchema): ValidateFunction {
    this.#ajv ??= loadValidator();
    return this.#ajv.compile(schema);
  }

  #check(schema: TSchema | undefined): (value: Json) => string | undefined {
    if (schema === undefined) return () => undefined;
    let validate: ValidateFunction | undefined;
    return (value) => {
      validate ??= this.#compile(schema);
      return validate(value) ? undefined : explain(validate.errors ?? []);
    };
  }
}

/** Loading takes longer than a short run, and most hosts register no schema. */
function loadValidator(): Ajv {
  const { Ajv } = createRequire(import.meta.url)("ajv") as typeof import("ajv");
  return new Ajv({ allErrors: true, strict: true });
}

const SHOWN = 5;

function explain(errors: readonly ErrorObject[]): string {
  const lines = errors
    .slice(0, SHOWN)
    .map((error) => `${error.instancePath === "" ? "it" : error.instancePath} ${told(error)}`);
  const more = errors.length > SHOWN ? ` (and ${errors.length - SHOWN} more)` : "";
  return `${lines.join("; ")}${more}`;
}

function told({ message = "is wrong", keyword, params }: ErrorObject): string {
  if (keyword === "additionalProperties") return `must not have the key '${String(params["additionalProperty"])}'`;
  if (keyword === "enum" || keyword === "const")
    return `${message}: ${JSON.stringify(params["allowedValues"] ?? params["allowedValue"])}`;
  return message;
}
