-- In: the classified commits. Out: the word that decides whether notes are written.
local changes = _CTX
if #changes == 0 then
  return "EMPTY"
end
for _, change in ipairs(changes) do
  if change.subject == "" or not change.date:match("^%d+%-%d%d%-%d%d$") then
    return "MALFORMED"
  end
end
return "PASS"
