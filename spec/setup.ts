/** Every run of the suite draws the same cases: a failure that one run shows, the next one shows too. `SEED=n` draws others. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["SEED"] ?? 20_261_121) });
