/** The door's routes for workers: the native ones, with the prompt as the reference's client takes it. */
import type { FastifyInstance } from "fastify";
import type { Binding } from "../../capability/index.ts";
import type { Host } from "../../host.ts";
import { addCommonWorkerRoutes } from "../worker-routes.ts";
import type { DoorPorts } from "./ports.ts";

/** Adds the routes. */
export function addCompatWorkerRoutes(server: FastifyInstance, { host }: DoorPorts): void {
  addCommonWorkerRoutes(server, { host, prompt: (binding) => wholePrompt(host(), binding) });
}

/** With the system prompt in it, whatever its size: the client fetches one that is elsewhere without its credential. */
async function wholePrompt(host: Host, binding: Binding): Promise<object> {
  const { system_ref: elsewhere, ...payload } = await host.worker.prompt(binding);
  return elsewhere === undefined ? payload : { ...payload, system: await host.worker.system(binding) };
}
