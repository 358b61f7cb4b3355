-- In: the classified commits, newest first. Out: Markdown.
local SECTIONS = {
  { "breaking", "Breaking changes" }, { "added", "Added" }, { "changed", "Changed" }, { "fixed", "Fixed" },
  { "removed", "Removed" }, { "documentation", "Documentation" }, { "internal", "Internal" },
}

-- Characters that Markdown would read as its own.
local function plain(text)
  return (text:gsub("[\\`*_%[%]<>#|]", "\\%0"))
end

local changes = _CTX
local of_section, authors, seen = {}, {}, {}
for _, change in ipairs(changes) do
  local entries = of_section[change.section] or {}
  of_section[change.section] = entries
  local scope = change.scope ~= json.null and ("**%s:** "):format(plain(change.scope)) or ""
  entries[#entries + 1] = ("- %s%s (%s)"):format(scope, plain(change.subject), change.hash:sub(1, 8))
  if not seen[change.author] then
    seen[change.author] = true
    authors[#authors + 1] = plain(change.author)
  end
end
table.sort(authors)

local newest, oldest = changes[1].date, changes[#changes].date
local lines = { "# Release notes", "" }
lines[#lines + 1] = ("%d %s, %s."):format(
  #changes,
  #changes == 1 and "change" or "changes",
  newest == oldest and newest or oldest .. " to " .. newest
)
for _, section in ipairs(SECTIONS) do
  local entries = of_section[section[1]]
  if entries then
    lines[#lines + 1] = "\n## " .. section[2] .. "\n"
    for _, entry in ipairs(entries) do
      lines[#lines + 1] = entry
    end
  end
end
lines[#lines + 1] = "\nBy " .. table.concat(authors, ", ") .. "."
return table.concat(lines, "\n") .. "\n"
