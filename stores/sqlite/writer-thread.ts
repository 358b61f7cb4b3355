/**
 * The writer thread: takes whatever has arrived, commits it as one group, answers, and takes what has arrived meanwhile.
 * While nothing arrives it sleeps: for LINGER_MS on a word in shared memory, which wakes it several times faster than the
 * event loop does, then in the event loop.
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
  /** One word in shared memory: how many messages have been posted. */
  readonly posted: Int32Array;
}

/** A run whose every step is an effect asks for its next write within this time. */
const LINGER_MS = 5;

const { database, durability, posted } = workerData as WriterThreadData;
const port = parentPort!;
const group = new GroupCommit(database, () => openForWriting(database, durability));
group.commit([]); // Opens the database before the first request is here; where that fails, the first request tries again.

let received = 0;

const receive = (): WriterMessage | undefined => {
  const message = receiveMessageOnPort(port)?.message as WriterMessage | undefined;
  if (message !== undefined) received += 1;
  return message;
};

/** Commits `first` and what else is here. False where the thread was asked to close. */
const commit = (first: WriterMessage): boolean => {
  const requests: WriteRequest[] = [];
  let message: WriterMessage | undefined = first;
  while (message !== undefined && message !== "close") {
    for (const request of decodeRequests(message)) requests.push(request);
    message = receive();
  }
  if (requests.length > 0) port.postMessage(group.commit(requests));
  return message === undefined;
};

port.on("message", (first: WriterMessage) => {
  received += 1;
  let next: WriterMessage | undefined = first;
  while (next !== undefined && commit(next)) {
    // Counts wrap around together.
    next = Atomics.wait(posted, 0, received | 0, LINGER_MS) === "timed-out" ? undefined : receive();
  }
  if (next !== undefined) {
    group.close();
    port.close();
  }
});
