/**
 * Which values a JSON body may hold, before anything that recurses over them, or keeps them, sees them.
 *
 * B1  A Blueprint may go as deep as a document can whose nodes nest as deep as they may; everything else in a body may enter
 *     a run, and goes no deeper than what a run holds.
 * B2  Numbers are finite: what JSON.parse makes of 1e999 is no number that could be written down again.
 */
import type { FastifyInstance } from "fastify";
import { DEFAULT_LIMITS } from "../flow/index.ts";
import { ServerError } from "./errors.ts";

/** A node's children are two levels below it: the list, and the node in it. */
const MAX_DOCUMENT = 2 * DEFAULT_LIMITS.maxDepth;

/** Holds the bodies of a server to their bounds (B1, B2). */
export function boundValues(server: FastifyInstance): void {
  server.addHook("preValidation", ({ body }, _reply, done) => {
    if (typeof body === "object" && body !== null && !ArrayBuffer.isView(body) && !(Symbol.asyncIterator in body)) {
      assertBounded(body);
    }
    done();
  });
}

function assertBounded(body: object): void {
  for (const [name, value] of Object.entries(body)) {
    const problem = problemWith(value, name === "blueprint" ? MAX_DOCUMENT : DEFAULT_LIMITS.maxCtxDepth);
    if (problem !== undefined) throw new ServerError("body_value", `a value in the body ${problem}`);
  }
}

/** Level by level: as deep as it is, it costs no stack. */
function problemWith(value: unknown, levels: number): string | undefined {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return `is nested deeper than ${levels} levels`;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one === "number" && !Number.isFinite(one)) return "is a number beyond what JSON numbers can be here";
      if (typeof one !== "object" || one === null) continue;
      for (const item of Object.values(one)) next.push(item);
    }
    level = next;
  }
  return undefined;
}
