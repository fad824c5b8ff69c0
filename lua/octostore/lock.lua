-- Scoped locks: acquire, hold within a local deadline, release on every path.
-- May use: exchange, errors, options, native, protected.
-- Authority is a local deadline: it starts when the request was sent, lasts the TTL less a margin,
-- and nothing that the server says later lengthens one that has passed.

local errors = require "octostore.errors"
local exchange = require "octostore.exchange"
local native = require "octostore.native"
local options = require "octostore.options"
local protected = require "octostore.protected"

local lock = {}

---@class octostore.LockOptions: octostore.AcquireOptions
---@field wait number? seconds to wait for a lock that someone else holds (default 0: one try)

---A lock that was acquired. It ends once and is not used again.
---@class octostore.Lock
---@field name string
---@field fencing_token integer|number|string hand it to whatever the lock protects
---@field lease_id string a secret
---@field expires_at string the server's word of when the lease ends, RFC 3339
---@field metadata string?
---@field reason string? one of octostore.reasons once it has ended
local Lock = {}
Lock.__index = Lock
Lock.__name = "octostore.lock"

local DEFAULT_TTL = 60
local RELEASE_TIMEOUT = 10
local POLL = { least = 0.1, base = 0.1, cap = 1 }

---The part of the TTL that is not used: the server's clock and ours do not run alike.
local function margin(ttl)
  return math.max(0.2 * ttl, 0.5)
end

-- ---- the handle ----

---@return number seconds of authority that remain; 0 when the lock has ended
function Lock:remaining()
  if self.reason then
    return 0
  end
  local left = self._deadline - self._client._parts.now()
  if left <= 0 then
    self.reason = "uncertain"
    return 0
  end
  return left
end

---Whether this process may still act as the holder. Makes no request.
---@return boolean
function Lock:held()
  return self:remaining() > 0
end

---The error that says how the lock ended; the same one at every call.
function Lock:_lost_error()
  if not self._error then
    local words = {
      lost = "the server no longer knows the lease",
      uncertain = "its local deadline has passed",
      released = "it was released",
    }
    local message = ("lock '%s' is not held: %s"):format(self.name, words[self.reason])
    self._error = errors.new("lock_lost", "not_held", message, { reason = self.reason })
  end
  return self._error
end

---Raises an octostore.Error of kind "lock_lost" unless the lock is held. Makes no request.
function Lock:check()
  if not self:held() then
    error(self:_lost_error(), 2)
  end
end

---Makes sure that at least `seconds` of authority remain: renews the lease when there are less.
---@param seconds number less than the TTL less its margin, by what a renewal takes
---@return true?
---@return octostore.Error?
function Lock:ensure(seconds)
  if type(seconds) ~= "number" then
    error(("bad argument 'seconds' to 'ensure' (number expected, got %s)"):format(type(seconds)), 2)
  end
  local most = self._ttl - margin(self._ttl)
  if not (seconds >= 0 and seconds <= most) then
    local rule = "ensure: seconds must be from 0 to %g, the TTL less its margin (got %g)"
    return nil, errors.validation("seconds", rule:format(most, seconds))
  end
  if self:remaining() >= seconds and self:held() then
    return true
  end
  if self.reason then
    return nil, self:_lost_error()
  end
  return self:_renew(seconds)
end

function Lock:_renew(seconds)
  local parts = self._client._parts
  local call_options = { timeout = math.min(self:remaining(), parts.timeout) }
  local result, err, started_at =
    exchange.call(parts, 2, "renew_lock", call_options, self.name, self.lease_id, self._ttl)
  if not self:held() then
    return nil, self:_lost_error()
  end
  if result then
    self._deadline = started_at + self._ttl - margin(self._ttl)
    self.expires_at = result.expires_at
    if self:remaining() >= seconds then
      return true
    end
    return nil, errors.new("timeout", "too_slow", "ensure: the renewal took too long", { outcome = "unknown" })
  end
  if exchange.proves_end(err) then
    self.reason = "lost"
    return nil, self:_lost_error()
  end
  return nil, err
end

---Gives the lock up. Authority ends at once; a lock that has ended in another way needs no request.
---@return true?
---@return octostore.Error? kind "lock_lost" when the lock had ended before
function Lock:release()
  if self._released then
    return true
  end
  if self.reason ~= "released" and not self:held() then
    return nil, self:_lost_error()
  end
  self.reason = "released"
  local call_options = { timeout = RELEASE_TIMEOUT }
  local result, err =
    exchange.call(self._client._parts, 2, "release_lock", call_options, self.name, self.lease_id)
  if err and exchange.proves_end(err) then
    if not self._maybe_released then
      self.reason = "lost"
      return nil, self:_lost_error()
    end
    result = true
  end
  self._released = result
  self._maybe_released = self._maybe_released or (err ~= nil and err.outcome == "unknown")
  if result then
    return true
  end
  return nil, err
end

function Lock:__tostring()
  return ("octostore.lock(%s, %s)"):format(self.name, self.reason or "held")
end

-- ---- waiting ----

---Who holds the lock, and since when this waiter has seen it.
local Sighting = {}
Sighting.__index = Sighting

function Sighting:update(err, at)
  if err.kind == "lock_held" and err.holder_id ~= self.holder_id then
    self.holder_id, self.since = err.holder_id, at
  end
end

---What a stranger wrote, for a message: one line, not long, no half character at its end.
local function printable(text)
  text = text:gsub("%c", "?")
  return #text <= 80 and text or text:sub(1, 80):gsub("[\192-\255][\128-\191]*$", "") .. "..."
end

---Dresses the last error of a wait that was in vain.
local function give_up(err, wait, waited, sighting, at)
  err.waited = waited
  if err.kind == "lock_held" and wait > 0 then
    local words = " (waited %.1f s; %s has been seen holding it for %.1f s%s)"
    local metadata = err.metadata and (", metadata '%s'"):format(printable(err.metadata)) or ""
    err.message = err.message .. words:format(waited, printable(err.holder_id), at - sighting.since, metadata)
    err.seen_for = at - sighting.since
  end
  return err
end

---Seconds until the next try. A holder may release at any time, so the end of its lease is only the
---latest moment to look again; every other hint of the server is a time before which it is useless.
local function delay_before_next(err, attempt)
  local held = err.kind == "lock_held"
  local hint = not held and err.retry_after or POLL.least
  local delay = native.retry_delay(attempt, math.max(hint, POLL.least), POLL.base, POLL.cap)
  if held and err.retry_after then
    delay = math.min(delay, math.max(err.retry_after, POLL.least))
  end
  return delay
end

---Tries until the lock is acquired, waiting is of no use, or `wait` seconds have passed.
local function try_until(client, wait, cancel, try)
  local parts = client._parts
  local start = parts.now()
  local sighting = setmetatable({}, Sighting)
  local attempt = 1
  while true do
    local result, err, started_at = try()
    if result then
      return result, nil, started_at
    end
    local at = parts.now()
    local left = wait - (at - start)
    sighting:update(err, at)
    if left <= 0 or not err.retryable then
      return nil, give_up(err, wait, at - start, sighting, at)
    end
    parts.driver:sleep(math.min(delay_before_next(err, attempt), left), cancel)
    attempt = attempt + 1
  end
end

-- ---- acquiring ----

---Takes the option `wait` out; the rest goes to acquire_lock.
local function split_options(where, given)
  options.check_type(where, "options", given, "table")
  options.check_type(where, "wait", given and given.wait, "number")
  local rest = {}
  for key, value in pairs(given or {}) do
    rest[key] = value
  end
  rest.wait = nil
  rest.ttl = rest.ttl or DEFAULT_TTL
  return rest, given and given.wait or 0
end

---Authority cannot be counted on a clock that stops while the machine sleeps.
local function clock_problem(client)
  if client._parts.now == native.now and not native.counts_suspend() then
    local message = "lock: this platform has no clock that counts suspend; use acquire_lock"
    return errors.new("validation", "no_suspend_clock", message)
  end
end

local function new_lock(client, name, ttl, result, started_at)
  return setmetatable({
    name = name,
    fencing_token = result.fencing_token,
    lease_id = result.lease_id,
    expires_at = result.expires_at,
    metadata = result.metadata,
    _client = client,
    _ttl = ttl,
    _deadline = started_at + ttl - margin(ttl),
  }, Lock)
end

---@param client octostore.Client
---@param name string
---@param given octostore.LockOptions?
---@param level integer for errors that are raised: the frame to blame, seen from here
---@return octostore.Lock?
---@return octostore.Error?
function lock.acquire(client, name, given, level)
  local ok, rest, wait = pcall(split_options, "lock", given)
  if not ok then
    error(rest, level + 1)
  end
  local problem = options.check_number("lock", "wait", wait, 0) or clock_problem(client)
  if problem then
    return nil, problem
  end
  local result, err, started_at = try_until(client, wait, rest.cancel, function()
    -- Not a tail call: Lua 5.1 counts those among the levels, later ones do not.
    local acquired, problem_of_try, sent_at = client:_acquire(name, rest, level + 4)
    return acquired, problem_of_try, sent_at
  end)
  if not result then
    return nil, err
  end
  local held = new_lock(client, name, rest.ttl, result, started_at)
  if held:held() then
    return held
  end
  held.reason = nil
  held:_give_back()
  return nil, errors.new("timeout", "too_slow", ("lock: the answer for '%s' came too late"):format(name))
end

---Releases a lease that was granted too late to be used.
function Lock:_give_back()
  self.reason = "released"
  self:release()
end

local function traceback(problem, thread)
  if type(problem) ~= "string" then
    return problem
  end
  return thread and debug.traceback(thread, problem) or debug.traceback(problem, 2)
end

local function pack(...)
  return { n = select("#", ...), ... }
end

local unpack = table.unpack or unpack

---Calls the event hook; a fault in it must not hide what the caller is about to learn.
local function emit(client, event)
  local on_event = client._parts.on_event
  if on_event then
    pcall(on_event, event)
  end
end

---Releases after the body, which may have done so itself, or have tried to.
local function settle(client, held)
  if held:held() or held.reason == "released" then
    local released, problem = held:release()
    if not released and held.reason == "released" then
      emit(client, { type = "release_failed", name = held.name, error = problem })
    end
  end
end

function Lock:__close()
  settle(self._client, self)
end

---What with_lock returns once the body has ended without an error of its own.
local function outcome(held, results)
  if held.reason == "released" then
    return true, unpack(results, 2, results.n)
  end
  local err = held:_lost_error()
  err.results = { n = results.n - 1, unpack(results, 2, results.n) }
  return nil, err
end

---@param client octostore.Client
---@param name string
---@param given octostore.LockOptions?
---@param body fun(lock: octostore.Lock): ...
---@param level integer
function lock.with(client, name, given, body, level)
  local held, err = lock.acquire(client, name, given, level)
  if not held then
    return nil, err
  end
  local results = pack(protected.xpcall(function()
    return body(held)
  end, traceback))
  settle(client, held)
  if results[1] then
    return outcome(held, results)
  end
  if held._error and rawequal(results[2], held._error) then
    return nil, held._error
  end
  error(results[2], 0)
end

return lock
