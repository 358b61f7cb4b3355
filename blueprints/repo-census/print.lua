-- In: the census. Out: Markdown.
local function table_of(title, rows)
  local lines = { ("| %s | files |"):format(title), "|---|---:|" }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = ("| %s | %d |"):format(row.name:gsub("[\\|`*_]", "\\%0"), row.files)
  end
  return table.concat(lines, "\n")
end

return ("%d files\n\n%s\n\n%s\n"):format(
  _CTX.total,
  table_of("directory", _CTX.directories),
  table_of("extension", _CTX.extensions)
)
