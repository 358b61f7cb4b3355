// Stands in for a model's command line: takes a system prompt, a prompt and a model, prints one JSON answer.
const [system, prompt, model] = process.argv.slice(1);
const words = prompt.split(/\s+/u).filter((word) => word !== "");
const answer = {
  ok: true,
  model,
  result: { text: `${words.length} words: ${prompt}` },
  usage: { input_tokens: system.split(/\s+/u).length + words.length, output_tokens: words.length + 2 },
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
