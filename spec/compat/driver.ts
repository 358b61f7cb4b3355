/** A driver that sits in the seat of a run that it launched, for tests about what comes after. */
import type { DoorHost } from "./door-host.ts";
import type { Answer, Session, Socket } from "./reference-client.ts";

/** A driver at work. */
export interface Driver {
  readonly session: Session;
  readonly socket: Socket;
  readonly runId: string;
  readonly launched: Answer;
}

/** Joins, connects, and launches a Blueprint with the session in its seats. */
export async function drive(
  { client }: DoorHost,
  blueprint = "errand",
  more: Record<string, unknown> = {},
): Promise<Driver> {
  const session = await client.join();
  const socket = await client.connect(session);
  const pin = { detach: true, operator_sid: session.sid, operator_desc: "to work", ...more };
  const launched = await client.launch(blueprint, pin);
  if (launched.status !== 202) throw new Error(`launch: ${launched.status} ${launched.text}`);
  return { session, socket, runId: String(launched.body["run_id"]), launched };
}
