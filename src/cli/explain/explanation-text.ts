/** Explanations of agents as text. */
import { formatDuration, oneLine, type Style } from "../style.ts";
import type { ExplainedAgent } from "./explain-command.ts";

/** One line an agent. */
export function overviewText(agents: readonly ExplainedAgent[], style: Style): string {
  const rows = agents.map((explained) => {
    const { agent, steps, pure } = explained;
    const use =
      steps.length === 0
        ? "not used by the flow"
        : `step${steps.length === 1 ? "" : "s"} ${steps.slice(0, 8).join(", ")}`;
    return [agent.name, agent.kind, runnerText(explained), pure ? "pure" : "has effects", use];
  });
  if (rows.length === 0) return "no agents\n";
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const lines = rows.map((row) => {
    const [name, ...rest] = row.map((cell, column) => oneLine(cell).padEnd(widths[column] ?? 0));
    return `${style.strong(name as string)}  ${rest.join("  ")}`.trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

/** Everything about one agent. */
export function agentText(explained: ExplainedAgent, style: Style): string {
  const {
    agent,
    plan,
    runner,
    tools,
    system_prompt: prompt,
    context,
    output,
    layers,
    verdict,
    policy,
    pure,
    steps,
  } = explained;
  const lines = [`${style.strong(oneLine(agent.name))} ${style.faint(`(${agent.kind})`)}`];
  const add = (label: string, value: string): void => {
    lines.push(`  ${style.faint(label.padEnd(10))} ${oneLine(value)}`);
  };
  add("used by", steps.length === 0 ? "no step" : `steps ${steps.join(", ")}`);
  add("plan", JSON.stringify(shortened(plan)));
  add("runner", runnerText(explained));
  if (runner.warning !== null) lines.push(`  ${style.warn(oneLine(runner.warning))}`);
  add("binding", runner.binding_digest);
  add("effects", pure ? "none: the flow need not wait for the disk" : "yes: journaled before they happen");
  add("policy", policyText(policy));
  if (tools.effective.length > 0 || tools.declared.length > 0) {
    const lost = tools.declared.filter((tool) => !tools.effective.includes(tool));
    add(
      "tools",
      `${tools.effective.join(", ") || "none"}${lost.length === 0 ? "" : ` (declared and not granted: ${lost.join(", ")})`}`,
    );
  }
  if (prompt !== null) {
    const variables =
      prompt.template_variables.length === 0 ? "" : `, variables ${prompt.template_variables.join(", ")}`;
    add("prompt", `${prompt.bytes} bytes, ${prompt.lines} lines${prompt.rendered ? ", rendered" : ""}${variables}`);
    if (prompt.template_error !== null) lines.push(`  ${style.warn(oneLine(prompt.template_error))}`);
  }
  for (const [key, { value, tier }] of Object.entries(context))
    add("context", `${key} = ${JSON.stringify(value)} (${tier})`);
  add("layers", `${layers.join(" > ")} > worker`);
  if (verdict !== null) add("verdict", JSON.stringify(verdict));
  add("output", output.name === null ? "no step writes it" : `${output.name} -> ${output.file ?? "no file"}`);
  for (const { name, owner } of output.lost_names) add("", `the name ${name} is ${owner}'s`);
  return `${lines.join("\n")}\n`;
}

function runnerText({ runner }: ExplainedAgent): string {
  return runner.resolved === null ? "no runner" : `${runner.resolved.backend} (${runner.source})`;
}

function policyText(policy: ExplainedAgent["policy"]): string {
  const { timeoutMs, heartbeatMs, retry, concurrency, idempotent } = policy;
  const parts = [
    timeoutMs === undefined ? "no timeout" : `timeout ${formatDuration(timeoutMs)}`,
    retry.maxAttempts === 1
      ? "one attempt"
      : `${retry.maxAttempts} attempts, pause from ${formatDuration(retry.backoffMs)}`,
  ];
  if (heartbeatMs !== undefined) parts.push(`heartbeat ${formatDuration(heartbeatMs)}`);
  if (concurrency !== undefined) parts.push(`at most ${concurrency} at once`);
  if (idempotent) parts.push("idempotent");
  return parts.join(", ");
}

/** Sources and prompts are told by their size. */
function shortened(plan: ExplainedAgent["plan"]): object {
  return Object.fromEntries(
    Object.entries(plan).map(([key, value]) => [
      key,
      (key === "source" || key === "systemPrompt") && typeof value === "string" ? `${value.length} characters` : value,
    ]),
  );
}
