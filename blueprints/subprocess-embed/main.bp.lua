-- subprocess-embed: programs as agents, by templates. What is said here with `sh` and `node` is said the same way
-- with the command line of any language model.
--
--   swarm-host run blueprints/subprocess-embed/main.bp.lua
--   swarm-host run blueprints/subprocess-embed/main.bp.lua --set text='"your own text"'
--
-- A template's {placeholders} are filled in per step; nothing that is filled in is ever read for placeholders again.
-- The programs print JSON, and pointers say where in it the result, the success and the usage are.

local B = require "bp_dsl"

local function agent(name, template, prompt)
  return B.agent {
    name = name,
    kind = "subprocess",
    profile = { system_prompt = prompt, model = "none", extras = { expected_output = { kind = "inline_markdown" } } },
    runner = { backend = "subprocess", template = template },
  }
end

return B.bp {
  schema_version = "0.1.0",
  id = "subprocess-embed",
  metadata = { description = "Runs two programs as agents, the second on the first's result." },
  default_init_ctx = { text = "the quick brown fox" },
  subprocesses = {
    {
      -- The prompt on stdin, the system prompt in a file, and the result as the whole of stdout.
      name = "shell",
      argv = {
        "sh", "-c", [[printf '"%s %s"' "$(cat "$1")" "$(tr a-z A-Z | tr -d '[:cntrl:]"\\')"]],
        "shell", "{system_file}",
      },
      stdin = "{prompt}",
      output = { format = "json" },
    },
    {
      -- The prompt as an argument, and an answer in the shape model command lines use.
      name = "script",
      argv = { "node", "--eval", { ["$file"] = "answer.cjs" }, "--", "{system}", "{prompt}", "{model}" },
      output = {
        format = "json",
        result_ptr = "/result/text",
        ok_from = "/ok",
        stats = { usage_ptr = "/usage", model_ptr = "/model" },
      },
    },
  },
  agents = {
    agent("shouter", "shell", "LOUD:"),
    agent("counter", "script", "You count words."),
  },
  flow = B.pipeline {
    B.stage "shout" { agent = "shouter", input = "$.text" },
    B.stage "count" { agent = "counter" },
    chain = true,
    done = "$.complete",
  },
}
