-- Several locks at once: all or nothing, in one order for everybody.
-- May use: errors, options, scoped.

local errors = require "octostore.errors"
local options = require "octostore.options"
local scoped = require "octostore.scoped"

local many = {}

---Several locks that are held together. `locks[i]` is the lock of the i-th name that was asked for.
---@class octostore.Locks
---@field [integer] octostore.Lock
---@field reason string? one of octostore.reasons once one of them has ended, or all have been released
local Locks = {}
Locks.__name = "octostore.locks"

function Locks:__index(key)
  if key == "reason" then
    return Locks._ended(self)
  end
  return Locks[key]
end

---How the first of them that was lost has ended; "released" when all were released.
function Locks:_ended()
  local released = 0
  for _, lock in ipairs(self) do
    local reason = lock.reason
    if reason and reason ~= "released" then
      return reason
    end
    released = released + (reason and 1 or 0)
  end
  return released == #self and "released" or nil
end

---@param name string
---@return octostore.Lock?
function Locks:named(name)
  for _, lock in ipairs(self) do
    if lock.name == name then
      return lock
    end
  end
end

---@return number seconds of authority that remain for all of them; 0 when one has ended
function Locks:remaining()
  local least = math.huge
  for _, lock in ipairs(self) do
    least = math.min(least, lock:remaining())
  end
  return least
end

---Whether this process may still act as the holder of all of them. Makes no request.
---@return boolean
function Locks:held()
  return self:remaining() > 0
end

---Raises an octostore.Error of kind "lock_lost" unless all of them are held. Makes no request.
function Locks:check()
  for _, lock in ipairs(self) do
    if lock:_notice() then
      error(lock:_lost_error(), 2)
    end
  end
end

---Makes sure that at least `seconds` of authority remain for all of them.
---@param seconds number
---@return true?
---@return octostore.Error?
function Locks:ensure(seconds)
  for _, lock in ipairs(self) do
    local ok, err = lock:ensure(seconds)
    if not ok then
      return nil, err
    end
  end
  return true
end

function Locks:_lost_error()
  for _, lock in ipairs(self) do
    if lock.reason and lock.reason ~= "released" then
      return lock:_lost_error()
    end
  end
  return self[1]:_lost_error()
end

function Locks:_is_own_error(problem)
  for _, lock in ipairs(self) do
    if lock:_is_own_error(problem) then
      return true
    end
  end
  return false
end

function Locks:_notice()
  for _, lock in ipairs(self) do
    lock:_notice()
  end
end

---Gives them up one by one: never by ending the session, which may hold others.
function Locks:_settle()
  for i = #self, 1, -1 do
    self[i]:_settle()
  end
end

-- ---- acquiring ----

local function check_types(names, given)
  options.check_type("with_locks", "names", names == nil and 0 or names, "table")
  options.check_type("with_locks", "options", given, "table")
  for i = 1, #names do
    options.check_type("with_locks", ("names[%d]"):format(i), names[i], "string")
  end
end

local function check_values(names, given)
  local seen = {}
  for i, name in ipairs(names) do
    if seen[name] then
      local rule = "with_locks: names must differ from each other (the %dth and the %dth do not)"
      return errors.validation("names", rule:format(seen[name], i))
    end
    seen[name] = i
  end
  if #names == 0 then
    return errors.validation("names", "with_locks: names must have at least one name (got none)")
  elseif given.lock_delay then
    return errors.validation("lock_delay", "with_locks: lock_delay is not for several locks: giving up half of them "
      .. "would lock oneself out")
  elseif given.scope == "token" then
    return errors.validation("scope", "with_locks: scope must be 'session' (got 'token')")
  end
end

local function with_wait(given, wait)
  local copy = {}
  for key, value in pairs(given) do
    copy[key] = value
  end
  copy.wait = math.max(wait, 0)
  return copy
end

---Acquires them in the order of their names, so that two who want the same ones do not wait for each
---other; answers them by name.
local function acquire_all(client, names, given, level)
  local parts, wait = client._parts, given.wait or 0
  local sorted, held, by_name = {}, {}, {}
  for i, name in ipairs(names) do
    sorted[i] = name
  end
  table.sort(sorted)
  local start = parts.now()
  for _, name in ipairs(sorted) do
    local lock, err = scoped.acquire(client, name, with_wait(given, start + wait - parts.now()), level + 1)
    if not lock then
      Locks._settle(held)
      err.name = name
      return nil, err
    end
    held[#held + 1] = lock
    by_name[name] = lock
  end
  return by_name
end

---@param client octostore.Client
---@param names string[]
---@param given octostore.LockOptions?
---@param body fun(locks: octostore.Locks): ...
---@param level integer
function many.with(client, names, given, body, level)
  given = given == nil and {} or given
  local ok, problem = pcall(check_types, names, given)
  if not ok then
    error(problem, level)
  end
  problem = check_values(names, given)
  if problem then
    return nil, problem
  end
  local by_name, err = acquire_all(client, names, given, level)
  if not by_name then
    return nil, err
  end
  local locks = {}
  for i, name in ipairs(names) do
    locks[i] = by_name[name]
  end
  return scoped.run(setmetatable(locks, Locks), body)
end

return many
