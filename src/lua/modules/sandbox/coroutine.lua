-- Coroutines that let host calls through, and the `host` table itself.
--
-- A host call is a yield to the host, which resumes with the answer. The script runs in a coroutine of its own, the root;
-- inside coroutines the script makes, the call is handed up from resume to resume until it reaches the root, and the
-- answer handed down again. The script sees nothing of it: CALL is known only here.
--
-- An answer is (true, value) or (false, message). A call from where a yield cannot pass (inside a C function, as in a
-- string.gsub callback) is answered with an error at once.

local coroutine, type, error, select = coroutine, type, error, select
local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close
local running, isyieldable, status = coroutine.running, coroutine.isyieldable, coroutine.status

local CALL = {}
local root

local function cannot_wait(name)
  return "host." .. name .. " cannot be called here: the script is inside a function that cannot wait "
    .. "(a string.gsub callback, a __tostring or another function run by C); call it outside and pass the result in"
end

-- Takes what a resume returned: hands a host call up and its answer down, and lets everything else pass.
local function pass(co, ...)
  local ok, tag, name = ...
  if not (ok and tag == CALL) then
    return ...
  end
  if not isyieldable() then
    return pass(co, resume(co, false, cannot_wait(name)))
  end
  return pass(co, resume(co, yield(select(2, ...))))
end

function coroutine.resume(co, ...)
  if type(co) ~= "thread" then
    error("bad argument #1 to 'resume' (coroutine expected)", 2)
  end
  return pass(co, resume(co, ...))
end

local function unwrap(co, ok, ...)
  if ok then
    return ...
  end
  local failure = ...
  if status(co) == "dead" then
    local closed, late = close(co)
    if not closed then
      failure = late
    end
  end
  error(failure, type(failure) == "string" and 2 or 0)
end

function coroutine.wrap(f)
  if type(f) ~= "function" then
    error("bad argument #1 to 'wrap' (function expected)", 2)
  end
  local co = create(f)
  return function(...)
    return unwrap(co, pass(co, resume(co, ...)))
  end
end

function coroutine.yield(...)
  if running() == root then
    error("attempt to yield from outside a coroutine", 2)
  end
  return yield(...)
end

function coroutine.isyieldable(co)
  if co == nil then
    co = running()
  end
  return co ~= root and isyieldable(co)
end

function coroutine.running()
  local co = running()
  return co, co == root
end

-- The function behind `host.<name>`.
local function host_function(name)
  return function(argument)
    if not isyieldable() then
      error(cannot_wait(name), 2)
    end
    local ok, answer = yield(CALL, name, argument)
    if not ok then
      error(answer, 2)
    end
    return answer
  end
end

local function set_root(co)
  root = co
end

local function grant(name)
  host = host or {}
  host[name] = host_function(name)
end

return set_root, grant
