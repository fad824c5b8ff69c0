-- Random scripts of faults: whatever gets lost, doubled or late, two sessions never hold a lock at once, and it is free
-- in the end. Left out is what no client can survive: a server that forgets leases, or whose clock steps ahead.
-- Uses: octostore, octostore.testing; OCTOSTORE_LONG=1 for many more. Owner: nothing; all on virtual time.

local octostore = require "octostore"
local testing = require "octostore.testing"

local RUNS = os.getenv("OCTOSTORE_LONG") == "1" and 200 or 30
local STEPS = 60
local CLIENTS = 3
local OPERATIONS = { "acquire_lock", "renew_lock", "release_lock", "keep_session_alive", "*" }

---Numbers that are the same for a seed in every Lua: from 0 on, less than 1.
local function generator(seed)
  local state = seed * 7919 % 2147483647 + 1
  return function()
    state = state * 16807 % 2147483647
    return state / 2147483647
  end
end

local FAULTS = {
  function(rule) rule:refuse() end,
  function(rule) rule:drop_request() end,
  function(rule) rule:drop_answer() end,
  function(rule) rule:stall_request() end,
  function(rule) rule:stall_answer() end,
  function(rule, random) rule:delay_request(random() * 15) end,
  function(rule, random) rule:delay_answer(random() * 15) end,
  function(rule, random) rule:delay_request(random() * 15):drop_answer() end,
  function(rule, random) rule:delay_request(random() * 10):delay_answer(random() * 10) end,
  function(rule) rule:duplicate() end,
  function(rule, random) rule:duplicate_later(random() * 20) end,
  function(rule) rule:status(503) end,
  function(rule) rule:commit():status(502, { bare = true }) end,
  function(rule, random) rule:status(429, { retry_after = random() * 60 }) end,
  function(rule) rule:html(404) end,
  function(rule) rule:garbage() end,
  function(rule) rule:garbage("{}") end,
  function(rule) rule:restart():reset() end,
  function(rule, random) rule:clock_step(-random() * 100) end,
}

local Run = {}
Run.__index = Run

function Run:pick(count)
  return math.floor(self.random() * count) + 1
end

function Run:new_client(script)
  return assert(octostore.new {
    base_url = "http://localhost",
    token = "test-token",
    session = { ttl = 10 + self:pick(20) },
    driver = testing.driver(self.service, self.clock, script),
  })
end

function Run:check_exclusion()
  local holders = 0
  for _, lock in ipairs(self.locks) do
    holders = holders + (lock:held() and 1 or 0)
  end
  assert.is_true(holders <= 1, ("seed %d: %d holders at %.3f"):format(self.seed, holders, self.clock:now()))
end

function Run:pass_time()
  for _ = 1, self:pick(40) do
    self.clock:advance(self.random())
    self:check_exclusion()
  end
end

function Run:add_fault(script)
  local rule = script:on(OPERATIONS[self:pick(#OPERATIONS)]):times(self:pick(4))
  FAULTS[self:pick(#FAULTS)](rule, self.random)
end

function Run:lock(client)
  local lock = client:lock("jobs", { ttl = 2 + self:pick(20), wait = self:pick(10), timeout = self:pick(10) })
  self.locks[#self.locks + 1] = lock
  self:check_exclusion()
  self:pass_time()
  if lock and self:pick(3) > 1 then
    lock:release()
  end
end

function Run:step()
  local which = self:pick(CLIENTS)
  if self.random() < 0.6 then
    self:add_fault(self.scripts[which])
  else
    self:lock(self.clients[which])
  end
end

---Without faults everyone can have it, one after the other, once the last copy has landed and its lease has ended.
function Run:check_end()
  for _, script in ipairs(self.scripts) do
    script:clear()
  end
  for _, lock in ipairs(self.locks) do
    lock:release()
  end
  self.clock:advance(100)
  for _, client in ipairs(self.clients) do
    local lock, err = client:lock("jobs", { ttl = 5, wait = 5 })
    assert.is_truthy(lock, ("seed %d: %s"):format(self.seed, tostring(err)))
    assert.is_true((lock:release()))
  end
end

local function run(seed)
  local self = setmetatable({ seed = seed, random = generator(seed), locks = {}, clients = {}, scripts = {} }, Run)
  self.clock, self.service = testing.clock(), testing.service()
  for which = 1, CLIENTS do
    self.scripts[which] = testing.faults()
    self.clients[which] = self:new_client(self.scripts[which])
  end
  for _ = 1, STEPS do
    self:step()
  end
  self:check_end()
end

describe("a lock under random faults", function()
  it("is held by one session at most, and free in the end", function()
    for seed = 1, RUNS do
      run(seed)
    end
  end)
end)
