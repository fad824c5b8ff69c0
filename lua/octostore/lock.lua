-- A lock that was acquired: its authority, its renewal, its end. Its lease is kept in C, which renews
-- it in the background and counts its deadline.
-- May use: errors, exchange, keeping.

local errors = require "octostore.errors"
local exchange = require "octostore.exchange"
local keeping = require "octostore.keeping"
local options = require "octostore.options"

local lock = {}

---It is renewed in the background until it ends. It ends once and is not used again.
---Keep it in a variable: a lock that is collected as garbage is released, so that
---`assert(client:lock("x"))` without a variable protects nothing.
---@class octostore.Lock
---@field name string
---@field fencing_token integer|number|string hand it to whatever the lock protects
---@field lease_id string a secret
---@field expires_at string when the lease would have ended unrenewed, the server's word, RFC 3339
---@field metadata string?
---@field reason string? one of octostore.reasons once it has ended
local Lock = {}
Lock.__name = "octostore.lock"

local RELEASE_TIMEOUT = 10

function Lock:__index(key)
  if key == "reason" then
    return Lock._ended(self)
  end
  return Lock[key]
end

---The part of the TTL that is not used: the server's clock and ours do not run alike.
local function margin(ttl)
  return math.max(0.2 * ttl, 0.5)
end

---@return string? reason
function Lock:_ended()
  return self._lost_at_release or self._kept:ending(self._parts.now())
end

---@return number seconds of authority that remain; 0 when the lock has ended
function Lock:remaining()
  return self._kept:remaining(self._parts.now())
end

---Whether this process may still act as the holder. Makes no request.
---@return boolean
function Lock:held()
  return self:remaining() > 0
end

local WORDS = {
  lost = "the server no longer knows the lease",
  uncertain = "its local deadline has passed",
  released = "it was released",
  session = "its session has ended",
  forked = "it belongs to the parent process",
  max_hold = "it was held for as long as max_hold allows",
}

---The error that says how the lock ended; the same one at every call.
function Lock:_lost_error()
  if not self._error then
    local reason = self:_ended()
    local message = ("lock '%s' is not held: %s"):format(self.name, WORDS[reason])
    self._error = errors.new("lock_lost", "not_held", message, { reason = reason })
  end
  return self._error
end

---Whether this is what check has raised.
function Lock:_is_own_error(problem)
  return self._error ~= nil and rawequal(problem, self._error)
end

---Tells on_lost, once, that the lock has ended against its owner's will.
function Lock:_notice()
  keeping.deliver(self._parts)
  local reason = self:_ended()
  if reason and reason ~= "released" and self._kept:report(self._parts.now()) and self._on_lost then
    pcall(self._on_lost, self, reason)
  end
  return reason
end

---Raises an octostore.Error of kind "lock_lost" unless the lock is held. Makes no request.
function Lock:check()
  if self:_notice() then
    error(self:_lost_error(), 2)
  end
end

---The most that ensure can be asked for: a whole TTL less its margin, of the lock and of its session.
function Lock:_most()
  local most = self._ttl - margin(self._ttl)
  return self._session and math.min(most, self._session:_most()) or most
end

---Makes sure that at least `seconds` of authority remain: renews the lease, and its session, when
---there are less.
---@param seconds number less than the TTLs of both less their margins, by what a renewal takes
---@return true?
---@return octostore.Error?
function Lock:ensure(seconds)
  if type(seconds) ~= "number" then
    error(("bad argument 'seconds' to 'ensure' (number expected, got %s)"):format(type(seconds)), 2)
  end
  local most = self:_most()
  if not (seconds >= 0 and seconds <= most) then
    local rule = "ensure: seconds must be from 0 to %g, the TTL, or the session's, less its margin (got %g)"
    return nil, errors.validation("seconds", rule:format(most, seconds))
  end
  if self:_notice() then
    return nil, self:_lost_error()
  end
  if self:remaining() >= seconds then
    return true
  end
  return self:_renew(seconds)
end

function Lock:_renew(seconds)
  local parts = self._parts
  local call_options = { timeout = math.min(self:remaining(), parts.timeout) }
  if self._session and self._session:remaining() < seconds then
    self._session:keep_alive(call_options)
    call_options = { timeout = math.max(0.001, math.min(self:remaining(), parts.timeout)) }
  end
  local result, err, started_at =
    exchange.call(parts, 2, "renew_lock", call_options, self.name, self.lease_id, self._ttl)
  if result and self._kept:renewed(self._ttl, started_at, parts.now(), result.renew_after) then
    self.expires_at = result.expires_at
  elseif err and exchange.proves_end(err) then
    self._kept:lost(parts.now())
  elseif err and err.outcome == "unknown" then
    self._kept:may_be_renewed(parts.now())
  end
  if self:_notice() then
    return nil, self:_lost_error()
  end
  if err then
    return nil, err
  end
  if self:remaining() >= seconds then
    return true
  end
  local message = "ensure: too little remains: the renewal took too long, or the session ends earlier"
  return nil, errors.new("timeout", "too_slow", message, { outcome = "unknown" })
end

---Sends the release; the background leaves it to us for as long.
---@return true? confirmed
---@return octostore.Error?
function Lock:_send_release()
  local parts = self._parts
  local call_options = { timeout = RELEASE_TIMEOUT }
  local result, err = exchange.call(parts, 2, "release_lock", call_options, self.name, self.lease_id)
  local gone = err ~= nil and exchange.proves_end(err)
  self._kept:released(parts.now(), result ~= nil or gone)
  if gone and not self._maybe_released then
    self._lost_at_release = "lost"
    self:_notice()
    return nil, self:_lost_error()
  elseif result or gone then
    return true
  end
  self._maybe_released = true -- by this request, or soon by the background, which goes on trying
  return nil, err
end

---Gives the lock up. Authority ends at once; a lock that has ended in another way needs no request.
---When the server cannot be reached the background goes on trying.
---@return true?
---@return octostore.Error? kind "lock_lost" when the lock had ended before
function Lock:release()
  keeping.deliver(self._parts)
  if not self._kept:release(self._parts.now(), RELEASE_TIMEOUT) then
    if self:_ended() ~= "released" then
      self:_notice()
      return nil, self:_lost_error()
    elseif self._kept:is_closed() then
      return true -- by an earlier call, by the background, or with its session
    end
  end
  return self:_send_release()
end

---Releases after a body, which may have done so itself, or have tried to.
function Lock:_settle()
  if self:held() or self:_ended() == "released" then
    local released, problem = self:release()
    if not released and self:_ended() == "released" then
      keeping.emit(self._parts, { type = "release_failed", name = self.name, error = problem })
    end
  end
  self:_notice() -- it may have ended since the body was asked last
end

function Lock:__close()
  self:_settle()
end

function Lock:__tostring()
  return ("octostore.lock(%s, %s)"):format(self.name, self:_ended() or "held")
end

---@param fields table
---@return octostore.Lock
function lock.new(fields)
  return setmetatable(fields, Lock)
end

---Checks the options that a lock itself takes. Raises for wrong types.
---@param where string
---@param given table
---@return octostore.Error?
function lock.check(where, given)
  options.check_type(where, "max_hold", given.max_hold, "number")
  options.check_type(where, "on_lost", given.on_lost, "function")
  return given.max_hold and options.check_number(where, "max_hold", given.max_hold, 0, true)
end

return lock
