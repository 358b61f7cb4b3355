/**
 * The writer thread: takes whatever has arrived, commits it as one group, answers, and takes what has arrived meanwhile.
 * While nothing arrives it sleeps.
 */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { type Durability, openForWriting } from "./connection.ts";
import { GroupCommit } from "./group-commit.ts";
import type { WriteRequest } from "./write-request.ts";
import { decodeRequests, type WriterMessage } from "./writer-message.ts";

/** What the thread is started with. */
export interface WriterThreadData {
  readonly database: string;
  readonly durability: Durability;
}

const { database, durability } = workerData as WriterThreadData;
const port = parentPort!;
const group = new GroupCommit(database, () => openForWriting(database, durability));
group.commit([]); // Opens the database before the first request is here; where that fails, the first request tries again.

port.on("message", (first: WriterMessage) => {
  const requests: WriteRequest[] = [];
  let message: WriterMessage | undefined = first;
  while (message !== undefined && message !== "close") {
    for (const request of decodeRequests(message)) requests.push(request);
    message = receiveMessageOnPort(port)?.message as WriterMessage | undefined;
  }
  if (requests.length > 0) port.postMessage(group.commit(requests));
  if (message === "close") {
    group.close();
    port.close();
  }
});
