/** A host's engine with real layers and workers over stores that outlive it, a manual clock and a scripted consult. */
import { hash } from "node:crypto";
import { tmpdir } from "node:os";
import { compileDocument, environmentOf } from "../../src/blueprint-check.ts";
import { Engine, FairQueues, type RunEvent, type RunHandle } from "../../src/engine/index.ts";
import { Executables } from "../../src/executables.ts";
import type { Json, JsonObject } from "../../src/flow/index.ts";
import { AuditTasks, type Consult } from "../../src/middleware/index.ts";
import { SubprocessHost } from "../../src/workers/index.ts";
import { Workshop, type WorkshopOptions } from "../../src/workshop.ts";
import { openMemoryStores } from "../../stores/memory/index.ts";
import type { Stores } from "../../stores/ports.ts";
import { ManualClock } from "../engine/manual-clock.ts";

/** One life of a host. */
export class LayeredHost implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly stores: Stores;
  readonly queues: FairQueues;
  readonly engine: Engine;
  readonly events: RunEvent[] = [];
  readonly #audits: AuditTasks;
  readonly #workshop: Workshop;
  readonly #executables: Executables;

  constructor(options: WorkshopOptions & { readonly consult?: Consult; readonly after?: LayeredHost } = {}) {
    const { consult, after, ...registrations } = options;
    this.clock = after?.clock ?? new ManualClock();
    this.stores = after?.stores ?? openMemoryStores();
    this.queues = new FairQueues(this.clock);
    this.#audits = new AuditTasks(this.clock);
    this.#workshop = new Workshop(registrations);
    this.#executables = new Executables({
      workshop: this.#workshop,
      subprocess: new SubprocessHost({ environment: {}, cwd: tmpdir(), places: new FairQueues(this.clock) }),
      documents: this.stores.documents,
      journals: this.stores.journals,
      clock: this.clock,
      queues: this.queues,
      audits: this.#audits,
      ...(consult === undefined ? {} : { consult }),
    });
    let ids = 0;
    this.engine = new Engine({
      stores: this.stores,
      clock: this.clock,
      hash: (text) => hash("sha256", text),
      newRunId: () => `R-${(ids++).toString(16).padStart(16, "0")}`,
      hostId: after === undefined ? "host-1" : "host-2",
      version: "test",
      resolve: (version) => this.#executables.resolve(version),
    });
  }

  /** Launches a document; one that does not compile is a test failure that lists why. */
  async launch(document: JsonObject, ctx: Json = {}): Promise<RunHandle> {
    const compiled = compileDocument({ id: "layered", ...document }, environmentOf(this.#workshop.registrations));
    const { executable, pinned } = this.#executables.pin(compiled);
    const handle = this.engine.launch({
      executable: await executable,
      ctx,
      context: {},
      observer: (event) => this.events.push(event),
    });
    await Promise.all([pinned, handle.accepted]);
    return handle;
  }

  /** The run's journal, as parsed entries. */
  async journal(runId: string): Promise<readonly { readonly type: string; readonly [field: string]: unknown }[]> {
    const rows = await this.stores.journals.read(runId, 1, 10_000);
    return rows.map(({ text }) => JSON.parse(text) as { type: string });
  }

  /** Ends this life as a host does that is told to stop; the stores stay. */
  async stop(): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await this.#audits[Symbol.asyncDispose]();
    await this.#workshop[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
