import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CliError } from "../../src/cli/cli-error.ts";
import { applySet, readInput } from "../../src/cli/run/initial-ctx.ts";

const never = async (): Promise<string> => {
  throw new Error("no file was asked for");
};
const read = (input: Parameters<typeof readInput>[0]): Promise<unknown> => readInput(input, never);

async function refusal(promise: Promise<unknown>): Promise<CliError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CliError);
  return error as CliError;
}

describe("the input of a run", () => {
  it("is nothing where nothing was given", async () => {
    expect(await read({ set: [] })).toBeUndefined();
  });

  it("is the JSON object of --input", async () => {
    expect(await read({ input: '{"a": [1, null]}', set: [] })).toEqual({ a: [1, null] });
  });

  it("is read from the file of --input-file, a byte order mark ignored", async () => {
    const asked: string[] = [];
    const input = await readInput({ inputFile: "in.json", set: [] }, async (file) => {
      asked.push(file);
      return '\uFEFF{"a":1}';
    });
    expect(input).toEqual({ a: 1 });
    expect(asked).toEqual(["in.json"]);
  });

  it("has --set applied over it in order", async () => {
    expect(await read({ input: '{"a":{"b":1},"c":2}', set: ["a.b=2", "a.d=x", "a.b=3"] })).toEqual({
      a: { b: 3, d: "x" },
      c: 2,
    });
  });

  it("can be made of --set alone", async () => {
    expect(await read({ set: ["user.name=Ada"] })).toEqual({ user: { name: "Ada" } });
  });

  it.each([
    ["{", "line 1, column 2"],
    ['{"a":\n 1,}', "line 2, column 4"],
    ["", "Unexpected end"],
    ['{"a": nul}', "Unexpected token"],
  ])("names the place where %j stops being JSON", async (input, place) => {
    const error = await refusal(read({ input, set: [] }));
    expect(error).toMatchObject({ code: "bad_input", place: "--input", exit: 2 });
    expect(error.message).toContain(place);
  });

  it.each([
    ["null", "null"],
    ["[1]", "an array"],
    ['"x"', "a string"],
    ["7", "a number"],
  ])("refuses %s, which is no object", async (input, kind) => {
    expect((await refusal(read({ input, set: [] }))).message).toContain(kind);
  });

  it("refuses --set of the root to something that is no object", async () => {
    expect((await refusal(read({ set: ["$=7"] }))).message).toContain("a number");
    expect(await read({ input: '{"a":1}', set: ['$={"b":2}'] })).toEqual({ b: 2 });
  });

  it("refuses --input beside --input-file", async () => {
    expect((await refusal(read({ input: "{}", inputFile: "f", set: [] }))).code).toBe("usage");
  });

  it("keeps __proto__ and constructor as plain keys", async () => {
    const input = (await read({ input: '{"__proto__": {"polluted": 1}}', set: ["constructor.x=1"] })) as object;
    expect(Object.hasOwn(input, "__proto__")).toBe(true);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(input)).toBe(Object.prototype);
  });
});

describe("--set", () => {
  it.each([
    ["a=1", { a: 1 }],
    ["a=1.5", { a: 1.5 }],
    ["a=true", { a: true }],
    ["a=null", { a: null }],
    ['a="1"', { a: "1" }],
    ["a=one two", { a: "one two" }],
    ["a=", { a: "" }],
    ["a=b=c", { a: "b=c" }],
    ['a=[1,{"b":2}]', { a: [1, { b: 2 }] }],
    ["a=[1", { a: "[1" }],
    ["$.a.b=1", { a: { b: 1 } }],
    ["ctx.a=1", { a: 1 }],
    ["ctxt=1", { ctxt: 1 }],
    ['["a.b"].c=1', { "a.b": { c: 1 } }],
    ['a["x=y"]=1', { a: { "x=y": 1 } }],
    ["__proto__.x=1", JSON.parse('{"__proto__": {"x": 1}}')],
  ])("%s", (assignment, expected) => {
    expect(applySet({}, assignment)).toEqual(expected);
  });

  it.each(["a", "=1", "", "a..b=1", "a[0]=1", ".=1"])("refuses %j with its own text", (assignment) => {
    expect(() => applySet({}, assignment)).toThrow(CliError);
  });

  it("refuses to write below something that is no object", () => {
    expect(() => applySet({ a: 7 }, "a.b=1")).toThrow(/a/u);
  });

  it("writes any JSON value at any plain key", () => {
    const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/u);
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), fc.jsonValue(), (keys, value) => {
        const written = applySet({}, `$.${keys.join(".")}=${JSON.stringify(value)}`);
        const found = keys.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], written);
        expect(found).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
