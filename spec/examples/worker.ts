import { WorkerClient } from "swarm-host/client";

const { SWARM_HOST_URL: url = "", SWARM_HOST_HANDLE: credential = "" } = process.env;
const worker = new WorkerClient({ url, credential });

// What is asked, assembled now: the prompt, the system prompt, and where earlier outputs are.
const { agent, prompt } = await worker.prompt();
await worker.progress([{ type: "progress", stage: "reading", note: `${prompt.length} characters` }]);

const words = prompt.split(/\s+/u).filter((word) => word !== "");

// A named part of the answer; then the answer itself, which is durable when this resolves.
await worker.artifact("words.txt", words.join("\n"));
await worker.submit({ answer: { value: { agent, words: words.length, shout: prompt.toUpperCase() } } });
