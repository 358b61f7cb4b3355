/** What holds for every file of the suite. */
import { setFlagsFromString } from "node:v8";
import fc from "fast-check";

// Every run draws the same cases: a failure that one run shows, the next one shows too. `SEED=n` draws others.
fc.configureGlobal({ seed: Number(process.env["SEED"] ?? 20_261_121) });

// Threads that start from sources strip their types with a WebAssembly module of Node's own, which nothing else here keeps
// alive. Where the last such thread ends while another begins, V8 13.6 frees the module while it still makes faster calls
// from it to JavaScript, and dies (seen in WasmEngine::FreeDeadCode, below Runtime_TierUpWasmToJSWrapper). Without those
// faster calls it has nothing to free. Built code strips nothing.
setFlagsFromString("--wasm-wrapper-tiering-budget=1000000000");
