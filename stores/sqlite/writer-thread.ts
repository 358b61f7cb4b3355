/**
 * The writer thread: takes whatever has arrived, commits it as one group, answers, and takes what has arrived meanwhile.
 * While nothing arrives it sleeps: for LINGER_MS on a word in shared memory, which wakes it several times faster than the
 * event loop does, then in the event loop. It touches no file before its first message, which may be empty: it is started
 * while the directory is still looked at.
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
  // Opens the database before the first request is here; where that fails, the first request tries again. Before closing
  // too: the last writer's connection to close is what leaves no log behind.
  else group.commit([]);
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
