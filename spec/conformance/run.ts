/**
 * `npm run conformance [-- FILE...]`: runs the vectors of this folder, and of any further files in the same format.
 * Exits 1 where a vector fails, 2 where a file is not one of vectors.
 */
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { reportLines, runFile } from "./report.ts";

const own = ["flow-ir-vectors.json", "flow-ir-fuzz.json"].map((name) => fileURLToPath(new URL(name, import.meta.url)));
// npm runs scripts from the project's root; names are relative to where the user is.
const further = process.argv.slice(2).map((file) => resolve(process.env["INIT_CWD"] ?? process.cwd(), file));

try {
  const reports = [...own, ...further].map((file) => ({ ...runFile(file), file: relative(process.cwd(), file) }));
  console.log(reportLines(reports).join("\n"));
  if (reports.some((report) => report.failed.length > 0)) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
