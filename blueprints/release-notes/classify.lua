-- In: one commit. Out: the same commit with its section of the release notes and a subject fit to print there.
local SECTION_OF_TYPE = {
  feat = "added", fix = "fixed", perf = "changed", refactor = "changed", revert = "changed", docs = "documentation",
  test = "internal", ci = "internal", build = "internal", chore = "internal", style = "internal",
}
local SECTION_OF_VERB = {
  add = "added", support = "added", introduce = "added", implement = "added", declare = "added", create = "added",
  fix = "fixed", repair = "fixed", correct = "fixed", prevent = "fixed", avoid = "fixed",
  document = "documentation", describe = "documentation", explain = "documentation",
  remove = "removed", drop = "removed", delete = "removed",
  test = "internal", specify = "internal", check = "internal", bump = "internal",
  release = "internal", format = "internal", merge = "internal",
}

local commit = _CTX
local subject = commit.subject:match("^%s*(.-)%s*$")

-- `type(scope)!: subject`, the convention many projects follow; `!` says that users must act.
local kind, scope, breaking, rest = subject:match("^(%a+)(%b())(!?):%s*(.+)$")
if not kind then
  kind, breaking, rest = subject:match("^(%a+)(!?):%s*(.+)$")
end
local section = kind and SECTION_OF_TYPE[kind:lower()]
if section then
  subject = rest
else
  scope, breaking = nil, ""
  section = SECTION_OF_VERB[(subject:match("^%a+") or ""):lower()] or "changed"
end

return {
  hash = commit.hash,
  author = commit.author,
  date = commit.date,
  subject = subject,
  section = breaking == "!" and "breaking" or section,
  scope = scope and scope:sub(2, -2) or json.null,
}
