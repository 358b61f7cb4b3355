-- In: one `{ directory, files }`. Out: `{ directory, files = <number>, extensions = { <extension> = <number> } }`.
local extensions = {}
for _, file in ipairs(_CTX.files) do
  local name = file:match("[^/]+$")
  -- A leading dot makes a hidden file, not an extension.
  local extension = name:match("^.+%.([^.]+)$") or "(none)"
  extensions[extension] = (extensions[extension] or 0) + 1
end
return { directory = _CTX.directory, files = #_CTX.files, extensions = json.object(extensions) }
