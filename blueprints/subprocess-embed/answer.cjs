// Stands in for a model's command line: takes a system prompt, a prompt and a model, prints one JSON answer.
// This text is part of a template, where a word in braces is a placeholder: hence no string templates here.
const [system, prompt, model] = process.argv.slice(1);
const count = (text) => text.split(/\s+/u).filter((word) => word !== "").length;
const text = [count(prompt), "words:", prompt].join(" ");
const usage = { input_tokens: count(system) + count(prompt), output_tokens: count(text) };
process.stdout.write(JSON.stringify({ ok: true, model, result: { text }, usage }));
