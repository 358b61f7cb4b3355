/** The version of this package. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** As package.json has it. */
export function packageVersion(): string {
  const file = createRequire(import.meta.url).resolve("#package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
