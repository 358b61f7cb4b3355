-- review-gate: a draft goes round between a reviewer and a fixer until the reviewer passes it, at most three times.
--
--   swarm-host run blueprints/review-gate/main.bp.lua
--   swarm-host run blueprints/review-gate/main.bp.lua --set topic='"Tea"' --set rounds_allowed=1
--
-- The reviewer's whole answer is its verdict, so the flow reads it at $.verdict. A run whose draft never passes ends
-- with $.halted_at = "review".

local B = require "bp_dsl"
local F = require "flow_dsl"

local function lua(name, file)
  return B.agent { name = name, kind = "lua", spec = { source = { ["$file"] = file }, label = file } }
end

local reviewer = lua("reviewer", "review.lua")
reviewer.verdict = { channel = "body", values = { "PASS", "BLOCKED" } }

local review = F.step { agent = "reviewer", input = F.p "$.draft.text", out = F.p "$.verdict" }
local blocked = F.p("$.verdict"):eq "BLOCKED"

return B.bp {
  schema_version = "0.1.0",
  id = "review-gate",
  metadata = { description = "Drafts a note and has it reviewed and mended until it passes." },
  default_init_ctx = { topic = "Durable runs", rounds_allowed = 3 },
  agents = {
    lua("writer", "write.lua"),
    reviewer,
    lua("fixer", "fix.lua"),
    lua("publisher", "publish.lua"),
  },
  flow = F.seq {
    F.step { agent = "writer", input = F.p "$.topic", out = F.p "$.draft" },
    review,
    F.loop_ {
      counter = F.p "$.rounds",
      cond = F.all { F.p("$.rounds"):lt(F.p "$.rounds_allowed"), blocked },
      max = 3,
      body = F.seq {
        F.step { agent = "fixer", input = F.p "$.draft.text", out = F.p "$.draft.text" },
        review,
      },
    },
    F.branch {
      cond = F.p("$.verdict"):eq "PASS",
      on_true = F.step { agent = "publisher", input = F.p "$.draft.text", out = F.p "$.published" },
      on_false = F.assign { at = F.p "$.halted_at", value = "review" },
    },
  },
}
