/** What is said of a prompt without rendering it. */
import { describe, expect, it } from "vitest";
import { inspectPrompt } from "../../src/blueprint/prompt-facts.ts";

describe("inspecting a prompt", () => {
  it.each<[string, readonly string[]]>([
    ["plain { braces } and {json: 1}", []],
    ["{{ a.b }} {% for i in xs %}{{ i }}{{ z }}{{ loop.index }}{% endfor %}", ["a", "xs", "z"]],
    ["{% set q = r %}{{ q }}", ["r"]],
    ["{% if a and not b or c in d %}{{ e if f else g }}{% endif %}", ["a", "b", "c", "d", "f", "e", "g"]],
    ["{{ m | tojson }}{% raw %}{{ nope }}{% endraw %}{# {{ d }} #}", ["m"]],
    ["{% for i in range(3) %}{{ i }}{% endfor %}", []],
  ])("lists its variables: %s", (prompt, variables) => {
    const facts = inspectPrompt(prompt);
    expect(facts.problem).toBeUndefined();
    expect([...facts.variables].sort()).toEqual([...variables].sort());
  });

  it.each([
    ["{{ a", "expected variable end"],
    ["{% if x %}", "endif"],
    ["\n\n{% bogus %}", "line 3: unknown block tag: bogus"],
    ["{{ x | nofilter }}", "nofilter"],
    ["{% include 'x' %}", "Include"],
    ["{{ a.constructor }}", "constructor"],
    ["{{ f() }}", "range"],
    ['{{ x"&Function`return\\x20process`&"b }}', "cannot be"],
  ])("says why it cannot be rendered: %s", (prompt, why) => {
    expect(inspectPrompt(prompt)).toEqual({ variables: [], problem: expect.stringContaining(why) });
  });
});
