-- In: the text that passed. Out: the note as Markdown.
return ("> %s\n"):format(_PROMPT)
