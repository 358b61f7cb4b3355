-- The text of an error value, for the host: what the script passed to `error`, in words.

local type, rawget, tostring, pcall = type, rawget, tostring, pcall

return function(value)
  if type(value) == "table" then
    local message = rawget(value, "message")
    if type(message) == "string" then
      return message
    end
  end
  if type(value) == "nil" then
    return "nil"
  end
  local done, text = pcall(tostring, value)
  if done and type(value) ~= "table" then
    return text
  end
  if done and getmetatable(value) ~= nil then
    return text
  end
  return "(error object is a " .. type(value) .. " value)"
end
