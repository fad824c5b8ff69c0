-- The chaos run: processes that share one token, a server behind proxies that break, and a checker over what
-- they wrote down.
-- Uses: spec.chaos.*, spec.support.{process,servers,sqlite}. Everything that it starts it ends, by its pid.
--   LUA spec/chaos/run.lua SECONDS [ACQUISITIONS]   prints a summary; status 0 when nothing was violated

local checker = require "spec.chaos.checker"
local native = require "octostore.native"
local process = require "spec.support.process"
local proxies = require "spec.chaos.proxies"
local servers = require "spec.support.servers"
local socket = require "socket"
local sqlite = require "spec.support.sqlite"

local run = {}

local NAMES = {}
for i = 1, 6 do
  NAMES[i] = "chaos/" .. i
end

local TTL = 3
local RECOVERY_BOUND = 40 -- the session of a killed process, the server's sweep, what a stopped one holds

-- ---- processes ----

local World = {}
World.__index = World

local function worker_command(world, id)
  local lua = arg and arg[-1] or "lua5.4"
  local proxy = world.proxies.ports[id % #world.proxies.ports + 1]
  return {
    lua, "spec/chaos/worker.lua", "http://127.0.0.1:" .. proxy, world.server.tokens.alice, tostring(id),
    world.directory, world.sabotage,
  }
end

function World:start_worker()
  self.last_id = self.last_id + 1
  local pid = process.start {
    command = worker_command(self, self.last_id),
    directory = process.capture("pwd"),
    env = { LUA_PATH = package.path, LUA_CPATH = package.cpath },
    log = self.directory .. "/workers.log",
  }
  table.insert(self.workers, pid)
end

local function new_world(options)
  return setmetatable({
    directory = process.tmpdir(),
    workers = {},
    last_id = 0,
    sabotage = options.sabotage or "none",
    faults = 0,
  }, World)
end

function World:start(count)
  self.server = servers.real()
  self.proxies = proxies.start(self.server.host .. ":" .. self.server.port, 2, self.directory)
  local db = sqlite.open(self.directory .. "/counters.db")
  sqlite.execute(db, "PRAGMA journal_mode = WAL")
  sqlite.execute(db, "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL, token INTEGER NOT NULL)")
  for _, name in ipairs(NAMES) do
    sqlite.execute(db, "INSERT INTO counters VALUES (?, 0, 0)", name)
  end
  db:close()
  for _ = 1, count do
    self:start_worker()
  end
end

function World:stop()
  for _, pid in ipairs(self.workers) do
    os.execute("kill -CONT " .. pid .. " 2>/dev/null")
    process.stop(pid)
  end
  if self.proxies then
    self.proxies:stop()
  end
  if self.server then
    self.server:stop()
  end
  process.remove_tmpdir(self.directory)
end

-- ---- faults: each answers for how long it lasts ----

local function toxic(kind, stream, attributes)
  return function(world)
    world.proxies:add(math.random(2), { name = kind, type = kind, stream = stream, attributes = attributes })
    return 0.5 + 2 * math.random()
  end
end

local function signal(pid, name)
  os.execute(("kill -%s %d"):format(name, pid))
end

local FAULTS = {
  toxic("latency", "downstream", { latency = 300, jitter = 250 }),
  toxic("latency", "upstream", { latency = 1500, jitter = 500 }),
  toxic("latency", "downstream", { latency = 1500, jitter = 500 }),
  toxic("bandwidth", "downstream", { rate = 1 }),
  toxic("reset_peer", "downstream", { timeout = 0 }), -- the request arrives, the answer does not
  toxic("limit_data", "downstream", { bytes = 120 }), -- an answer that breaks off
  function(world) -- a black hole, for longer than a lease
    world.proxies:add(math.random(2), { name = "hole", type = "timeout", stream = "downstream",
      attributes = { timeout = 0 } })
    return TTL + 1
  end,
  function(world)
    world.proxies:disable(math.random(2))
    return 1 + TTL * math.random()
  end,
  function(world) -- a process that sleeps through its lease
    local pid = world.workers[math.random(#world.workers)]
    signal(pid, "STOP")
    return TTL + 0.5 + math.random(), function() signal(pid, "CONT") end
  end,
  function(world)
    local pid = table.remove(world.workers, math.random(#world.workers))
    signal(pid, "KILL")
    world:start_worker()
    return 0.2
  end,
  function(world)
    world.server:restart()
    return 0.5
  end,
}

function World:strike(number)
  local seconds, after = FAULTS[(number - 1) % #FAULTS + 1](self)
  self.faults = self.faults + 1
  socket.sleep(seconds)
  if after then
    after()
  end
  self.proxies:heal()
  socket.sleep(0.3 + 0.7 * math.random())
end

-- ---- history ----

function World:lines()
  local lines = {}
  for id = 1, self.last_id do
    local file = io.open(self.directory .. "/history." .. id, "r")
    for line in file and file:lines() or function() end do
      lines[#lines + 1] = line
    end
    if file then
      file:close()
    end
  end
  return lines
end

function World:counters()
  local db = sqlite.open(self.directory .. "/counters.db")
  local counters = {}
  for _, name in ipairs(NAMES) do
    local statement = assert(db:prepare("SELECT value FROM counters WHERE name = ?"))
    assert(statement:execute(name))
    counters[name] = tonumber(statement:fetch(false)[1])
    statement:close()
  end
  db:close()
  return counters
end

function World:acquisitions()
  local _, summary = checker.check(self:lines(), {})
  return summary.acquisitions
end

---Waits until every name has been acquired again; answers after how many seconds, or nil.
function World:recover()
  local moment = native.now()
  local deadline = moment + RECOVERY_BOUND
  repeat
    socket.sleep(0.5)
    local _, summary = checker.check(self:lines(), {})
    local worst = checker.recovery(summary.handles, moment, NAMES)
    if worst then
      return worst
    end
  until native.now() > deadline
end

local function tell_all(world)
  assert(io.open(world.directory .. "/stop", "w")):close()
  local deadline = native.now() + 15
  for _, pid in ipairs(world.workers) do
    while process.is_alive(pid) and native.now() < deadline do
      socket.sleep(0.05)
    end
  end
end

---Half of the processes get every answer late, and nothing else goes wrong.
local function drizzle(world, options)
  world.proxies:add(1, { name = "late", type = "latency", stream = "downstream", attributes = { latency = 1500 } })
  socket.sleep(options.seconds)
  world.proxies:heal()
end

local function storm(world, options)
  local start, number = native.now(), math.random(#FAULTS)
  local function goes_on()
    local elapsed = native.now() - start
    return elapsed < options.seconds
      or (elapsed < 4 * options.seconds and world:acquisitions() < (options.acquisitions or 0))
  end
  while goes_on() do
    world:strike(number)
    number = number + 1
  end
end

---@param options { seconds: number, acquisitions: integer?, processes: integer?, sabotage: string?, seed: integer?,
---weather: "storm"|"drizzle"|nil }
---@return { violations: string[], acquisitions: integer, faults: integer, recovery: number?, log: string }
function run.chaos(options)
  math.randomseed(options.seed or 1)
  local world = new_world(options)
  local ok, result = pcall(function()
    world:start(options.processes or 8)
    local weather = options.weather == "drizzle" and drizzle or storm
    weather(world, options)
    local recovery = world:recover()
    tell_all(world)
    local violations, summary = checker.check(world:lines(), world:counters())
    local log = process.capture("tail -n 20 " .. world.directory .. "/workers.log")
    return { violations = violations, acquisitions = summary.acquisitions, faults = world.faults,
      recovery = recovery, log = log }
  end)
  world:stop()
  if not ok then
    error(result, 0)
  end
  return result
end

local function main()
  local result = run.chaos { seconds = tonumber(arg[1]), acquisitions = tonumber(arg[2] or 0) }
  for i = 1, math.min(#result.violations, 20) do
    print("violation: " .. result.violations[i])
  end
  if result.log ~= "" then
    print(result.log)
  end
  print(("%d acquisitions by 8 processes with one token, %d faults, %d violations, worst time to recover %s"):format(
    result.acquisitions, result.faults, #result.violations,
    result.recovery and ("%.1f s"):format(result.recovery) or "beyond its bound"))
  os.exit(#result.violations == 0 and result.recovery and result.log == "" and 0 or 1)
end

if arg and arg[0] and arg[0]:find("chaos/run.lua$") then
  main()
end

return run
