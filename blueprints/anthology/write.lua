-- In: a topic. Out: `{ title, lines }`.
local topic = _PROMPT
return { title = topic, lines = { topic .. " are kept.", "Nothing about " .. topic:lower() .. " is lost." } }
