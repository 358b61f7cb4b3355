-- In: the draft's text. Out: PASS, or BLOCKED while there is a doubled word or no full stop at the end.
local text, before = _PROMPT, nil
for word in text:gmatch("%a+") do
  if word:lower() == before then
    return "BLOCKED"
  end
  before = word:lower()
end
return text:find("%.$") and "PASS" or "BLOCKED"
