-- Sessions: the identities of ephemeral locks, and their routes.
-- May use: body, faults, time.

local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"
local time = require "octostore.testing.time"

local sessions = {}

local Sessions = {}
Sessions.__index = Sessions

local DEFAULT_TTL, LEAST_TTL, MOST_TTL = 60, 10, 300
local CREATE = { { "ttl_seconds", "u32" } }

local function is_expired(session, now)
  return now > session.expires_at
end

---The session when it is this user's; raises otherwise.
function Sessions:of(id, user)
  local session = self.by_id[id]
  return session and session.user_id == user.id and session or faults.raise("not_found", "Session not found")
end

---The same, and it must not have expired.
function Sessions:active(id, user, now)
  local session = self:of(id, user)
  if is_expired(session, now) then
    faults.raise("session_expired")
  end
  return session
end

---@return boolean
function Sessions:is_active_of(id, user, now)
  local session = id and self.by_id[id]
  return session ~= nil and session.user_id == user.id and not is_expired(session, now)
end

---Ends expired sessions and frees ephemeral locks whose session is gone.
function Sessions:sweep(locks, now)
  for id, session in pairs(self.by_id) do
    if session.expires_at <= now then
      self.by_id[id] = nil
    end
  end
  for _, lock in ipairs(locks:list(nil)) do
    if lock.ephemeral and not self.by_id[lock.session_id] then
      locks:release_session(lock.session_id, now)
    end
  end
end

local function count_locks(locks, id)
  local count = 0
  for _, lock in ipairs(locks:list(nil)) do
    count = count + (lock.session_id == id and 1 or 0)
  end
  return count
end

local function create(service, request, _, now)
  local given = body.read(request, CREATE)
  local user = service.accounts:authenticate(request)
  local ttl = math.min(MOST_TTL, math.max(LEAST_TTL, given.ttl_seconds or DEFAULT_TTL))
  local session = { id = service.ids:uuid(), user_id = user.id, ttl = ttl, expires_at = now + ttl * time.SECOND }
  service.sessions.by_id[session.id] = session
  return 201,
    {
      session_id = session.id,
      expires_at = time.format(session.expires_at),
      keepalive_interval_secs = math.floor(ttl / 2),
    }
end

local function keepalive(service, request, id, now)
  local session = service.sessions:active(id, service.accounts:authenticate(request), now)
  session.expires_at = now + session.ttl * time.SECOND
  return 200, { session_id = id, expires_at = time.format(session.expires_at) }
end

local function status(service, request, id, now)
  local session = service.sessions:of(id, service.accounts:authenticate(request))
  return 200,
    {
      session_id = id,
      user_id = session.user_id,
      expires_at = time.format(session.expires_at),
      lock_count = count_locks(service.locks, id),
      active = not is_expired(session, now),
    }
end

local function terminate(service, request, id, now)
  service.sessions:of(id, service.accounts:authenticate(request))
  service.locks:release_session(id, now)
  service.sessions.by_id[id] = nil
  return 204
end

---@param service octostore.testing.Service
---@param routes function adds a route
function sessions.install(service, routes)
  service.sessions = setmetatable({ by_id = {} }, Sessions)
  local function bind(handler)
    return function(request, id, now)
      return handler(service, request, id, now)
    end
  end
  routes("POST", "/sessions", bind(create))
  routes("POST", "/sessions/:uuid/keepalive", bind(keepalive))
  routes("GET", "/sessions/:uuid", bind(status))
  routes("DELETE", "/sessions/:uuid", bind(terminate))
end

return sessions
