-- The routes under /locks.
-- May use: accounts, acl, body, faults, json, locks, names, time.

local accounts = require "octostore.testing.accounts"
local acl = require "octostore.testing.acl"
local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"
local json = require "octostore.testing.json"
local names = require "octostore.testing.names"
local time = require "octostore.testing.time"

local lock_routes = {}

local RESERVED = "__election/"
local MAX_LOCKS = 100

local ACQUIRE = {
  { "ttl_seconds", "u32" },
  { "metadata", "string" },
  { "session_id", "uuid" },
  { "ephemeral", "boolean" },
  { "lock_delay_seconds", "u32" },
  { "acl", "acl" },
}
local RELEASE = { { "lease_id", "uuid", true } }
local RENEW = { { "lease_id", "uuid", true }, { "ttl_seconds", "u32" } }
local SET_ACL = { { "acl", "acl", true } }

local function check_namespace(user, name)
  if name:sub(1, #RESERVED) == RESERVED then
    faults.raise("forbidden", "Names of elections are reserved")
  elseif user.namespace and name:sub(1, #user.namespace + 1) ~= user.namespace .. "." then
    faults.raise("forbidden", "The name is outside the token's namespace")
  end
end

local function token(lock)
  return json.raw(lock.fencing_token)
end

-- ---- acquire ----

local function acquired(lock, now)
  return 200,
    {
      status = "acquired",
      lease_id = lock.lease_id,
      fencing_token = token(lock),
      expires_at = time.format(lock.expires_at),
      renew_after_ms = math.floor(time.ms_until(lock.expires_at, now) / 2),
      metadata = lock.metadata or json.null,
    }
end

local function held(service, lock, now)
  return 200,
    {
      status = "held",
      holder_id = service:public_id(lock.holder_id),
      expires_at = time.format(lock.expires_at),
      retry_after_ms = time.ms_until(lock.expires_at, now),
      metadata = lock.metadata or json.null,
    }
end

local function delayed(delay, now)
  return 409,
    {
      status = "delayed",
      available_at = time.format(delay.available_at),
      lock_delay_seconds = delay.lock_delay,
      retry_after_ms = time.ms_until(delay.available_at, now),
    }
end

local function check_acquire(given)
  names.check_ttl(given.ttl_seconds or 60, 1, 3600)
  names.check_metadata(given.metadata)
  if (given.lock_delay_seconds or 0) > 30 then
    faults.raise("invalid_input", "lock_delay_seconds is from 0 to 30")
  elseif given.ephemeral and not given.session_id then
    faults.raise("invalid_input", "An ephemeral lock needs a session_id")
  end
end

-- The ACL that a new lease brings along, or nil.
local function check_acl(service, name, user, given, bearer)
  local wanted = given.acl and given.acl.acquire
  if wanted then
    acl.check(wanted)
    wanted = acl.normalize(wanted)
  end
  local existing = service.acls[name]
  if existing and wanted and not acl.equal(existing, wanted) then
    faults.raise("conflict", "The lock has another ACL")
  end
  local effective = existing or wanted
  if effective and not user.is_admin and not acl.admits(effective, user, bearer) then
    faults.raise("forbidden", "The ACL does not admit this caller")
  end
  return wanted
end

local function check_limit(service, wanted, user, now)
  local lock = service.locks:held(wanted.name, now)
  if lock and lock.holder_id == wanted.holder_id then
    return
  end
  local count = service.locks:count(now, function(other)
    return other.holder_id == user.id or service.sessions:is_active_of(other.session_id, user, now)
  end)
  if count >= MAX_LOCKS then
    faults.raise("lock_limit_exceeded")
  end
end

local function acquire(service, request, name, now)
  local given = body.read(request, ACQUIRE)
  local user = service.accounts:authenticate(request)
  names.check(name)
  check_namespace(user, name)
  check_acquire(given)
  local new_acl = check_acl(service, name, user, given, accounts.bearer(request))
  local delay = service.locks:delay(name, now)
  if delay then
    return delayed(delay, now)
  end
  if given.session_id then
    service.sessions:active(given.session_id, user, now)
  end
  local wanted = {
    name = name,
    holder_id = given.ephemeral and given.session_id or user.id,
    metadata = given.metadata,
    session_id = given.session_id,
    ephemeral = given.ephemeral or false,
    lock_delay = given.lock_delay_seconds or 0,
  }
  check_limit(service, wanted, user, now)
  local verdict, lock = service.locks:acquire(wanted, given.ttl_seconds or 60, now)
  if verdict == "held" then
    return held(service, lock, now)
  elseif verdict == "delayed" then
    return delayed(lock, now)
  end
  service.acls[name] = service.acls[name] or new_acl
  service.counters.acquires = service.counters.acquires + 1
  return acquired(lock, now)
end

-- ---- release and renew ----

-- Whose lease a user may end or renew: its own, or that of the session which holds the name.
local function holder_for(service, user, name, now)
  local lock = service.locks:get(name)
  if lock and lock.holder_id ~= user.id and lock.ephemeral and lock.holder_id == lock.session_id then
    service.sessions:active(lock.session_id, user, now)
    return lock.session_id
  end
  return user.id
end

local function release(service, request, name, now)
  local given = body.read(request, RELEASE)
  local user = service.accounts:authenticate(request)
  names.check(name)
  check_namespace(user, name)
  service.locks:release(name, given.lease_id, holder_for(service, user, name, now), now)
  service.counters.releases = service.counters.releases + 1
  return 200, json.null
end

local function renew(service, request, name, now)
  local given = body.read(request, RENEW)
  local user = service.accounts:authenticate(request)
  names.check(name)
  check_namespace(user, name)
  local ttl = given.ttl_seconds or 60
  names.check_ttl(ttl, 1, 3600)
  local lock = service.locks:renew(name, given.lease_id, holder_for(service, user, name, now), ttl, now)
  return 200,
    {
      lease_id = lock.lease_id,
      expires_at = time.format(lock.expires_at),
      renew_after_ms = math.floor(time.ms_until(lock.expires_at, now) / 2),
    }
end

-- ---- status, list, ACL, watch ----

local function status_of(service, lock, list_acl)
  return {
    name = lock.name,
    status = "held",
    holder_id = service:public_id(lock.holder_id),
    fencing_token = token(lock),
    expires_at = time.format(lock.expires_at),
    metadata = lock.metadata or json.null,
    acl = list_acl and acl.redacted(list_acl) or nil,
  }
end

local function free_status(service, name, list_acl)
  local swept_later = service.locks:get(name)
  return {
    name = name,
    status = "free",
    holder_id = json.null,
    fencing_token = json.raw(swept_later and swept_later.fencing_token or service.locks.counter),
    expires_at = json.null,
    metadata = json.null,
    acl = list_acl and acl.redacted(list_acl) or nil,
  }
end

local function status(service, request, name, now)
  local user = service.accounts:authenticate(request)
  names.check(name)
  check_namespace(user, name)
  local lock = service.locks:held(name, now)
  if lock then
    return 200, status_of(service, lock, service.acls[name])
  end
  return 200, free_status(service, name, service.acls[name])
end

local function list(service, request, _, now)
  if request.repeated.prefix then
    faults.raise("invalid_input", "The prefix is given more than once")
  end
  local user = service.accounts:authenticate(request)
  local prefix = request.query.prefix
  local required = user.namespace and user.namespace .. "."
  if prefix and required and prefix:sub(1, #required) ~= required then
    faults.raise("forbidden", "The prefix is outside the token's namespace")
  end
  prefix = prefix or required
  local found = json.array {}
  for _, lock in ipairs(service.locks:list(prefix)) do
    if service.locks:held(lock.name, now) and lock.name:sub(1, #RESERVED) ~= RESERVED then
      found[#found + 1] = status_of(service, lock)
    end
  end
  return 200, { locks = found, total = #found, prefix = prefix or json.null }
end

local function may_set_acl(service, user, lock, now)
  if lock.holder_id == user.id then
    return not (now > lock.expires_at)
  end
  return lock.holder_id == lock.session_id
    and service.sessions:is_active_of(lock.session_id, user, now)
    and not (now > lock.expires_at)
end

local function set_acl(service, request, name, now)
  local given = body.read(request, SET_ACL)
  local user = service.accounts:authenticate(request)
  names.check(name)
  acl.check(given.acl.acquire)
  local lock = service.locks:get(name)
  if not user.is_admin then
    if not lock then
      faults.raise("not_found", "Lock not found")
    elseif not may_set_acl(service, user, lock, now) then
      faults.raise("forbidden", "Only the holder or an administrator may set the ACL")
    end
  end
  service.acls[name] = acl.normalize(given.acl.acquire)
  return 200, { name = name, acl = acl.redacted(service.acls[name]) }
end

local function watch(service, request, name, now)
  local user = service.accounts:authenticate(request)
  names.check(name)
  check_namespace(user, name)
  local lock = service.locks:held(name, now)
  local frame = {
    event = lock and "acquired" or "released",
    lock_name = name,
    fencing_token = lock and token(lock) or nil,
    expires_at = lock and time.format(lock.expires_at) or nil,
    observed_at = time.format(now),
  }
  local headers = { ["content-type"] = "text/event-stream", ["cache-control"] = "no-cache" }
  return 200, "data: " .. json.encode(frame) .. "\n\n", headers
end

---@param service octostore.testing.Service
---@param routes function adds a route
function lock_routes.install(service, routes)
  local function bind(handler)
    return function(request, name, now)
      return handler(service, request, name, now)
    end
  end
  routes("POST", "/locks/:name/acquire", bind(acquire))
  routes("POST", "/locks/:name/release", bind(release))
  routes("POST", "/locks/:name/renew", bind(renew))
  routes("PUT", "/locks/:name/acl", bind(set_acl))
  routes("GET", "/locks/:name/watch", bind(watch))
  routes("GET", "/locks/:name", bind(status))
  routes("GET", "/locks", bind(list))
end

return lock_routes
