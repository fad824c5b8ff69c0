-- Scoped locks: acquired in the client's session, one at a time for each name in this process, and
-- released on every path.
-- May use: errors, keeping, lock, native, options, protected, session, waiting.

local errors = require "octostore.errors"
local keeping = require "octostore.keeping"
local lock = require "octostore.lock"
local native = require "octostore.native"
local options = require "octostore.options"
local protected = require "octostore.protected"
local session = require "octostore.session"
local waiting = require "octostore.waiting"

local scoped = {}

---@class octostore.LockOptions: octostore.CallOptions
---@field ttl integer? seconds, 1 to 3600 (default 60), that each renewal asks for
---@field wait number? seconds to wait for a lock that someone else holds (default 0: one try)
---@field max_hold number? seconds after which it is no longer renewed and ends
---@field on_lost fun(lock: octostore.Lock, reason: string)? called once when it has ended against its
---owner's will: by check, ensure and release with the blocking driver
---@field session octostore.Session? to hold it in, instead of the client's own
---@field scope "session"|"token"? "token" is NOT exclusive between processes that share the token: all
---of them get the lock
---@field metadata string|table? for others to see: up to 1024 characters; a table is sent as JSON
---@field lock_delay integer? seconds, 0 to 30, before the lock can be had again once it ends
---@field acl { acquire: string[] }? who may acquire it from now on: "user:NAME", "token:TOKEN"

local DEFAULT_TTL = 60
local FIRST_TTL = 60 -- an orphan of a lost answer lives no longer; renewal raises it
local OWN_OPTIONS = { wait = true, max_hold = true, on_lost = true, session = true, scope = true }
local MADE_HERE = { session_id = true, ephemeral = true }

-- ---- options ----

---Which of this state's coroutines asks: numbers, since an address is used again.
local owners = setmetatable({}, { __mode = "k" })
local owner_count = 0
local MAIN = {}

local function owner_of_caller()
  local thread = coroutine.running() or MAIN
  if not owners[thread] then
    owner_count = owner_count + 1
    owners[thread] = owner_count
  end
  return owners[thread]
end

---Authority cannot be counted on a clock that stops while the machine sleeps.
local function clock_problem(where, parts)
  if parts.now == native.now and not native.counts_suspend() then
    local message = where .. ": this platform has no clock that counts suspend; use acquire_lock"
    return errors.new("validation", "no_suspend_clock", message)
  end
end

local function check_types(where, given)
  options.check_type(where, "options", given, "table")
  options.check_type(where, "wait", given.wait, "number")
  options.check_type(where, "scope", given.scope, "string")
  if given.session ~= nil and not session.is(given.session) then
    local message = "bad argument 'session' to '%s' (octostore.session expected, got %s)"
    error(message:format(where, type(given.session)), 0)
  end
end

local function check_values(where, given)
  for name in pairs(MADE_HERE) do
    if given[name] ~= nil then
      return errors.validation(name, ("%s: %s is set by scoped locks themselves; give session"):format(where, name))
    end
  end
  if given.scope ~= nil and given.scope ~= "session" and given.scope ~= "token" then
    local rule = "%s: scope must be 'session' or 'token' (got '%s')"
    return errors.validation("scope", rule:format(where, given.scope))
  elseif given.scope == "token" and given.session then
    return errors.validation("session", where .. ": session cannot be given with scope 'token'")
  end
  return options.check_number(where, "wait", given.wait or 0, 0)
end

---Checks what a lock is asked for with. Raises for wrong types.
local function check(where, parts, given)
  check_types(where, given)
  return lock.check(where, given) or check_values(where, given) or clock_problem(where, parts)
end

---What goes to acquire_lock.
local function request_options(given, in_session)
  local rest = {}
  for key, value in pairs(given) do
    if not OWN_OPTIONS[key] then
      rest[key] = value
    end
  end
  rest.ttl = given.ttl or DEFAULT_TTL
  if in_session then
    rest.session_id, rest.ephemeral = in_session.session_id, true
  end
  return rest
end

-- ---- one try ----

---A try to get a lock; it is made again while it waits. The gate is kept meanwhile: of many waiters in
---this process one asks the server.
local Try = {}
Try.__index = Try

local REFUSALS = {
  own = "the lock is held by this coroutine itself",
  taken = "the lock is held, or waited for, in this process",
}

function Try:refused(why)
  local message = ("lock: '%s': %s"):format(self.name, REFUSALS[why])
  return errors.new("lock_held", why == "own" and "held_by_caller" or "held_in_process", message,
    { same_process = true, retryable = why ~= "own" })
end

---The session, or the token's scope, that the lock is to be held in.
function Try:find_scope()
  local given = self.given
  if given.scope == "token" then
    local parts = self.parts
    local account = keeping.account(parts)
    if not parts.token_scope or parts.token_scope:ending(parts.now()) then
      parts.token_scope = account:token_scope()
    end
    return parts.token_scope
  end
  local in_session, err = given.session, nil
  if not in_session then
    in_session, err = session.own(self.parts, self.level + 1, given)
  end
  self.session = in_session
  return in_session and in_session._kept, err
end

function Try:ended_session_error()
  local message = "lock: the session has ended: " .. (self.session and self.session:ended() or "closed")
  return errors.new("session_expired", "session_ended", message)
end

---Asks for the gate, unless this try has it from before, in a session that still lives.
function Try:enter_gate()
  local scope, err, why
  if self.claim and self.session and self.session:ended() then
    self:give_up()
  elseif self.claim then
    return true
  end
  for _ = 1, 2 do -- the client's own session may end in between, and is then made anew
    scope, err = self:find_scope()
    if not scope then
      return nil, err
    end
    local budget = self.wait + (self.given.timeout or self.parts.timeout)
    self.claim, why = scope:claim(self.name, self.owner, self.first_ttl, budget, self.parts.now())
    if self.claim then
      return true
    elseif why ~= "over" then
      return nil, self:refused(why)
    elseif self.given.session then
      break
    end
  end
  return nil, self:ended_session_error()
end

---Has the lock watched while someone else holds it.
function Try:watch_for(seconds, err)
  if not self.watch and err.kind == "lock_held" and not err.same_process then
    self.watch = waiting.watch(self.parts, self.name, seconds)
  end
end

---Leaves the gate: opens it, or has the background find out first whether there is a lease of ours.
function Try:give_up()
  if self.claim then
    self.claim:abandon(self.parts.now(), self.may_exist)
    self.claim = nil
  end
end

function Try:new_lock(result)
  return lock.new {
    name = self.name,
    fencing_token = result.fencing_token,
    lease_id = result.lease_id,
    expires_at = result.expires_at,
    metadata = result.metadata,
    _kept = self.claim,
    _parts = self.parts,
    _client = self.client, -- whose end would end the lock
    _session = self.session,
    _ttl = self.ttl,
    _on_lost = self.given.on_lost,
  }
end

---What becomes of an answer that granted a lease.
function Try:granted(result, started_at)
  local given, now = self.given, self.parts.now()
  if self.claim:granted(result.lease_id, self.ttl, self.first_ttl, given.max_hold, started_at, now, result.renew_after)
  then
    return self:new_lock(result)
  end
  self.claim = nil -- the background releases it
  local message = ("lock: the answer for '%s' came too late, or was about an earlier lease"):format(self.name)
  return nil, errors.new("timeout", "too_slow", message)
end

---What a refusal tells of the session and of leases of ours.
function Try:learn(err)
  if self.session and self.session:_learn(err) then
    self:give_up()
    if not self.given.session then
      err.retryable = true -- in a new session
    end
    return
  end
  if err.outcome == "unknown" then
    self.may_exist = true
  elseif err.kind == "lock_held" or err.kind == "lock_delayed" then
    self.may_exist = false
    waiting.share(self.parts, self, err)
  end
end

---@return octostore.Lock?
---@return octostore.Error?
function Try:make()
  local entered, err = self:enter_gate()
  if not entered then
    return nil, err
  end
  local known = self.wait > 0 and waiting.recent(self.parts, self)
  if known then
    return nil, known
  end
  local rest = request_options(self.given, self.session)
  rest.ttl = self.first_ttl
  local result, problem, started_at = self.client:_acquire(self.name, rest, self.level + 2)
  if result then
    return self:granted(result, started_at)
  end
  self:learn(problem)
  return nil, problem
end

-- ---- waiting ----

---Tries until the lock is acquired, waiting is of no use, or `wait` seconds have passed.
local function wait_for(try)
  local parts, wait = try.parts, try.wait
  local start = parts.now()
  local sighting = waiting.sighting()
  local attempt = 1
  while true do
    local made, err = try:make()
    if made then
      return made
    end
    local at = parts.now()
    local left = wait - (at - start)
    sighting:update(err, at)
    if left <= 0 or not err.retryable then
      try:give_up()
      return nil, waiting.give_up(err, wait, at - start, sighting, at)
    end
    try:watch_for(left, err)
    waiting.sleep(parts, math.min(waiting.delay(err, attempt), left), try.given.cancel, try.watch)
    attempt = attempt + 1
  end
end

local function try_until(try)
  local made, err = wait_for(try)
  waiting.unwatch(try.watch)
  return made, err
end

---@param client octostore.Client
---@param name string
---@param given octostore.LockOptions?
---@param level integer for errors that are raised: the frame to blame, seen from here
---@return octostore.Lock?
---@return octostore.Error?
function scoped.acquire(client, name, given, level)
  local parts = client._parts
  local ok, problem = pcall(check, "lock", parts, given == nil and {} or given)
  if not ok then
    error(problem, level + 1)
  end
  given = given or {}
  local ttl = given.ttl or DEFAULT_TTL
  problem = problem or client:_check_acquire(name, request_options(given), level + 1)
  if problem then
    return nil, problem
  end
  keeping.deliver(parts)
  local made, err = try_until(setmetatable({
    client = client,
    parts = parts,
    name = name,
    given = given,
    level = level + 2,
    owner = owner_of_caller(),
    ttl = ttl,
    first_ttl = math.min(ttl, FIRST_TTL),
    wait = given.wait or 0,
    may_exist = false,
  }, Try))
  return made, err
end

-- ---- a body ----

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

---What a body's caller gets once the body has ended without an error of its own.
local function outcome(held, results)
  if held.reason == "released" then
    return true, unpack(results, 2, results.n)
  end
  local err = held:_lost_error()
  err.results = { n = results.n - 1, unpack(results, 2, results.n) }
  return nil, err
end

---Runs a body under what is held, one lock or several, and gives it up on every path.
---@param held table with what Lock has: reason, _notice, _settle, _lost_error, _is_own_error
---@param body function called with `held`
function scoped.run(held, body)
  local results = pack(protected.xpcall(function()
    return body(held)
  end, traceback))
  held:_notice()
  held:_settle()
  if results[1] then
    return outcome(held, results)
  end
  if held:_is_own_error(results[2]) then
    return nil, results[2]
  end
  error(results[2], 0)
end

---@param client octostore.Client
---@param name string
---@param given octostore.LockOptions?
---@param body fun(lock: octostore.Lock): ...
---@param level integer
function scoped.with(client, name, given, body, level)
  local held, err = scoped.acquire(client, name, given, level)
  if not held then
    return nil, err
  end
  return scoped.run(held, body)
end

return scoped
