/** Scripts that try to outlast, outgrow, outwit or leave the sandbox, and what has to come of each. */
import type { LuaErrorCode } from "../../src/lua/index.ts";

/** `ends`: the code it fails with, or the value it returns because what it tried did nothing. */
export interface HostileScript {
  readonly name: string;
  readonly source: string;
  readonly ends: { readonly code: LuaErrorCode | readonly LuaErrorCode[] } | { readonly value: unknown };
}

const cpu = { code: "lua_cpu_limit" } as const;
const memory = { code: "lua_memory_limit" } as const;
/** Both are right: which limit is met first depends on the machine's speed. */
const cpuOrMemory = { code: ["lua_cpu_limit", "lua_memory_limit"] } as const;

/** A table of 63 entries whose length is 2^62: all lie in the hash part, where # looks at powers of two only. */
const BORDER_AT_2_62 = `{ ${Array.from({ length: 63 }, (_, i) => `[1 << ${i}] = 1`).join(", ")} }`;

const loops: readonly HostileScript[] = [
  { name: "loops", source: "while true do end", ends: cpu },
  { name: "loops by goto", source: "::again:: goto again", ends: cpu },
  { name: "counts for ever", source: "for i = 1, math.huge do end", ends: cpu },
  { name: "repeats in pcall", source: "while true do pcall(function() while true do end end) end", ends: cpu },
  { name: "catches everything in a loop", source: "while true do pcall(error, 'x') end", ends: cpu },
  {
    name: "nests pcall around a loop",
    source: "pcall(pcall, pcall, pcall, function() while true do end end)",
    ends: cpu,
  },
  { name: "loops in an error handler", source: "xpcall(error, function() while true do end end)", ends: cpu },
  {
    name: "fails in an error handler",
    source: "return (select('#', xpcall(error, function(e) error(e) end)))",
    ends: { value: 2 },
  },
  { name: "loops in a coroutine", source: "coroutine.wrap(function() while true do end end)()", ends: cpu },
  {
    name: "loops in a coroutine inside pcall inside a coroutine",
    source: "coroutine.wrap(function() pcall(coroutine.wrap(function() while true do end end)) end)()",
    ends: cpu,
  },
  {
    name: "resumes for ever",
    source: "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    ends: cpu,
  },
  { name: "makes coroutines for ever", source: "while true do coroutine.wrap(function() end)() end", ends: cpu },
  {
    name: "loops in a to-be-closed variable",
    source: "do local x <close> = setmetatable({}, { __close = function() while true do end end }) end",
    ends: cpu,
  },
  {
    name: "loops in a to-be-closed variable while an error passes",
    source:
      "pcall(function() local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x') end)",
    ends: cpu,
  },
  {
    name: "loops when a coroutine is closed",
    source: `local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield() end)
      coroutine.resume(co) coroutine.close(co)`,
    ends: cpu,
  },
  {
    name: "loops in __tostring",
    source: "tostring(setmetatable({}, { __tostring = function() while true do end end }))",
    ends: cpu,
  },
  {
    name: "loops in __tostring of its error",
    source: "error(setmetatable({}, { __tostring = function() while true do end end }))",
    ends: cpu,
  },
  {
    name: "loops in __index",
    source: "return setmetatable({}, { __index = function() while true do end end }).x",
    ends: cpu,
  },
  {
    name: "loops in __len",
    source: "return #setmetatable({}, { __len = function() while true do end end })",
    ends: cpu,
  },
  { name: "loops in an iterator", source: "for _ in function() return 1 end do end", ends: cpu },
  {
    name: "loops in __gc",
    source: "setmetatable({}, { __gc = function() while true do end end })",
    ends: { code: "lua_error" },
  },
  {
    name: "adds __gc after the fact",
    source: `local mt = {} for i = 1, 100 do setmetatable({}, mt) end
      mt.__gc = function() while true do end end
      for i = 1, 1e4 do local t = {} end
      return "collected in peace"`,
    ends: { value: "collected in peace" },
  },
];

const calls: readonly HostileScript[] = [
  {
    name: "sorts with a looping comparison",
    source: "table.sort({ 3, 2, 1 }, function() while true do end end)",
    ends: cpu,
  },
  {
    name: "sorts with a comparison that is never satisfied",
    source: "local t = {} for i = 1, 300 do t[i] = i end table.sort(t, function() return true end) return #t",
    ends: { value: 300 },
  },
  {
    name: "sorts a table whose length is a lie",
    source: `local t = ${BORDER_AT_2_62} table.sort(t, rawequal)`,
    ends: cpuOrMemory,
  },
  {
    name: "replaces with a looping function",
    source: "string.gsub('x', '.', function() while true do end end)",
    ends: cpu,
  },
  {
    name: "replaces from a table with a looping __index",
    source: "string.gsub('x', '.', setmetatable({}, { __index = function() while true do end end }))",
    ends: cpu,
  },
  { name: "backtracks", source: "string.find(('a'):rep(5000), ('a*'):rep(30) .. 'b')", ends: cpu },
  {
    name: "backtracks in pcall",
    source: "while true do pcall(string.match, ('a'):rep(5000), ('.-'):rep(30) .. 'b') end",
    ends: cpu,
  },
  {
    name: "backtracks in gmatch",
    source: "for _ in string.gmatch(('a'):rep(5000), ('a-'):rep(30) .. 'b') do end",
    ends: cpu,
  },
  {
    name: "searches a long text for a long text",
    source: "local a = ('a'):rep(1 << 20) while true do a:find(a:sub(2, -1000) .. 'b', 1, true) end",
    ends: cpu,
  },
  { name: "balances for ever", source: "local s = ('('):rep(1 << 20) while true do s:find('%b()') end", ends: cpu },
  { name: "repeats nothing very often", source: "return #string.rep('', 1 << 62)", ends: { value: 0 } },
  { name: "moves nothing very far", source: "table.move({}, 1, 1 << 60, 2)", ends: cpu },
  {
    name: "concatenates what __index makes up",
    source: "table.concat(setmetatable({}, { __index = getmetatable, __metatable = '' }), '', 1, 1 << 60)",
    ends: cpuOrMemory,
  },
  { name: "unpacks too much", source: "return select('#', table.unpack({}, 1, 1e8))", ends: { code: "lua_error" } },
  { name: "unpacks much, often", source: "while true do table.unpack({}, 1, 5e5) end", ends: cpuOrMemory },
  {
    name: "inserts before a length that is a lie",
    source: "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 'x')",
    ends: cpuOrMemory,
  },
  {
    name: "inserts before a border that is a lie",
    source: `table.insert(${BORDER_AT_2_62}, 1, 'x')`,
    ends: cpuOrMemory,
  },
  {
    name: "removes from a length that is a lie",
    source: "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
    ends: cpu,
  },
  { name: "asks for a huge width", source: "return (pcall(string.format, '%99999d', 1))", ends: { value: false } },
  {
    name: "formats for ever",
    source: "while true do string.format(('%s'):rep(200), table.unpack({}, 1, 200)) end",
    ends: cpu,
  },
  { name: "formats the largest number", source: "return #string.format('%.99f', 1.7e308)", ends: { value: 409 } },
  { name: "packs a huge field", source: "string.pack('c1000000000', 'x')", ends: memory },
  {
    name: "packs a huge size",
    source: "return (pcall(string.packsize, ('c2147483647'):rep(3)))",
    ends: { value: false },
  },
  {
    name: "makes characters without end",
    source: "local t = {} for i = 1, 1e6 do t[i] = 0x7fffffff end return (pcall(utf8.char, table.unpack(t)))",
    ends: { code: ["lua_cpu_limit", "lua_memory_limit", "lua_error"] },
  },
  { name: "decodes for ever", source: "local s = ('é'):rep(1 << 19) while true do utf8.len(s) end", ends: cpu },
  {
    name: "compares long texts for ever",
    source: "local a, b = ('a'):rep(1 << 20) .. 'a', ('a'):rep(1 << 20) .. 'b' while true do local _ = a < b end",
    ends: cpu,
  },
  {
    name: "dates with odd conversions",
    source: "return (pcall(os.date, '%Ez%Q%' .. ('%c'):rep(1000)))",
    ends: { value: false },
  },
];

const growth: readonly HostileScript[] = [
  { name: "hoards strings", source: "local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end", ends: memory },
  {
    name: "hoards strings in pcall",
    source: "local t = {} while true do pcall(function() while true do t[#t + 1] = ('x'):rep(1e5) .. #t end end) end",
    ends: memory,
  },
  { name: "hoards tables", source: "local t = {} while true do t = { t, {}, {}, {} } end", ends: cpuOrMemory },
  { name: "doubles a string", source: "local s = 'x' while true do s = s .. s end", ends: memory },
  {
    name: "doubles a string in pcall",
    source: "local s = 'x' while true do pcall(function() s = s .. s end) end",
    ends: memory,
  },
  { name: "repeats a string too often", source: "return #('x'):rep(1 << 40)", ends: memory },
  {
    name: "joins a huge list",
    source: "local t = {} for i = 1, 1e4 do t[i] = ('x'):rep(1e4) end return #table.concat(t)",
    ends: memory,
  },
  { name: "replaces into a huge text", source: "return #(('x'):rep(1e5):gsub('x', ('y'):rep(1e4)))", ends: memory },
  {
    name: "calls itself for ever",
    source: "local function f() return 1 + f() end return f()",
    ends: { code: "lua_depth_limit" },
  },
  {
    name: "calls itself for ever in pcall",
    source: "local function f() return 1 + f() end while true do pcall(f) end",
    ends: { code: "lua_depth_limit" },
  },
  {
    name: "nests pcall without end",
    source: "local function f() return pcall(f) end return (f())",
    ends: { value: true },
  },
  {
    name: "nests coroutines without end",
    source: "local function f() return coroutine.wrap(f)() end f()",
    ends: { code: ["lua_depth_limit", "lua_memory_limit"] },
  },
  {
    name: "calls itself through gsub",
    source: "local function f() return (('x'):gsub('x', f)) end f()",
    ends: { code: "lua_depth_limit" },
  },
  {
    name: "calls itself through __index",
    source: "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k] end return t.x",
    ends: { code: "lua_depth_limit" },
  },
  {
    name: "chains __index in a circle",
    source: "local t = {} setmetatable(t, { __index = t }) return t.x",
    ends: { code: "lua_error" },
  },
  {
    name: "returns a table that contains itself",
    source: "local t = {} t.t = t return t",
    ends: { code: "lua_depth_limit" },
  },
  {
    name: "returns a table that doubles at every level",
    source: "local t = {} for i = 1, 60 do t = { t, t } end return t",
    ends: { code: ["lua_output_limit", "lua_cpu_limit"] },
  },
  { name: "returns a huge text", source: "return ('x'):rep(1 << 23)", ends: { code: "lua_output_limit" } },
  { name: "prints without end", source: "while true do print(('x'):rep(1000)) end", ends: cpu },
  {
    name: "has more nested brackets than a parser can take",
    source: `return ${"(".repeat(1_000)}1${")".repeat(1_000)}`,
    ends: { code: "lua_syntax" },
  },
];

const escapes: readonly HostileScript[] = [
  {
    name: "looks for io, debug and package",
    source: "return { io == nil, debug == nil, package == nil }",
    ends: { value: [true, true, true] },
  },
  {
    name: "looks for ways to load code",
    source:
      "return { load == nil, loadstring == nil, loadfile == nil, dofile == nil, require == nil, string.dump == nil }",
    ends: { value: [true, true, true, true, true, true] },
  },
  {
    name: "looks for more of os",
    source: "local names = {} for k in pairs(os) do names[#names + 1] = k end table.sort(names) return names",
    ends: { value: ["clock", "date", "time"] },
  },
  { name: "looks for the collector", source: "return collectgarbage == nil", ends: { value: true } },
  { name: "finds bytecode useless", source: "return pcall(load, '\\27Lua')", ends: { value: false } },
  { name: "asks the host for what it was not granted", source: "return host == nil", ends: { value: true } },
  {
    name: "looks for JavaScript's names",
    source:
      "return { globalThis == nil, process == nil, constructor == nil, ('').constructor == nil, _G.__proto__ == nil }",
    ends: { value: [true, true, true, true, true] },
  },
  {
    name: "looks for JavaScript in an error",
    source: "local _, e = pcall(string.rep) return { type(e), type(getmetatable(e).constructor) }",
    ends: { value: ["string", "nil"] },
  },
  {
    name: "looks for JavaScript in null",
    source: "return { type(json.null), (pcall(function() return json.null.constructor end)) }",
    ends: { value: ["userdata", false] },
  },
  { name: "calls null", source: "return (pcall(json.null))", ends: { value: false } },
  {
    name: "yields to the host by hand",
    source: "return { pcall(coroutine.yield, 'anything') }",
    ends: { value: [false, "attempt to yield from outside a coroutine"] },
  },
  {
    name: "yields to the host through a coroutine",
    source: "return { coroutine.resume(coroutine.create(function() coroutine.yield({}, 'read', 1) end)) }",
    ends: { value: [true, {}, "read", 1] },
  },
  {
    name: "closes its own coroutine",
    source: "return (pcall(coroutine.close, (coroutine.running())))",
    ends: { value: false },
  },
  {
    name: "resumes its own coroutine",
    source: "return (coroutine.resume((coroutine.running())))",
    ends: { value: false },
  },
];

const tampering: readonly HostileScript[] = [
  {
    name: "rewrites the string library",
    source: "for k in pairs(string) do string[k] = nil end return 'rewritten'",
    ends: { value: "rewritten" },
  },
  {
    name: "rewrites the string metatable",
    source:
      "getmetatable('').__index = function() return 'leak' end getmetatable('').__add = function() return 'leak' end return 'done'",
    ends: { value: "done" },
  },
  {
    name: "rewrites the globals",
    source: "for k in pairs(_G) do if k ~= '_G' then _G[k] = nil end end return 'done'",
    ends: { value: "done" },
  },
  {
    name: "rewrites json",
    source: "json.null = 'leak' json.encode = nil getmetatable(json.array()).__index = { leak = 1 } return 'done'",
    ends: { value: "done" },
  },
  {
    name: "guards the globals",
    source:
      "setmetatable(_G, { __index = function() return 'leak' end, __newindex = function() error('leak') end }) return 'done'",
    ends: { value: "done" },
  },
  {
    name: "leaves globals behind",
    source: "leak = 'leak' _G['return'] = 'leak' return 'done'",
    ends: { value: "done" },
  },
  {
    name: "reseeds random numbers",
    source: "math.randomseed(42) math.random() return 'done'",
    ends: { value: "done" },
  },
  {
    name: "fails with an error that fails to be shown",
    source: "error(setmetatable({}, { __tostring = function() error('again') end }))",
    ends: { code: "lua_error" },
  },
  { name: "fails with nothing", source: "error(nil)", ends: { code: "lua_error" } },
  { name: "fails with a coroutine", source: "error(coroutine.create(print))", ends: { code: "lua_error" } },
  { name: "pretends a stack overflow", source: "error('stack overflow')", ends: { code: "lua_depth_limit" } },
  {
    name: "nests __tostring without end",
    source: "local t = setmetatable({}, { __tostring = function(t) return tostring(t) end }) return tostring(t)",
    ends: { code: "lua_depth_limit" },
  },
];

/** All of them. */
export const HOSTILE_SCRIPTS: readonly HostileScript[] = [...loops, ...calls, ...growth, ...escapes, ...tampering];
