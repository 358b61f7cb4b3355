import { describe, expect, it } from "vitest";
import { FILTERS } from "../../src/blueprint/prompt-guard.ts";
import type { Json } from "../../src/flow/index.ts";
import { WorkerError } from "../../src/workers/index.ts";
import { promptTemplate } from "../../src/workers/prompt-template.ts";

const render = (source: string, input: Json): Promise<string> => promptTemplate("scout", source).render(input);

/** The message of the refusal, or a test failure that shows what was rendered. */
async function refusal(source: string, input: Json = {}): Promise<string> {
  try {
    throw new Error(`rendered: ${await render(source, input)}`);
  } catch (cause) {
    if (!(cause instanceof WorkerError)) throw cause;
    expect(cause).toMatchObject({ code: "prompt_template", retryable: false });
    return cause.message;
  }
}

describe("rendering", () => {
  it.each<[string, Json, string]>([
    ["plain {text} with } braces {", {}, "plain {text} with } braces {"],
    ["Hello {{ name }}", { name: "<A&B>" }, "Hello <A&B>"],
    ["{{ directive }}", "go", "go"],
    ["{{ directive[1] }}", ["a", "b"], "b"],
    ["{% if n > 3 and not off %}big{% elif n %}small{% else %}none{% endif %}", { n: 4, off: false }, "big"],
    [
      "{% for t in tags %}{{ loop.index }}:{{ t }}{% if not loop.last %},{% endif %}{% endfor %}",
      { tags: ["x", "y"] },
      "1:x,2:y",
    ],
    ["{% for k, v in m %}{{ k }}={{ v }};{% endfor %}", { m: { a: 1, b: 2 } }, "a=1;b=2;"],
    ["{% set who = name | upper %}{{ who }}", { name: "ann" }, "ANN"],
    ["{{ m.k }} {{ m['k'] }} {{ 1 + 2 * 3 }} {{ 'a' ~ 1 }}", { m: { k: "v" } }, "v v 7 a1"],
    ["{{ x | tojson }} {{ x | dump }}", { x: { a: [1, null] } }, '{"a":[1,null]} {"a":[1,null]}'],
    ["{% if x is defined %}{{ x }}{% endif %}{{ y | default('-') }}", {}, "-"],
    ["{{ 'yes' if a else 'no' }} {{ 2 in list }}", { a: 0, list: [1, 2] }, "no true"],
    ["{% for i in range(2, 8, 3) %}{{ i }} {% endfor %}", {}, "2 5 "],
    ["{% raw %}{{ x }}{% endraw %}{# gone #}", {}, "{{ x }}"],
    ["{% filter upper %}abc{% endfilter %}", {}, "ABC"],
  ])("%s", async (source, input, expected) => {
    expect(await render(source, input)).toBe(expected);
  });

  it("can be repeated, each time with its own input", async () => {
    const template = promptTemplate("scout", "{% set x = x + 1 %}{{ x }}");
    expect(await Promise.all([1, 2, 3].map((x) => template.render({ x })))).toEqual(["2", "3", "4"]);
  });
});

describe("what is undefined", () => {
  it("is an error that names it and what there is", async () => {
    const message = await refusal("Dear {{ nobody }}", { name: "x" });
    expect(message).toContain("system prompt of agent 'scout'");
    expect(message).toContain("not given: 'nobody'");
    expect(message).toContain("offers 'name'");
  });

  it("includes null, and members that are not there", async () => {
    expect(await refusal("{{ a }}", { a: null })).toContain("null or undefined");
    expect(await refusal("{{ a.b.c }}", { a: {} })).toContain("null or undefined");
  });
});

describe("a template in a Blueprint cannot", () => {
  it.each([
    ["reach a constructor", "{{ ''.constructor }}"],
    ["reach a constructor by subscript", "{{ x['constructor'] }}"],
    ["reach a constructor by a computed name", "{{ x['con' ~ 'structor'] }}"],
    ["reach a prototype", "{{ x.__proto__ }}"],
    ["read what objects inherit", "{{ constructor }}{{ toString }}"],
    ["call methods", "{{ x.at(0) }}"],
    ["call what it was given", "{{ x() }}"],
    ["call the result of a call", "{{ range(1)() }}"],
    ["put something in the place of the one function", "{% set range = x %}{{ range(1) }}"],
    ["shadow the function with a loop variable", "{% for range in x %}{{ range(1) }}{% endfor %}"],
    ["smuggle code in a name", '{% set a"b = 1 %}'],
    ["smuggle code in a loop variable", '{% for a"b in x %}{% endfor %}'],
    ["use filters that are not listed", "{{ x | groupby('a') }}"],
    ["use inherited names as filters", "{{ x | constructor }}"],
    ["use tests that are not listed", "{{ x is callable }}"],
    ["use regular expressions", "{{ x | replace(r/(a+)+$/, 'b') }}"],
    ["include", "{% include 'x' %}"],
    ["import", "{% import 'x' as y %}"],
    ["extend", "{% extends 'x' %}"],
    ["define blocks", "{% block x %}{% endblock %}"],
    ["define macros", "{% macro f() %}{% endmacro %}"],
    ["call blocks", "{% call f() %}{% endcall %}"],
    ["loop asynchronously", "{% asyncEach i in x %}{% endeach %}"],
    ["leave a tag open", "{{ x"],
    ["leave a condition open", "{% if x %}"],
  ])("%s", async (_what, source) => {
    expect(await refusal(source, { x: ["a"] })).toMatch(/does not render: ./);
  });

  it("hide a slot's key behind what objects inherit", async () => {
    expect(await refusal("{{ a }}", JSON.parse('{"__proto__":{"a":1}}') as Json)).toContain("not given: 'a'");
  });

  it.each([
    ["a long range", "{% for i in range(100000000) %}{% endfor %}", "at most 10000"],
    ["an endless range", "{% for i in range(0, 1, 0) %}{% endfor %}", "other than 0"],
    [
      "loops in loops",
      "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
      "too many turns",
    ],
    ["a long prompt", "{% for i in range(9999) %}{{ x }}{% endfor %}", "longer than"],
  ])("take for ever: %s", async (_what, source, expected) => {
    expect(await refusal(source, { x: "y".repeat(1000) })).toContain(expected);
  });

  it("be longer than a template may", async () => {
    expect(await refusal(`{{ x }}${" ".repeat(300_000)}`, { x: 1 })).toContain("longer than 262144");
  });

  it("spend in one rendering what the next one needs", async () => {
    const template = promptTemplate("scout", "{% for i in range(9000) %}{{ i }}{% endfor %}");
    for (let turn = 0; turn < 20; turn += 1) expect(await template.render({})).toMatch(/8999$/);
  });
});

it.each([...FILTERS])("the filter %s exists", async (filter) => {
  const result = await render(`{{ x | ${filter} }}`, { x: "a" }).catch((cause: unknown) => String(cause));
  expect(result).not.toContain("filter not found");
});
