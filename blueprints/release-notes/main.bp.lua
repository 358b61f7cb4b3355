-- release-notes: reads a repository's real history and writes its release notes as Markdown.
--
--   swarm-host run blueprints/release-notes/main.bp.lua
--   swarm-host run blueprints/release-notes/main.bp.lua --set range='"v1.0.0..HEAD"'
--
-- Run it inside a git repository; a shallow clone or one with a single commit will do. A child process asks git, a
-- fan-out classifies every commit in its own Lua sandbox, a gate decides, and the last step writes $.notes.
-- When the gate does not say PASS, $.halted_at holds its word and there are no notes.

local B = require "bp_dsl"
local F = require "flow_dsl"

local function lua(name, file)
  return B.agent { name = name, kind = "lua", spec = { source = { ["$file"] = file }, label = file } }
end

local gate = lua("gate", "gate.lua")
gate.verdict = { channel = "body", values = { "PASS", "EMPTY", "MALFORMED" } }
-- Whatever is not PASS stops the run the same way.
gate.lints = { ["verdict-value-unhandled"] = "allow" }

return B.bp {
  schema_version = "0.1.0",
  id = "release-notes",
  metadata = { description = "Writes release notes from a repository's history." },
  default_init_ctx = { range = "HEAD" },
  agents = {
    B.agent {
      -- The step's input, a range of commits, becomes the last argument. Fields end in U+001F, commits in U+001E:
      -- neither occurs in a subject, so whatever people write there is told apart.
      name = "git-log",
      kind = "subprocess",
      spec = {
        program = "git",
        args = {
          "log", "--no-show-signature", "--no-merges", "--max-count=200", "--format=%H%x1f%an%x1f%as%x1f%s%x1e",
          "--end-of-options",
        },
        use_stdin = false,
      },
    },
    lua("parser", "parse.lua"),
    lua("classifier", "classify.lua"),
    gate,
    lua("writer", "render.lua"),
  },
  flow = F.seq {
    F.step { agent = "git-log", input = F.p "$.range", out = F.p "$.log" },
    F.step { agent = "parser", input = F.p "$.log", out = F.p "$.commits" },
    F.fanout {
      items = F.p "$.commits",
      -- Bound at the root, an item is all its lane sees, and what the lane leaves there is all it gives back.
      bind = F.p "$",
      body = F.step { agent = "classifier", input = F.p "$", out = F.p "$" },
      join = "all",
      out = F.p "$.changes",
    },
    F.step { agent = "gate", input = F.p "$.changes", out = F.p "$.verdict" },
    F.branch {
      cond = F.p("$.verdict"):eq "PASS",
      on_true = F.step { agent = "writer", input = F.p "$.changes", out = F.p "$.notes" },
      on_false = F.assign { at = F.p "$.halted_at", value = F.p "$.verdict" },
    },
    -- Only needed on the way.
    F.assign { at = F.p "$.log", value = json.null },
    F.assign { at = F.p "$.commits", value = json.null },
  },
}
