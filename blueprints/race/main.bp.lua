-- race: two ways to let lanes compete. Who is not needed any more is stopped, its child process and all.
--
--   swarm-host run blueprints/race/main.bp.lua
--
-- `race` takes the first lane that ends, whatever its end; `any` takes the first that succeeds. The slow lanes would
-- need a minute, so a run that ends at once has really stopped them.

local B = require "bp_dsl"
local F = require "flow_dsl"

-- A lane's ctx is its item alone, and what the winner leaves there is the result.
local function compete(join, items, out)
  return F.fanout {
    items = items,
    bind = F.p "$",
    body = F.step { agent = "runner", input = F.p "$", out = F.p "$" },
    join = join,
    out = F.p(out),
  }
end

return B.bp {
  schema_version = "0.1.0",
  id = "race",
  metadata = { description = "Lets child processes of different speed compete." },
  agents = {
    B.agent {
      -- Reads "<name> <seconds> <exit code>" on stdin.
      name = "runner",
      kind = "subprocess",
      spec = {
        program = "sh",
        args = { "-c", [[read -r name seconds code; sleep "$seconds"; printf '"%s"\n' "$name"; exit "$code"]] },
      },
    },
  },
  flow = F.seq {
    compete("race", { "tortoise 60 0", "hare 0.1 0" }, "$.first"),
    compete("any", { "broken-mirror 0 1", "far-mirror 60 0", "near-mirror 0.1 0" }, "$.mirror"),
  },
}
