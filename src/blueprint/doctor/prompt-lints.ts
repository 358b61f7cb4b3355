/**
 * Prompts, tools and output contracts of agents.
 */
import { isJsonObject, ownValue } from "../../flow/index.ts";
import { type AgentSite, agentElement, agentPointer, type Compilation, listed } from "../compile/compilation.ts";

/** From this size on a prompt is reported. */
const WARN_BYTES = 25 * 1024;
const WARN_LINES = 200;

/** Names under which models know the host's own MCP server. */
const OWN_SERVERS = ["mcp__mse__", "mcp__swarm-host__"] as const;

const OUTPUT_KINDS = ["literal_enum", "inline_markdown", "file_sentinel"];

/** Lints every agent that has a profile. */
export function lintPrompts(compilation: Compilation): void {
  for (const [index, agent] of compilation.blueprint.agents.entries()) {
    if (agent.profile === undefined) continue;
    lintSize(compilation, { agent, index }, agent.profile.system_prompt);
    lintTools(compilation, { agent, index }, agent.profile.tools);
    if (agent.profile.system_prompt !== "") lintOutputContract(compilation, { agent, index });
  }
}

function lintSize({ report }: Compilation, site: AgentSite, prompt: string): void {
  const bytes = Buffer.byteLength(prompt);
  const lines = prompt === "" ? 0 : prompt.split("\n").length;
  if (bytes < WARN_BYTES && lines < WARN_LINES) return;
  report("agent-md-size", {
    message: `the system prompt of '${site.agent.name}' has ${bytes} bytes and ${lines} lines`,
    pointer: agentPointer(site, "profile", "system_prompt"),
    element: agentElement(site.agent.name),
    notes: [`it is reported from ${WARN_BYTES} bytes or ${WARN_LINES} lines on`],
    help: "shorten it, or let the agent read details from files",
  });
}

function lintTools({ environment, report }: Compilation, site: AgentSite, tools: readonly string[]): void {
  const live = environment.mcpTools;
  if (live === undefined) return;
  for (const [position, tool] of tools.entries()) {
    const server = OWN_SERVERS.find((prefix) => tool.startsWith(prefix));
    if (server === undefined || live.has(tool.slice(server.length))) continue;
    report("tool-unknown-mcp-ref", {
      message: `agent '${site.agent.name}' names the tool '${tool}', which the host's MCP server does not offer`,
      pointer: agentPointer(site, "profile", "tools", position),
      element: agentElement(site.agent.name),
      notes: [`tools: ${listed(live)}`],
      help: "correct the name, or drop the tool",
    });
  }
}

function lintOutputContract({ report }: Compilation, site: AgentSite): void {
  const extras = site.agent.profile?.extras;
  const declared = isJsonObject(extras) ? ownValue(extras, "expected_output") : undefined;
  const problem = outputContractProblem(declared);
  if (problem === undefined) return;
  report("output-contract-missing", {
    message: `agent '${site.agent.name}' does not say what it is expected to answer: extras.expected_output ${problem}`,
    pointer: agentPointer(site, "profile"),
    element: agentElement(site.agent.name),
    help: `add expected_output: { kind: ${OUTPUT_KINDS.join(" | ")} } to the agent's front matter`,
  });
}

function outputContractProblem(declared: unknown): string | undefined {
  if (declared === undefined) return "is absent";
  if (!isJsonObject(declared)) return "is no object";
  const kind = ownValue(declared, "kind");
  if (typeof kind !== "string") return "has no kind";
  return OUTPUT_KINDS.includes(kind) ? undefined : `has the unknown kind '${kind}'`;
}
