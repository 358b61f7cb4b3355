-- In: the lanes' counts. Out: `{ total, directories, extensions }`, both lists of `{ name, files }`, largest first.
local function ranked(count_of)
  local rows = {}
  for name, files in pairs(count_of) do
    rows[#rows + 1] = { name = name, files = files }
  end
  table.sort(rows, function(a, b)
    if a.files ~= b.files then
      return a.files > b.files
    end
    return a.name < b.name
  end)
  return json.array(rows)
end

local total, directories, extensions = 0, {}, {}
for _, lane in ipairs(_CTX) do
  total = total + lane.files
  directories[lane.directory] = lane.files
  for extension, files in pairs(lane.extensions) do
    extensions[extension] = (extensions[extension] or 0) + files
  end
end
return { total = total, directories = ranked(directories), extensions = ranked(extensions) }
