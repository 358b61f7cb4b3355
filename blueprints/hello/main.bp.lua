-- hello: the smallest Blueprint. One step, worked by sandboxed Lua inside the host.
--
--   swarm-host run blueprints/hello/main.bp.lua
--   swarm-host run blueprints/hello/main.bp.lua --set name='"Ada"'

local B = require "bp_dsl"
local F = require "flow_dsl"

return B.bp {
  schema_version = "0.1.0",
  id = "hello",
  metadata = { description = "Greets somebody." },
  default_init_ctx = { name = "world" },
  agents = {
    B.agent {
      name = "greeter",
      kind = "lua",
      -- What the chunk returns is written to the step's `out`.
      spec = { source = [[return "Hello, " .. _PROMPT .. "!"]] },
    },
  },
  flow = F.step { agent = "greeter", input = F.p "$.name", out = F.p "$.greeting" },
}
