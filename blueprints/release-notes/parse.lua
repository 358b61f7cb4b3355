-- In: what git printed, `{ raw, stderr }`. Out: a list of commits `{ hash, author, date, subject }`, newest first.
local commits = {}
for record in _CTX.raw:gmatch("[^\30]+") do
  local hash, author, date, subject = record:match("^%s*(%x+)\31([^\31]*)\31([^\31]*)\31(.*)$")
  if hash then
    commits[#commits + 1] = { hash = hash, author = author, date = date, subject = subject }
  end
end
return json.array(commits)
