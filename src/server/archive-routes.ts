/**
 * The routes of run archives: one out, one in, as JSON lines.
 *
 * Owns: keeping an upload in a file until it is proved: importing reads it twice. Does not own: what archives are.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FastifyInstance } from "fastify";
import { ARCHIVE_LIMITS } from "../host.ts";
import { runObject } from "../run-object.ts";
import { RunPath } from "./requests.ts";
import type { RoutePorts } from "./routes.ts";

/** What archives are sent as. */
const LINES = "application/x-ndjson";

/** Adds the routes. */
export function addArchiveRoutes(server: FastifyInstance, { host }: RoutePorts): void {
  server.get<{ Params: RunPath }>("/v1/runs/:id/archive", { schema: { params: RunPath } }, async (request, reply) => {
    const lines = await host().archive(request.params.id);
    // Asked for here, what keeps the run from being exported at all is an answer and not a stream cut short.
    const first = await lines.next();
    return reply.header("content-type", LINES).send(Readable.from(after(first, lines)));
  });

  // In a scope of its own: here a body is a stream of lines, and nothing else is taken.
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(LINES, (_request, payload, done) => done(null, payload));
    scope.post<{ Body: Readable | undefined }>(
      "/v1/archives",
      { bodyLimit: ARCHIVE_LIMITS.bytes },
      async ({ body: upload = Readable.from([]) }, reply) => {
        const directory = await mkdtemp(join(tmpdir(), "swarm-host-import-"));
        try {
          const file = join(directory, "archive");
          await pipeline(upload, bounded, createWriteStream(file, { mode: 0o600 }));
          const record = await host().importRun(() => createReadStream(file));
          return reply.code(201).header("location", `/v1/runs/${record.runId}`).send(runObject(record));
        } finally {
          await rm(directory, { recursive: true, force: true });
        }
      },
    );
  });
}

/** Passes on one byte more than archives may have, at most: who reads it then refuses it for that. */
async function* bounded(upload: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = ARCHIVE_LIMITS.bytes + 1;
  for await (const chunk of upload) {
    if (left <= 0) continue;
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
  }
}

async function* after(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}
