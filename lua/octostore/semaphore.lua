-- A semaphore: at most n holders of a name at a time, as n locks of which each holder has one.
-- May use: errors, native, options, scoped, waiting.

local errors = require "octostore.errors"
local native = require "octostore.native"
local options = require "octostore.options"
local scoped = require "octostore.scoped"
local waiting = require "octostore.waiting"

local semaphore = {}

local MOST = 100 -- active locks of a user, the server's limit

---@class octostore.Semaphore
---@field name string
---@field slots integer
local Semaphore = {}
Semaphore.__index = Semaphore
Semaphore.__name = "octostore.semaphore"

---The name carries the number of slots: whoever thinks that there are more does not take another's.
local function slot_name(self, slot)
  return ("%s/of-%d/%d"):format(self.name, self.slots, slot)
end

local function without_wait(given)
  local copy = {}
  for key, value in pairs(given) do
    copy[key] = value
  end
  copy.wait = nil
  return copy
end

local function earlier(a, b)
  return a and b and math.min(a, b) or a or b
end

---Asks for each slot once, from a place of its own, so that peers do not all queue for the first.
---@return octostore.Lock?
---@return octostore.Error?
local function try_slots(self, given, level)
  local first = math.floor(native.random() * self.slots) + 1
  local refusal
  for i = 0, self.slots - 1 do
    local slot = (first + i - 1) % self.slots + 1
    local lock, err = scoped.acquire(self._client, slot_name(self, slot), given, level + 1)
    if lock then
      return lock
    elseif err.kind ~= "lock_held" and err.kind ~= "lock_delayed" then
      return nil, err
    end
    err.retry_after = earlier(err.retry_after, refusal and refusal.retry_after)
    refusal = err
  end
  local message = ("semaphore '%s': all %d slots are taken"):format(self.name, self.slots)
  return nil, errors.new("lock_held", "no_slot", message, { retryable = true, retry_after = refusal.retry_after })
end

---Acquires a slot and returns its lock, held.
---@param given octostore.LockOptions?
---@return octostore.Lock?
---@return octostore.Error? kind "lock_held", code "no_slot", when all slots are taken
function Semaphore:acquire(given)
  local lock, err = self:_acquire(given, 2)
  return lock, err
end

function Semaphore:_acquire(given, level)
  local ok, problem = pcall(options.check_type, "acquire", "options", given, "table")
  if not ok then
    error(problem, level + 1)
  end
  given = given or {}
  local parts, wait = self._client._parts, given.wait or 0
  local rest, start, round = without_wait(given), parts.now(), 1
  problem = options.check_number("acquire", "wait", wait, 0)
  if problem then
    return nil, problem
  end
  while true do
    local lock, err = try_slots(self, rest, level + 1)
    local left = wait - (parts.now() - start)
    if lock or left <= 0 or not err.retryable then
      return lock, err
    end
    -- A round costs a request for each slot: it comes the more seldom, the more there are.
    parts.driver:sleep(math.min(self.slots * waiting.delay(err, round), left), given.cancel)
    round = round + 1
  end
end

---Acquires a slot, runs body(lock), and releases the slot on every path; as Client:with_lock.
---@param given octostore.LockOptions?
---@param body fun(lock: octostore.Lock): ...
---@return true?
---@return any ...
function Semaphore:with(given, body)
  if type(body) ~= "function" then
    error(("bad argument 'body' to 'with' (function expected, got %s)"):format(type(body)), 2)
  end
  local lock, err = self:_acquire(given, 2)
  if not lock then
    return nil, err
  end
  local function pass(...)
    return ...
  end
  return pass(scoped.run(lock, body))
end

function Semaphore:__tostring()
  return ("octostore.semaphore(%s, %d)"):format(self.name, self.slots)
end

---@param client octostore.Client
---@param name string
---@param slots integer
---@param level integer
---@return octostore.Semaphore?
---@return octostore.Error?
function semaphore.new(client, name, slots, level)
  local ok, problem = pcall(function()
    options.check_type("semaphore", "name", name == nil and 0 or name, "string")
    options.check_type("semaphore", "slots", slots == nil and "" or slots, "number")
  end)
  if not ok then
    error(problem, level)
  end
  if not (slots >= 1 and slots <= MOST and slots % 1 == 0) then
    local rule = "semaphore: slots must be a whole number from 1 to %d (got %s)"
    return nil, errors.validation("slots", rule:format(MOST, tostring(slots)))
  end
  local made = setmetatable({ name = name, slots = slots, _client = client }, Semaphore)
  problem = client:_check_acquire(slot_name(made, slots), {}, level + 1)
  if problem then
    return nil, problem
  end
  return made
end

return semaphore
