-- In: `{ title, lines }`. Out: the piece as Markdown.
return "## " .. _CTX.title .. "\n\n" .. table.concat(_CTX.lines, " ") .. "\n"
