/** Whether the seat that a worker's credential was made out under has nobody in it by now. */
import type { DoorPorts } from "./ports.ts";

/** True: there is nobody to wait for the worker's answer. False where somebody else holds the seat. */
export async function isVacant({ host, access }: DoorPorts, authorization: string | undefined): Promise<boolean> {
  const { binding } = await access().authenticate(authorization);
  if (binding === undefined) return false;
  const { operators } = host();
  const request = await operators.stepRequest(binding);
  const seats = await operators.seats(binding.runId);
  return seats.some(({ seat, holder }) => seat === request?.seat && holder === null);
}
