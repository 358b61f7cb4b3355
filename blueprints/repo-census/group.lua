-- In: what git printed, `{ raw, stderr }`. Out: a list of `{ directory, files }` by top-level directory, sorted.
local files_of, directories = {}, {}
for file in _CTX.raw:gmatch("[^\0]+") do
  local directory = file:match("^([^/]+)/") or "."
  if not files_of[directory] then
    files_of[directory] = {}
    directories[#directories + 1] = directory
  end
  table.insert(files_of[directory], file)
end
table.sort(directories)
local out = {}
for i, directory in ipairs(directories) do
  out[i] = { directory = directory, files = files_of[directory] }
end
return json.array(out)
