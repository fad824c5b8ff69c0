-- Sessions: the identity of scoped locks. One token is one holder on the server; a session is a holder
-- of its own, so that two clients with one token exclude each other.
-- May use: errors, exchange, keeping, options.

local errors = require "octostore.errors"
local exchange = require "octostore.exchange"
local keeping = require "octostore.keeping"
local options = require "octostore.options"

local session = {}

local DEFAULT_TTL = 60
local OPEN_ATTEMPTS = 3
local OPENING_STEP = 0.02
local END_TIMEOUT = 5

---A session, kept alive in the background until it is closed.
---@class octostore.Session
---@field session_id string a secret: who has it can act as the session
---@field ttl integer seconds
---@field margin number seconds of the TTL that are not used, at least
local Session = {}
Session.__name = "octostore.session"

function Session:__index(key)
  if key == "reason" then
    return self._kept:ending(self._parts.now())
  end
  return Session[key]
end

---@class octostore.SessionOptions: octostore.CallOptions
---@field ttl integer? seconds, 10 to 300 (default 60), that it outlives its client at most
---@field margin number? seconds of the TTL that are not used, when more than a fifth of it

local OPTIONS = { ttl = true, margin = true, timeout = true, cancel = true, retry = true }

---Checks what a session is made with. Raises for wrong types.
---@param where string
---@param given octostore.SessionOptions?
---@return octostore.Error?
function session.check(where, given)
  options.check_type(where, "session", given, "table")
  given = given or {}
  options.check_type(where, "ttl", given.ttl, "number")
  options.check_type(where, "margin", given.margin, "number")
  local ttl = given.ttl or DEFAULT_TTL
  local problem = options.unknown(where, given, OPTIONS)
    or options.check_number(where, "margin", given.margin or 0, 0)
  if not problem and not (ttl >= 10 and ttl <= 300 and ttl % 1 == 0) then
    local rule = "%s: ttl of a session must be a whole number of seconds from 10 to 300 (got %s)"
    problem = errors.validation("ttl", rule:format(where, tostring(ttl)))
  elseif not problem and (given.margin or 0) > ttl / 2 then
    local rule = "%s: margin of a session must be half of its ttl of %d at most (got %g)"
    problem = errors.validation("margin", rule:format(where, ttl, given.margin))
  end
  return problem
end

---A create whose answer was lost leaves a session behind that nobody uses and that soon expires: it is
---harmless to ask for another one.
local function create(parts, level, ttl, call_options)
  local result, err, started_at
  for _ = 1, OPEN_ATTEMPTS do
    result, err, started_at = exchange.call(parts, level + 1, "create_session", call_options, ttl)
    if result or err.outcome == "none" or err.kind == "cancelled" then
      break
    end
  end
  return result, err, started_at
end

---Makes a session on the server and keeps it alive.
---@param parts table
---@param level integer
---@param given octostore.SessionOptions? checked before
---@return octostore.Session?
---@return octostore.Error?
function session.open(parts, level, given)
  given = given or {}
  local ttl = given.ttl or DEFAULT_TTL
  local call_options = { timeout = given.timeout, cancel = given.cancel, retry = given.retry }
  local account = keeping.account(parts)
  local result, err, started_at = create(parts, level, ttl, call_options)
  if not result then
    return nil, err
  end
  local kept = account:session(result.session_id, ttl, given.margin or 0, started_at, parts.now(),
    result.keepalive_interval)
  local made = setmetatable({
    session_id = result.session_id,
    ttl = ttl,
    margin = given.margin or 0,
    _kept = kept,
    _parts = parts,
  }, Session)
  parts.sessions[made] = true
  return made
end

---Why it has ended, one of octostore.reasons; nil while it lives. Makes no request.
---@return string?
function Session:ended()
  return self._kept:ending(self._parts.now())
end

---@return number seconds that it surely lives on for, without another keepalive; 0 when it has ended
function Session:remaining()
  return self._kept:remaining(self._parts.now())
end

---@return number seconds that a keepalive can make it
function Session:_most()
  return self.ttl - math.max(0.2 * self.ttl, 0.5, self.margin)
end

local GONE = { not_found = true, session_expired = true }

---Takes note of a refusal that proves that the session is gone.
---@param err octostore.Error
---@return boolean
function Session:_learn(err)
  local gone = err.status ~= nil and GONE[err.code] or false
  if gone then
    self._kept:lost(self._parts.now())
  end
  return gone
end

---Asks the server about it.
---@param given octostore.CallOptions?
---@return octostore.SessionStatus?
---@return octostore.Error? kind "session_expired" or "not_found" when it is gone, and its locks with it
function Session:inspect(given)
  local result, err = exchange.call(self._parts, 2, "get_session", given, self.session_id)
  if err then
    self:_learn(err)
  end
  return result, err
end

---Sends a keepalive now; the background does so by itself in time.
---@param given octostore.CallOptions?
---@return octostore.SessionKept?
---@return octostore.Error? as of inspect
function Session:keep_alive(given)
  local result, err, started_at = exchange.call(self._parts, 2, "keep_session_alive", given, self.session_id)
  if err then
    self:_learn(err)
    if err.outcome == "unknown" then
      self._kept:may_be_kept(self._parts.now())
    end
    return nil, err
  end
  self._kept:kept(started_at, self._parts.now())
  return result
end

---Ends it, and every lock in it at once. When the server cannot be reached the background goes on
---trying. Harmless when it has ended already.
---@return true?
---@return octostore.Error?
function Session:close()
  local parts = self._parts
  if not self._kept:close(parts.now(), END_TIMEOUT) then
    return true
  end
  parts.sessions[self] = nil
  local result, err = exchange.call(parts, 2, "end_session", { timeout = END_TIMEOUT }, self.session_id)
  local gone = err ~= nil and err.status ~= nil and GONE[err.code] or false
  self._kept:closed(parts.now(), result ~= nil or gone)
  if result or gone then
    return true
  end
  return nil, err
end

Session.__close = Session.close

function Session:__tostring()
  return ("octostore.session(%s)"):format(self:ended() or "alive")
end

---@param value any
---@return boolean
function session.is(value)
  return getmetatable(value) == Session
end

-- ---- the client's own ----

---Waits while another coroutine opens the client's session.
local function wait_for_opening(parts, cancel, deadline)
  while parts.opening_until and parts.now() < parts.opening_until and parts.now() < deadline do
    if cancel and cancel:cancelled() then
      return
    end
    parts.driver:sleep(OPENING_STEP, cancel)
  end
end

local function usable(own)
  return own and not own:ended() and own or nil
end

---The session that the client's locks are held in; made on first use, and anew when it has ended.
---@param parts table
---@param level integer
---@param call_options octostore.CallOptions
---@return octostore.Session?
---@return octostore.Error?
function session.own(parts, level, call_options)
  local deadline = parts.now() + (call_options.timeout or parts.timeout)
  if not usable(parts.session) then
    wait_for_opening(parts, call_options.cancel, deadline)
  end
  if usable(parts.session) then
    return parts.session
  end
  local given = { timeout = call_options.timeout, cancel = call_options.cancel, retry = call_options.retry }
  for name, value in pairs(parts.session_options or {}) do
    given[name] = value
  end
  parts.opening_until = deadline
  local made, err = session.open(parts, level + 1, given)
  parts.opening_until = nil
  parts.session = made or parts.session
  return made, err
end

---Ends every session that the client has made.
---@param parts table
function session.close_all(parts)
  for each in pairs(parts.sessions) do
    each:close()
  end
end

return session
