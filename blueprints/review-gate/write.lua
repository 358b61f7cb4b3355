-- In: a topic. Out: `{ text }`, a first draft with two faults for the reviewer to find.
return { text = ("%s matter because because crashes happen"):format(_PROMPT) }
