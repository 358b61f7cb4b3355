/** Placeholders: what is one, what is text, and that what is put in stays as it is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlueprintError } from "../../src/blueprint/errors.ts";
import {
  PLACEHOLDERS,
  type Placeholder,
  renderTemplate,
  scanTemplate,
} from "../../src/blueprint/subprocess-template.ts";

const values: Readonly<Record<Placeholder, string>> = {
  system: "S",
  system_file: "F",
  prompt: "P",
  model: "M",
  tools_csv: "T",
  work_dir: "W",
  task_id: "I",
  attempt: "1",
};

describe("scanning a template", () => {
  it("finds placeholders and unknown words, each once, in order", () => {
    expect(scanTemplate("{prompt} {modle} {work_dir}{prompt} {x_y} {modle}")).toEqual({
      used: ["prompt", "work_dir"],
      unknown: ["modle", "x_y"],
    });
  });

  it.each(["{}", "{ prompt }", "{Prompt}", "{a1}", "{a-b}", "{", "}", "$HOME {~}", "{prompt", 'awk {print"x"}'])(
    "takes %j as text",
    (text) => {
      expect(scanTemplate(text)).toEqual({ used: [], unknown: [] });
      expect(renderTemplate(text, {})).toBe(text);
    },
  );

  it("goes on right after a brace that begins nothing", () => {
    expect(scanTemplate('{"task":"{prompt}"} {{model}} {a{attempt}')).toEqual({
      used: ["prompt", "model", "attempt"],
      unknown: [],
    });
  });
});

describe("rendering a template", () => {
  it("fills in all eight placeholders", () => {
    expect(renderTemplate(PLACEHOLDERS.map((name) => `{${name}}`).join(" "), values)).toBe("S F P M T W I 1");
    expect(renderTemplate('{"task":"{prompt}"}', values)).toBe('{"task":"P"}');
  });

  it("leaves system and tools empty where there are none", () => {
    expect(renderTemplate("[{system}|{tools_csv}]", {})).toBe("[|]");
  });

  it.each(["system_file", "prompt", "model", "work_dir", "task_id", "attempt"] as const)(
    "names {%s} and its cure where it has no value",
    (name) => {
      const thrown = catching(() => renderTemplate(`x {${name}}`, {}));
      expect(thrown).toBeInstanceOf(BlueprintError);
      expect(thrown).toMatchObject({ code: "template_value_missing", message: expect.stringContaining(`{${name}}`) });
      expect(String(thrown)).toMatch(/: \w+ .{10,}/);
    },
  );

  it("takes what is put in as it is: placeholders, dollar signs and all", () => {
    expect(renderTemplate("{prompt}", { prompt: "{model} $& $1 $$ {prompt}" })).toBe("{model} $& $1 $$ {prompt}");
  });

  it("is one pass, left to right, over pieces in any arrangement", () => {
    const piece = fc.oneof(
      fc.constantFrom(...PLACEHOLDERS).map((name) => ({ text: `{${name}}`, becomes: values[name] })),
      fc.constantFrom("{", "}", "{}", "{Up}", '{"', "{unknown}", "$", "a").map((text) => ({ text, becomes: text })),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        // A brace before a piece cannot join with it: no placeholder has a brace inside.
        const template = pieces.map(({ text }) => text).join(" ");
        expect(renderTemplate(template, values)).toBe(pieces.map(({ becomes }) => becomes).join(" "));
      }),
    );
  });

  it("agrees with the scan: it throws exactly where a used placeholder has no value", () => {
    const words = fc.constantFrom("{", "}", "{prompt}", "{model}", "{nope}", "{system}", "x");
    fc.assert(
      fc.property(fc.array(words), fc.subarray(["prompt", "model"] as const), (parts, given) => {
        const template = parts.join("");
        const missing = scanTemplate(template).used.some(
          (name) => name !== "system" && !given.includes(name as "prompt"),
        );
        const some = Object.fromEntries(given.map((name) => [name, "v"]));
        expect(catching(() => renderTemplate(template, some)) !== undefined).toBe(missing);
      }),
    );
  });
});

function catching(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
