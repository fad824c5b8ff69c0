-- One process of the chaos run: acquires locks, acts inside their authority, and writes down what it did.
-- Uses: octostore, spec.support.sqlite. Ends when the file DIRECTORY/stop is there.
--   LUA spec/chaos/worker.lua BASE_URL TOKEN ID DIRECTORY SABOTAGE
-- SABOTAGE breaks a property on purpose: "token" (plain token scope), "response" (a lock of one's own making, whose
-- authority is counted from the answer, for the whole TTL); "none" for none.

local native = require "octostore.native"
local octostore = require "octostore"
local sqlite = require "spec.support.sqlite"

local base_url, token, id, directory, sabotage = arg[1], arg[2], arg[3], arg[4], arg[5]

local NAMES, TTL = 6, 3
local HISTORY = assert(io.open(directory .. "/history." .. id, "a"))
HISTORY:setvbuf("line") -- whoever is killed has written what it did
local db = sqlite.open(directory .. "/counters.db")
db:prepare("PRAGMA busy_timeout = 5000"):execute()

local client = assert(octostore.new {
  base_url = base_url,
  token = token,
  timeout = 2,
  connect_timeout = 1,
  session = { ttl = 10 },
})

local function log(kind, ...)
  HISTORY:write(table.concat({ kind, ("%.4f"):format(native.now()), ... }, " "), "\n")
end

local function exists(path)
  local file = io.open(path, "r")
  return file ~= nil and file:close()
end

local function execute(text, ...)
  local statement = assert(db:prepare(text))
  assert(statement:execute(...))
  return statement
end

local function update(text, ...)
  local statement = execute(text, ...)
  local affected = statement:affected()
  statement:close()
  return affected
end

local function read_counter(name)
  local statement = execute("SELECT value FROM counters WHERE name = ?", name)
  local value = tonumber(statement:fetch(false)[1])
  statement:close()
  return value
end

-- ---- the lock that one would write oneself ----

local Naive = {}
Naive.__index = Naive

function Naive:held()
  return not self.reason and native.now() < self.until_time
end

function Naive:release()
  client:release_lock(self.name, self.lease_id)
  self.reason = "released"
end

function Naive:check() return self:held() end

local naive_session

local function naive_lock(name)
  naive_session = naive_session and not naive_session:ended() and naive_session or client:session { ttl = 10 }
  local lock = naive_session and client:acquire_lock(name,
    { ttl = TTL, session_id = naive_session.session_id, ephemeral = true })
  if lock then
    lock.name, lock.until_time = name, native.now() + TTL
    return setmetatable(lock, Naive)
  end
end

-- ---- one lock ----

---Mostly a moment; now and then beyond a TTL. Of those who made their lock themselves every other one, behind the
---first proxy, holds it for as long as it believes that it may.
local function how_long()
  local long = math.random(12) == 1
  if sabotage == "response" then
    long = tonumber(id) % 2 == 0
  end
  return long and 2 * TTL or 0.1 * math.random()
end

local count = 0

local function run_inside(lock, handle)
  local function sample()
    local before = ("%.4f"):format(native.now())
    local good = lock:held()
    if good then
      log("S", before, handle) -- the authority that was there afterwards was there before
    end
    return good
  end
  local fencing_token = lock.fencing_token
  if not sample() then
    return
  end
  -- The resource learns of the token first: whoever had it before is refused from now on.
  if update("UPDATE counters SET token = ? WHERE name = ? AND token <= ?", fencing_token, lock.name, fencing_token) == 0
  then
    return
  end
  local value = read_counter(lock.name)
  local leave = native.now() + how_long()
  repeat
    native.sleep(0.01)
    if not sample() then
      return
    end
  until native.now() >= leave
  local text = "UPDATE counters SET value = ?, token = ? WHERE name = ? AND token <= ?"
  if update(text, value + 1, fencing_token, lock.name, fencing_token) == 1 then
    log("U", lock.name, value + 1)
  end
end

---The lock that ended last, and how: it has to stay so.
local last, last_reason

local function check_last()
  if last and (last.reason ~= last_reason or last:held()) then
    log("X", last.name, tostring(last.reason), last_reason)
  end
end

local function take(name)
  local lost = 0
  local lock = sabotage == "response" and naive_lock(name) or sabotage ~= "response" and client:lock(name, {
    ttl = TTL,
    wait = math.random(),
    scope = sabotage == "token" and "token" or nil,
    on_lost = function() lost = lost + 1 end,
  })
  check_last()
  if not lock then
    return
  end
  count = count + 1
  local handle = id .. ":" .. count
  log("A", handle, name, lock.fencing_token, lock.lease_id)
  run_inside(lock, handle)
  lock:release()
  pcall(lock.check, lock)
  log("E", handle, lock.reason or "none", lost)
  last, last_reason = lock, lock.reason
end

math.randomseed(tonumber(id) * 7919 + 17)
while not exists(directory .. "/stop") do
  take("chaos/" .. math.random(NAMES))
end
check_last()
client:close()
HISTORY:close()
