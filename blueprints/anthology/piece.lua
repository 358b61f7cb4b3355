-- One piece of the anthology: a Blueprint like any other. `swarm-host bp build` writes it out within its parent.

local B = require "bp_dsl"
local F = require "flow_dsl"

return B.bp {
  schema_version = "0.1.0",
  id = "anthology-piece",
  metadata = { description = "Writes a few lines about a topic." },
  agents = {
    B.agent { name = "writer", kind = "lua", spec = { source = { ["$file"] = "write.lua" }, label = "write.lua" } },
    B.agent { name = "setter", kind = "lua", spec = { source = { ["$file"] = "set.lua" }, label = "set.lua" } },
  },
  flow = F.seq {
    F.step { agent = "writer", input = F.p "$.topic", out = F.p "$.lines" },
    F.step { agent = "setter", input = F.p "$.lines", out = F.p "$.text" },
  },
}
