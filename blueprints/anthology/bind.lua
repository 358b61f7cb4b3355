-- In: the lanes, each with its piece. Out: the book as Markdown.
local pages = {}
for index, lane in ipairs(_CTX) do
  pages[index] = lane.piece
end
return "# Anthology\n\n" .. table.concat(pages, "\n")
