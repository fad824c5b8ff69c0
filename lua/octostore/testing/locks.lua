-- Leases: who holds which name until when. The part of the service below its routes.
-- May use: faults, time. Elections stand on it as well.

local faults = require "octostore.testing.faults"
local time = require "octostore.testing.time"

local locks = {}

---@class octostore.testing.Locks
local Locks = {}
Locks.__index = Locks

---Adds one to a whole number written in decimal digits, of any length.
local function increment(digits)
  local head, nines = digits:match("^(.-)(9*)$")
  local last = head:sub(-1)
  local bumped = last == "" and "1" or head:sub(1, -2) .. tostring(tonumber(last) + 1)
  return bumped .. ("0"):rep(#nines)
end

function Locks:next_token()
  local token = self.counter
  self.counter = increment(token)
  return token
end

local function is_expired(lock, now)
  return now > lock.expires_at
end

---The lock of that name, expired or not, until a sweep takes it away.
function Locks:get(name)
  return self.by_name[name]
end

---The lock of that name unless it is free or expired.
function Locks:held(name, now)
  local lock = self.by_name[name]
  return lock and not is_expired(lock, now) and lock or nil
end

function Locks:publish(kind, lock, now)
  local known = kind == "acquired" or kind == "renewed"
  local event = {
    event = kind,
    lock_name = lock.name,
    fencing_token = known and tonumber(lock.fencing_token) or nil,
    expires_at = known and time.format(lock.expires_at) or nil,
    observed_at = time.format(now),
  }
  for _, listener in ipairs(self.listeners) do
    listener(event)
  end
end

-- Every end of a lease starts its delay.
local function remove(self, lock, kind, now)
  self.by_name[lock.name] = nil
  if lock.lock_delay > 0 then
    self.cooling[lock.name] = { available_at = now + lock.lock_delay * time.SECOND, lock_delay = lock.lock_delay }
  end
  self:publish(kind, lock, now)
end

---The delay that keeps a free name from being acquired, or nil.
function Locks:delay(name, now)
  local cooling = self.cooling[name]
  if cooling and cooling.available_at <= now then
    self.cooling[name] = nil
    return nil
  end
  return cooling
end

---How many unexpired locks satisfy the predicate.
function Locks:count(now, predicate)
  local count = 0
  for _, lock in pairs(self.by_name) do
    if not is_expired(lock, now) and predicate(lock) then
      count = count + 1
    end
  end
  return count
end

-- The same holder keeps its lease; a later end is taken, an earlier one is not.
local function renew_same_holder(self, lock, ttl, now)
  lock.expires_at = math.max(lock.expires_at, now + ttl * time.SECOND)
  self:publish("renewed", lock, now)
  return "acquired", lock
end

local function grant(self, wanted, ttl, now)
  wanted.lease_id = self.ids:uuid()
  wanted.fencing_token = self:next_token()
  wanted.expires_at = now + ttl * time.SECOND
  self.by_name[wanted.name] = wanted
  self:publish("acquired", wanted, now)
  return "acquired", wanted
end

---Tries to acquire.
---@param wanted table { name, holder_id, metadata, session_id, ephemeral, lock_delay }
---@param ttl integer seconds
---@param now number
---@return "acquired"|"held"|"delayed"
---@return table lock or delay
function Locks:acquire(wanted, ttl, now)
  local lock = self.by_name[wanted.name]
  if lock and lock.expires_at <= now and lock.lock_delay > 0 then
    remove(self, lock, "expired", now)
    lock = nil
  end
  if lock and lock.expires_at > now then
    if lock.holder_id == wanted.holder_id then
      return renew_same_holder(self, lock, ttl, now)
    end
    return "held", lock
  end
  local delay = self:delay(wanted.name, now)
  if delay then
    return "delayed", delay
  end
  return grant(self, wanted, ttl, now)
end

local function current(self, name, lease_id, holder_id)
  local lock = self.by_name[name]
  if not lock then
    faults.raise("lease_not_current")
  elseif lock.holder_id ~= holder_id or lock.lease_id ~= lease_id then
    faults.raise("lease_not_current", nil, { status = 400 })
  end
  return lock
end

function Locks:release(name, lease_id, holder_id, now)
  local lock = current(self, name, lease_id, holder_id)
  if is_expired(lock, now) then
    faults.raise("lease_not_current")
  end
  remove(self, lock, "released", now)
end

---At the very moment of its expiry a lease can still be released, but no longer renewed.
---@return table lock
function Locks:renew(name, lease_id, holder_id, ttl, now)
  local lock = current(self, name, lease_id, holder_id)
  if lock.expires_at <= now then
    faults.raise("lease_not_current")
  end
  lock.expires_at = now + ttl * time.SECOND
  self:publish("renewed", lock, now)
  return lock
end

---Releases the ephemeral locks of a session.
function Locks:release_session(session_id, now)
  for _, lock in ipairs(self:list(nil)) do
    if lock.ephemeral and lock.session_id == session_id then
      remove(self, lock, "released", now)
    end
  end
end

---All locks, expired ones too until a sweep, sorted by name.
---@param prefix string?
function Locks:list(prefix)
  local list = {}
  for name, lock in pairs(self.by_name) do
    if not prefix or name:sub(1, #prefix) == prefix then
      list[#list + 1] = lock
    end
  end
  table.sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

---Takes expired locks and delays away, as the server does every five seconds.
function Locks:sweep(now)
  for name in pairs(self.cooling) do
    self:delay(name, now)
  end
  for _, lock in ipairs(self:list(nil)) do
    if lock.expires_at <= now then
      remove(self, lock, "expired", now)
    end
  end
end

---@param ids table
---@param first_token string decimal digits
---@return octostore.testing.Locks
function locks.new(ids, first_token)
  return setmetatable({ by_name = {}, cooling = {}, listeners = {}, ids = ids, counter = first_token }, Locks)
end

return locks
