/** spec/worker-contract.md says what is: its session runs in a shell against a real host, its tables against the code. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MAX_POINTERS, MAX_PROGRESS_LINE } from "../../src/operators/index.ts";
import { MAX_INLINE_SYSTEM } from "../../src/operators/worker-payload.ts";
import { MAX_EVENTS_PER_SECOND } from "../../src/operators/worker-progress.ts";
import { problemOf } from "../../src/server/problem.ts";
import { ROUTES } from "../../src/server/rules.ts";
import { Errand } from "./errand.ts";

const page = readFileSync(fileURLToPath(new URL("../worker-contract.md", import.meta.url)), "utf8");

const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gmsu"))].map(([, block = ""]) => block);

/** The rows of every table, as their cells. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.split("|").map((cell) => cell.trim()));

/** What a script prints. */
async function printed(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const shell = spawn("bash", ["-euo", "pipefail", "-c", script], { env: { ...process.env, ...env } });
  const [out, err, code] = await Promise.all([
    text(shell.stdout),
    text(shell.stderr),
    new Promise((resolve, reject) => shell.on("close", resolve).on("error", reject)),
  ]);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  return out;
}

/** A payload with its ids and times as the page has them. */
function asOnThePage(line: string): unknown {
  return JSON.parse(line, (name, value: unknown) => {
    if (name === "task_id") return String(value).replace(/^ST-[0-9a-f]{16}$/u, "ST-0123456789abcdef");
    if (name === "run_id") return String(value).replace(/^R-[0-9a-f]+$/u, "R-0123456789abcdef");
    if (name === "deadline") return typeof value === "number" ? 1_795_219_200_000 : value;
    return value;
  });
}

describe("spec/worker-contract.md", () => {
  const [session = ""] = blocks("sh");
  const [payload = "", document = ""] = blocks("json");
  const [answers = ""] = blocks("text");

  it("has a session that says what it prints", async () => {
    await using errand = await Errand.start();
    const run = await errand.launch(JSON.parse(document));
    const { request } = await errand.next(run);
    const said = await printed(session, { SWARM_HOST_URL: errand.served.url, SWARM_HOST_HANDLE: request.handle });
    const [asked = "", ...others] = said.split("\n");
    expect(asOnThePage(asked)).toEqual(JSON.parse(payload));
    expect(others.join("\n")).toBe(answers);
    expect(await run.result).toMatchObject({
      status: "done",
      ctx: { said: { out: "PASS", parts: { summary: "All five hold." } } },
    });
    expect(errand.served.defects).toEqual([]);
  });

  it("lists every route of workers, with its verb", () => {
    const listed = rows.flatMap(([, route = "", verb = ""]) => {
      const [, name] = /^`((?:GET|POST) \/v1\/worker\/[^`?]*)/u.exec(route) ?? [];
      return name === undefined ? [] : [[name, verb]];
    });
    const there = Object.entries(ROUTES).flatMap(([name, rule]) =>
      name.includes(" /v1/worker/") && rule !== "open" ? [[name, `\`${rule.verb}\``]] : [],
    );
    expect(listed.sort()).toEqual(there.sort());
  });

  it("names codes under the statuses that they are answered with", () => {
    const told = rows.filter(([, status = ""]) => /^\d{3}$/u.test(status));
    expect(told.length).toBeGreaterThan(8);
    for (const [, status, codes = ""] of told)
      for (const [, code = ""] of codes.matchAll(/`([a-z_]+)`/gu)) {
        // These two are what the HTTP server itself refuses.
        if (code === "bad_request" || code === "body_too_large") continue;
        const { code: known, status: answered } = problemOf(Object.assign(new Error(code), { code }));
        expect({ code: known, status: answered }).toEqual({ code, status: Number(status) });
      }
  });

  it("has the bounds of the code that the session does not show", () => {
    expect(page).toContain(`(at most\n${MAX_POINTERS} are listed)`);
    expect(page).toContain(`Of more than ${MAX_EVENTS_PER_SECOND} lines in a second`);
    expect(page).toContain(`one of\nmore than ${MAX_INLINE_SYSTEM / 1024} KiB`);
    expect(page).toContain(`| a line of progress | ${MAX_PROGRESS_LINE / 1024} Ki characters |`);
  });
});
