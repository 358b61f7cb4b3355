-- anthology: a swarm of swarms. Every topic is written up by a run of its own, and the pieces are bound together.
--
--   swarm-host run blueprints/anthology/main.bp.lua
--   swarm-host run blueprints/anthology/main.bp.lua --set topics='["Tea", "Rain"]'
--   swarm-host runs list --parent <run>
--
-- The agent `author` has the Blueprint of piece.lua do its step: a child run, with its own journal, steps and end. Cancel
-- the anthology and its pieces are cancelled with it; kill the host and each goes on where it was.

local B = require "bp_dsl"
local F = require "flow_dsl"

return B.bp {
  schema_version = "0.1.0",
  id = "anthology",
  metadata = { description = "Has each piece written by a swarm of its own, and binds them." },
  default_init_ctx = { topics = { "Journals", "Leases", "Seats" } },
  agents = {
    B.agent {
      name = "author",
      kind = "swarm",
      -- The item is the child's $.topic; of all it leaves behind only $.text is wanted.
      spec = { blueprint = require "piece", input = "$.topic", output = "$.text" },
      -- A piece that fails is begun again, in a new child run.
      policy = { retry = { max_attempts = 2, backoff_ms = 100 }, timeout_ms = 60000 },
    },
    B.agent { name = "binder", kind = "lua", spec = { source = { ["$file"] = "bind.lua" }, label = "bind.lua" } },
  },
  flow = F.seq {
    F.fanout {
      items = F.p "$.topics",
      bind = F.p "$.topic",
      body = F.step { agent = "author", input = F.p "$.topic", out = F.p "$.piece" },
      join = "all",
      out = F.p "$.lanes",
    },
    F.step { agent = "binder", input = F.p "$.lanes", out = F.p "$.book" },
  },
}
