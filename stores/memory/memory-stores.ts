/**
 * The backend of tests and `--ephemeral`: the ports over plain Maps, gone with the process. Each call does its work
 * before it returns, so calls take effect in the order they are made.
 */
import { assertContiguous } from "../append-shape.ts";
import { OpenState } from "../open-state.ts";
import type { Append, AppendResult, PinnedDocument, Stores } from "../ports.ts";
import { RunShelf } from "./run-shelf.ts";

/** Opens an empty store of its own. */
export function openMemoryStores(): Stores {
  const state = new OpenState("memory");
  const shelf = new RunShelf();
  const documents = new Map<string, PinnedDocument>();
  const blobs = new Map<string, string>();

  const append = (one: Append): AppendResult => {
    const result = shelf.append(one);
    if (result === "appended") for (const { digest, text } of one.blobs ?? []) blobs.set(digest, text);
    return result;
  };

  return {
    name: "memory",
    durability: "none",
    journals: {
      async append(batch, options) {
        state.enter(options);
        assertContiguous(batch);
        return batch.map(append);
      },
      async read(runId, fromSeq, limit, options) {
        state.enter(options);
        return shelf.read(runId, fromSeq, limit);
      },
    },
    runs: {
      async create(batch, options) {
        state.enter(options);
        shelf.create(batch);
      },
      async get(runId, options) {
        state.enter(options);
        return shelf.get(runId);
      },
      async list(query, options) {
        state.enter(options);
        return shelf.list(query);
      },
    },
    documents: {
      async put(document, options) {
        state.enter(options);
        if (!documents.has(document.version)) documents.set(document.version, document);
      },
      async get(version, options) {
        state.enter(options);
        return documents.get(version);
      },
    },
    blobs: {
      async get(digests, options) {
        state.enter(options);
        return digests.map((digest) => blobs.get(digest));
      },
    },
    async [Symbol.asyncDispose]() {
      state.close();
    },
  };
}
