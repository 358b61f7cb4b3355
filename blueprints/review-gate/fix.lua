-- In: the draft's text. Out: the text with one fault mended; the next round finds the next.
local words, mended = {}, false
for word in _PROMPT:gmatch("%S+") do
  if not mended and #words > 0 and words[#words]:lower() == word:lower() then
    mended = true
  else
    words[#words + 1] = word
  end
end
local text = table.concat(words, " ")
if not mended and not text:find("%.$") then
  text = text .. "."
end
return text
