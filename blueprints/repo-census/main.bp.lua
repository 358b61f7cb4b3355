-- repo-census: counts the tracked files of a repository, a directory a lane, and sums up.
--
--   swarm-host run blueprints/repo-census/main.bp.lua
--
-- Run it inside a git repository. $.census holds the totals, $.table the same as Markdown.

local B = require "bp_dsl"
local F = require "flow_dsl"

local function lua(name, file)
  return B.agent { name = name, kind = "lua", spec = { source = { ["$file"] = file }, label = file } }
end

return B.bp {
  schema_version = "0.1.0",
  id = "repo-census",
  metadata = { description = "Counts a repository's files by directory and extension." },
  agents = {
    B.agent {
      -- -z: names as they are, parted by NUL, whatever characters they hold.
      name = "git-files",
      kind = "subprocess",
      spec = { program = "git", args = { "ls-files", "-z" } },
    },
    lua("grouper", "group.lua"),
    lua("counter", "count.lua"),
    lua("summer", "sum.lua"),
    lua("printer", "print.lua"),
  },
  flow = F.seq {
    F.step { agent = "git-files", input = F.lit "", out = F.p "$.files" },
    F.step { agent = "grouper", input = F.p "$.files", out = F.p "$.directories" },
    F.fanout {
      items = F.p "$.directories",
      -- Bound at the root, an item is all its lane sees, and what the lane leaves there is all it gives back.
      bind = F.p "$",
      body = F.step { agent = "counter", input = F.p "$", out = F.p "$" },
      join = "all",
      out = F.p "$.counts",
    },
    F.step { agent = "summer", input = F.p "$.counts", out = F.p "$.census" },
    F.step { agent = "printer", input = F.p "$.census", out = F.p "$.table" },
    -- Only needed on the way.
    F.assign { at = F.p "$.files", value = json.null },
    F.assign { at = F.p "$.directories", value = json.null },
  },
}
