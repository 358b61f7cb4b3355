/**
 * The helper process: starts the host's child processes, because starting them from a large process blocks it.
 *
 * An entry file: it is forked by helper-link.ts and imported by nobody. It lives as long as its channel to the host; when
 * that closes, for whatever reason, it ends all children and then itself.
 */
import type { Timer } from "../../engine/index.ts";
import { type ChildPorts, ChildRun } from "./child-run.ts";
import type { HelperReply, HelperRequest } from "./protocol.ts";

const children = new Map<number, ChildRun>();

const ports: ChildPorts = {
  clock: {
    // Monotonic: a clock that is set must not shorten a grace.
    now: () => performance.now(),
    timer(at: number, fire: () => void): Timer {
      const timeout = setTimeout(fire, Math.max(0, at - performance.now()));
      return { cancel: () => clearTimeout(timeout) };
    },
  },
  send(reply: HelperReply, sent?: () => void) {
    if (reply.type === "ended" || reply.type === "refused") children.delete(reply.id);
    // Without a host there is nobody to tell; the disconnect handler below does the rest.
    if (process.connected) process.send?.(reply, undefined, undefined, () => sent?.());
    else sent?.();
  },
};

process.on("message", (request: HelperRequest) => {
  if (request.type === "stop") {
    children.get(request.id)?.stop();
    return;
  }
  const child = new ChildRun(request.id, request.order, ports);
  children.set(request.id, child);
  child.start();
});

process.on("disconnect", () => {
  for (const child of children.values()) child.stop();
});

// A signal to the whole process group, e.g. Ctrl-C, is the host's to answer: it decides which children end, and how.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
