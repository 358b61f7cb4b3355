/** Child processes for specs: a host, a directory for each test, and the two forms of agents. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach } from "vitest";
import type { StreamMode } from "../../src/blueprint/compiled.ts";
import type { SubprocessOutput } from "../../src/blueprint/schema.ts";
import type { StepCall, StepOutcome } from "../../src/engine/index.ts";
import { nodeFiles, type SubprocessHost } from "../../src/workers/index.ts";
import { makeAgent, makeCall, makeSubprocessHost, spawnerOf } from "./step-fixture.ts";

/** The Node that runs the suite. */
export const NODE: string = process.execPath;

/** An agent of the spec form. */
export interface SpecForm {
  readonly program: string;
  readonly args?: readonly string[];
  readonly useStdin?: boolean;
  readonly streamMode?: StreamMode;
}

/** An agent of the template form. */
export interface TemplateForm {
  readonly argv: readonly string[];
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly output?: SubprocessOutput;
  readonly systemPrompt?: string;
  readonly model?: string;
  readonly tools?: readonly string[];
}

/** What the tests of a file share. */
export class SubprocessFixture {
  /** Of the test that is running; removed after it. */
  directory = "";
  host: SubprocessHost = makeSubprocessHost({ graceMs: 200 });

  /** Registers its hooks in the file that calls it. */
  constructor() {
    afterAll(() => this.host[Symbol.asyncDispose]());
    beforeEach(async () => {
      this.directory = await realpath(await mkdtemp(join(tmpdir(), "subprocess-spec-")));
    });
    afterEach(() => rm(this.directory, { recursive: true, force: true }));
  }

  /** One attempt of an agent of the spec form, on a host of its own if one is given. */
  runSpec(
    { program, args = [], useStdin = true, streamMode }: SpecForm,
    call: Partial<StepCall> = {},
    host: SubprocessHost = this.host,
  ): Promise<StepOutcome> {
    const plan = { kind: "subprocess", form: "spec", program, args, useStdin } as const;
    const agent = makeAgent(streamMode === undefined ? plan : { ...plan, streamMode });
    return spawnerOf(agent, { subprocess: host })(makeCall(call));
  }

  /** One attempt of an agent of the template form. */
  runTemplate(template: TemplateForm, call: Partial<StepCall> = {}): Promise<StepOutcome> {
    const plan = {
      kind: "subprocess",
      form: "template",
      template: "t",
      env: {},
      systemPrompt: "",
      tools: [],
      ...template,
    } as const;
    const files = nodeFiles({ scratchRoot: this.directory });
    return spawnerOf(makeAgent(plan), { subprocess: this.host, files })(makeCall(call));
  }
}
