/**
 * agent.md files: front matter and a prompt, read as an agent.
 *
 * Owns: which key goes where, and what becomes of a malformed one. Loaded only where there are agent.md files.
 *
 * A1. Every file that mlua-swarm 0.26 accepts is accepted, and means the same, but for the keys of A2 and the better ways
 *     to cut of front-matter.ts.
 * A2. `kind`, `spec`, `meta`, `runner`, `runner_ref`, `verdict` and `policy` are the agent's own. (mlua-swarm keeps them
 *     among the extras, where they do nothing.)
 * A3. Null is absent. A known key whose value is of a wrong shape is passed over with a warning that names its line; A2's keys then stay
 *     among the extras. Only `name` and `lints` refuse a file.
 * A4. The body is the prompt, byte for byte, and `version_hash` its BLAKE3.
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { isJsonObject, type Json, type JsonObject } from "../flow/index.ts";
import type { Diagnostic, SourcePosition } from "./diagnostic.ts";
import { cutFrontMatter, type FrontMatter } from "./front-matter.ts";
import { pointerTo } from "./json-pointer.ts";
import { diagnose } from "./lint-registry.ts";
import { AGENT_KINDS, LINT_SETTINGS } from "./schema/words.ts";
import { lineCounter, type SourceMap } from "./source-map.ts";
import { readYaml, type YamlText } from "./yaml-text.ts";

/** An agent.md, read. */
export interface AgentMd {
  /** An AgentDef as JSON, without `kind` where the file says none. Absent where a diagnostic is an error. */
  readonly agent?: JsonObject;
  /** Places in the file; pointers are into `agent`. */
  readonly sourceMap: SourceMap;
  readonly diagnostics: readonly Diagnostic[];
  /** Whether the file has front matter at all. */
  readonly hasFrontMatter: boolean;
}

/** Reads the text of an agent.md. `file` is how positions name it. Never throws for bad text. */
export function readAgentMd(text: string, file: string): AgentMd {
  const cuts = cutFrontMatter(text);
  const readings = cuts.map((cut) => ({ cut, yaml: readYaml(cut.yaml) }));
  const chosen = readings.find(({ yaml }) => yaml.problems.length === 0 && isJsonObject(yaml.value)) ?? readings[0];
  if (chosen === undefined) {
    const message = `${file} has no front matter: it must begin with a line \`---\`, and a later line \`---\` must end the block`;
    const position = { file, line: 1 };
    const diagnostics = [diagnose("agent-md-invalid", { stage: "link", message, position })];
    return { sourceMap: { position: () => position }, hasFrontMatter: false, diagnostics };
  }
  return new Reading(file, chosen.cut, chosen.yaml).agentMd();
}

/** Lower-case hex BLAKE3 of a prompt: what `profile.version_hash` holds. */
export function promptHash(body: string): string {
  return bytesToHex(blake3(new TextEncoder().encode(body)));
}

/** Keys of the profile that hold a text. */
const profileTexts = ["description", "model", "effort", "worker_binding"] as const;

/** What an agent's own key must look like to be taken for one (A2, A3). */
const agentKeys: Readonly<Record<string, { readonly fits: (value: Json) => boolean; readonly wanted: string }>> = {
  kind: { fits: (value) => AGENT_KINDS.some((kind) => kind === value), wanted: `one of ${AGENT_KINDS.join(", ")}` },
  spec: { fits: () => true, wanted: "anything" },
  meta: { fits: isJsonObject, wanted: "a mapping" },
  runner: {
    fits: (value) => isJsonObject(value) && Object.hasOwn(value, "backend"),
    wanted: "a mapping with `backend`",
  },
  runner_ref: { fits: (value) => typeof value === "string", wanted: "a text" },
  verdict: {
    fits: (value) => isJsonObject(value) && Object.hasOwn(value, "channel"),
    wanted: "a mapping with `channel`",
  },
  policy: { fits: isJsonObject, wanted: "a mapping" },
};

class Reading {
  readonly #file: string;
  readonly #cut: FrontMatter;
  readonly #yaml: YamlText;
  readonly #diagnostics: Diagnostic[] = [];
  readonly #position: (offset: number) => SourcePosition;

  constructor(file: string, cut: FrontMatter, yaml: YamlText) {
    this.#file = file;
    this.#cut = cut;
    this.#yaml = yaml;
    const count = lineCounter(cut.yaml);
    this.#position = (offset) => {
      const { line, column } = count(offset);
      return { file, line: line + 1, column };
    };
  }

  agentMd(): AgentMd {
    if (this.#cut.loose) this.#warnLooseClosing();
    for (const { kind, message, offset } of this.#yaml.problems) {
      const position = this.#position(offset);
      this.#diagnostics.push(
        diagnose(kind, { stage: "link", message: `the front matter of ${this.#file}: ${message}`, position }),
      );
    }
    const agent =
      this.#yaml.problems.length > 0 ? undefined : this.#agent(isJsonObject(this.#yaml.value) ? this.#yaml.value : {});
    const rest = { sourceMap: this.#sourceMap(), diagnostics: this.#diagnostics, hasFrontMatter: true };
    return agent === undefined ? rest : { agent, ...rest };
  }

  #agent(front: JsonObject): JsonObject | undefined {
    const agent = new Map<string, Json>();
    const profile = new Map<string, Json>([["system_prompt", this.#cut.body]]);
    const extras = new Map<string, Json>();
    for (const [key, value] of Object.entries(front)) {
      if (key === "name" || key === "lints" || key === "tools") continue;
      const known = Object.hasOwn(agentKeys, key) || profileTexts.some((text) => text === key);
      if (known && value === null) continue;
      if (profileTexts.some((known) => known === key)) this.#profileText(profile, key, value);
      else if (!Object.hasOwn(agentKeys, key)) extras.set(key, value);
      else if (this.#fits(key, value)) agent.set(key, value);
      else extras.set(key, value);
    }
    const tools = this.#tools(own(front, "tools"));
    if (tools.length > 0) profile.set("tools", tools);
    if (extras.size > 0) profile.set("extras", Object.fromEntries(extras));
    profile.set("version_hash", promptHash(this.#cut.body));
    const name = this.#name(own(front, "name"));
    const lints = this.#lints(own(front, "lints"));
    if (name === undefined || lints === undefined) return undefined;
    return {
      name,
      ...Object.fromEntries(agent),
      profile: Object.fromEntries(profile),
      ...(Object.keys(lints).length === 0 ? {} : { lints }),
    };
  }

  #profileText(profile: Map<string, Json>, key: string, value: Json): void {
    if (typeof value === "string") profile.set(key, key === "description" ? value.trim() : value);
    else this.#passedOver(key, "it must be a text");
  }

  #fits(key: string, value: Json): boolean {
    const rule = agentKeys[key];
    if (rule === undefined || rule.fits(value)) return true;
    this.#passedOver(key, `it must be ${rule.wanted}`);
    return false;
  }

  #tools(value: Json | undefined): readonly string[] {
    if (value === undefined || value === null) return [];
    const entries = typeof value === "string" ? value.split(",") : value;
    if (!Array.isArray(entries)) {
      this.#passedOver("tools", "it must be a list, or one text with commas");
      return [];
    }
    const texts = (entries as readonly Json[]).filter((entry) => typeof entry === "string");
    if (texts.length < entries.length) this.#passedOver("tools", "every entry must be a text", "an entry of ");
    return texts.map((tool) => tool.trim()).filter((tool) => tool !== "");
  }

  #name(value: Json | undefined): string | undefined {
    if (typeof value === "string") return value;
    const message = `${this.#file} has no name: its front matter must say \`name: <text>\``;
    this.#diagnostics.push(
      diagnose("agent-md-invalid", { stage: "link", message, position: this.#keyPosition("name") }),
    );
    return undefined;
  }

  #lints(value: Json | undefined): JsonObject | undefined {
    if (value === undefined) return {};
    const before = this.#diagnostics.length;
    if (!isJsonObject(value)) {
      this.#refuseLints(
        "/lints",
        `\`lints\` of ${this.#file} must be a mapping of lint kinds to ${LINT_SETTINGS.join(", ")}`,
      );
      return undefined;
    }
    for (const [key, level] of Object.entries(value)) {
      if (LINT_SETTINGS.some((setting) => setting === level)) continue;
      const what = JSON.stringify(level);
      this.#refuseLints(
        pointerTo("/lints", key),
        `\`lints\` of ${this.#file}: ${key} is ${what}, not one of ${LINT_SETTINGS.join(", ")}`,
      );
    }
    return this.#diagnostics.length > before ? undefined : value;
  }

  #refuseLints(pointer: string, message: string): void {
    const position = this.#position(this.#yaml.offset(pointer));
    this.#diagnostics.push(diagnose("agent-md-invalid", { stage: "link", message, position }));
  }

  #passedOver(key: string, wanted: string, part = ""): void {
    const message = `${part}\`${key}\` in ${this.#file} is passed over: ${wanted}`;
    this.#diagnostics.push(
      diagnose("agent-md-ignored-key", { stage: "link", message, position: this.#keyPosition(key) }),
    );
  }

  #warnLooseClosing(): void {
    const message = `the front matter of ${this.#file} ends at a line that only starts with \`---\``;
    const help = "end it with a line that is exactly `---`";
    this.#diagnostics.push(
      diagnose("agent-md-closing-line", {
        stage: "link",
        message,
        help,
        position: { file: this.#file, line: this.#cut.bodyLine },
      }),
    );
  }

  #keyPosition(key: string): SourcePosition {
    return this.#position(this.#yaml.offset(`/${key}`));
  }

  /** Profile keys come from the front matter's top level, the prompt from the body. */
  #sourceMap(): SourceMap {
    return {
      position: (pointer) => {
        if (pointer.startsWith("/profile/system_prompt")) return { file: this.#file, line: this.#cut.bodyLine };
        const extras = pointer.replace(/^\/profile\/extras(?=\/|$)/, "");
        return this.#position(this.#yaml.offset(extras.replace(/^\/profile(?=\/|$)/, "")));
      },
    };
  }
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
