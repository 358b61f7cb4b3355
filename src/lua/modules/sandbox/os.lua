-- The global `os`: time and date, told by the invocation and in UTC only. There is no clock in the VM, so that the same
-- invocation gives the same result: `os.clock` is always 0.

local error, type, select, pairs, tointeger = error, type, select, pairs, math.tointeger
local format, gsub, sub = string.format, string.gsub, string.sub
local now_ms = 0

local DAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local MONTHS = {
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
}
local DAY_SECONDS = 86400
-- Times beyond this are refused: their year would not fit what C allows either.
local MAX_SECONDS = 67767976233532799

-- Days since 1970-01-01 of a date in the Gregorian calendar; month may be any integer.
local function days_from_date(year, month, day)
  year = year + (month - 1) // 12
  month = (month - 1) % 12 + 1
  if month <= 2 then
    year = year - 1
  end
  local era = year // 400
  local year_of_era = year - era * 400
  local day_of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468
end

local function date_from_days(days)
  days = days + 719468
  local era = days // 146097
  local day_of_era = days - era * 146097
  local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local shifted = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * shifted + 2) // 5 + 1
  local month = shifted < 10 and shifted + 3 or shifted - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

local function parts_of(seconds)
  local days = seconds // DAY_SECONDS
  local rest = seconds % DAY_SECONDS
  local year, month, day = date_from_days(days)
  return {
    year = year,
    month = month,
    day = day,
    hour = rest // 3600,
    min = rest % 3600 // 60,
    sec = rest % 60,
    wday = (days + 4) % 7 + 1,
    yday = days - days_from_date(year, 1, 1) + 1,
    isdst = false,
  }
end

-- ISO 8601: the week's Thursday decides its year.
local function iso_week(d)
  local weekday = (d.wday + 5) % 7
  local thursday = days_from_date(d.year, d.month, d.day) - weekday + 3
  local year = date_from_days(thursday)
  return year, (thursday - days_from_date(year, 1, 1)) // 7 + 1
end

local function hour12(d)
  return (d.hour + 11) % 12 + 1
end

local expand

local CONVERSIONS = {
  a = function(d) return sub(DAYS[d.wday], 1, 3) end,
  A = function(d) return DAYS[d.wday] end,
  b = function(d) return sub(MONTHS[d.month], 1, 3) end,
  B = function(d) return MONTHS[d.month] end,
  c = function(d) return expand("%a %b %e %H:%M:%S %Y", d) end,
  C = function(d) return format("%02d", d.year // 100) end,
  d = function(d) return format("%02d", d.day) end,
  D = function(d) return expand("%m/%d/%y", d) end,
  e = function(d) return format("%2d", d.day) end,
  F = function(d) return expand("%Y-%m-%d", d) end,
  g = function(d) return format("%02d", (iso_week(d)) % 100) end,
  G = function(d) return format("%d", (iso_week(d))) end,
  H = function(d) return format("%02d", d.hour) end,
  I = function(d) return format("%02d", hour12(d)) end,
  j = function(d) return format("%03d", d.yday) end,
  m = function(d) return format("%02d", d.month) end,
  M = function(d) return format("%02d", d.min) end,
  n = function() return "\n" end,
  p = function(d) return d.hour < 12 and "AM" or "PM" end,
  r = function(d) return expand("%I:%M:%S %p", d) end,
  R = function(d) return expand("%H:%M", d) end,
  s = function(d) return format("%d", d.seconds) end,
  S = function(d) return format("%02d", d.sec) end,
  t = function() return "\t" end,
  T = function(d) return expand("%H:%M:%S", d) end,
  u = function(d) return format("%d", (d.wday + 5) % 7 + 1) end,
  U = function(d) return format("%02d", (d.yday + 7 - d.wday) // 7) end,
  V = function(d) return format("%02d", (select(2, iso_week(d)))) end,
  w = function(d) return format("%d", d.wday - 1) end,
  W = function(d) return format("%02d", (d.yday + 6 - (d.wday + 5) % 7) // 7) end,
  x = function(d) return expand("%m/%d/%y", d) end,
  X = function(d) return expand("%H:%M:%S", d) end,
  y = function(d) return format("%02d", d.year % 100) end,
  Y = function(d) return format("%d", d.year) end,
  z = function() return "+0000" end,
  Z = function() return "UTC" end,
}
CONVERSIONS.h = CONVERSIONS.b
CONVERSIONS["%"] = function() return "%" end

function expand(pattern, d)
  local unknown
  local text = gsub(pattern, "%%(.?)", function(letter)
    local conversion = CONVERSIONS[letter]
    if conversion == nil then
      unknown = unknown or letter
      return ""
    end
    return conversion(d)
  end)
  return text, unknown
end

local function checked_seconds(value, name)
  local seconds = tointeger(value)
  if seconds == nil then
    error("bad argument #2 to '" .. name .. "' (an integer number of seconds expected)", 3)
  end
  if seconds > MAX_SECONDS or seconds < -MAX_SECONDS then
    error("bad argument #2 to '" .. name .. "' (time out of bounds)", 3)
  end
  return seconds
end

local function field(t, name, default)
  local value = t[name]
  if value == nil then
    if default == nil then
      error("field '" .. name .. "' missing in date table", 3)
    end
    return default
  end
  local integer = tointeger(value)
  if integer == nil then
    error("field '" .. name .. "' is not an integer", 3)
  end
  if integer > 2 ^ 40 or integer < -(2 ^ 40) then
    error("field '" .. name .. "' is out-of-bound", 3)
  end
  return integer
end

os = {
  clock = function()
    return 0.0
  end,

  time = function(t)
    if t == nil then
      return now_ms // 1000
    end
    if type(t) ~= "table" then
      error("bad argument #1 to 'time' (table expected, got " .. type(t) .. ")", 2)
    end
    local year, month, day = field(t, "year"), field(t, "month"), field(t, "day")
    local hour, min, sec = field(t, "hour", 12), field(t, "min", 0), field(t, "sec", 0)
    local seconds = days_from_date(year, month, day) * DAY_SECONDS + hour * 3600 + min * 60 + sec
    for name, value in pairs(parts_of(seconds)) do
      t[name] = value
    end
    return seconds
  end,

  date = function(pattern, time)
    if pattern == nil then
      pattern = "%c"
    elseif type(pattern) ~= "string" then
      error("bad argument #1 to 'date' (string expected, got " .. type(pattern) .. ")", 2)
    end
    local seconds = time == nil and now_ms // 1000 or checked_seconds(time, "date")
    if sub(pattern, 1, 1) == "!" then
      pattern = sub(pattern, 2)
    end
    local d = parts_of(seconds)
    if sub(pattern, 1, 2) == "*t" then
      return d
    end
    d.seconds = seconds
    local text, unknown = expand(pattern, d)
    if unknown ~= nil then
      error("bad argument #1 to 'date' (invalid conversion specifier '%" .. unknown .. "')", 2)
    end
    return text
  end,
}

return function(milliseconds)
  now_ms = tointeger(milliseconds // 1)
end
