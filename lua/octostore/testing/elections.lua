-- Elections: leader leases without accounts, and their routes.
-- May use: body, faults, json, names, time.

local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"
local json = require "octostore.testing.json"
local names = require "octostore.testing.names"
local time = require "octostore.testing.time"

local elections = {}

local PREFIX = "__election/"
local DEFAULT_TTL, LEAST_TTL, MOST_TTL = 30, 5, 300
local WINDOW = 60 * time.SECOND

local CAMPAIGN = { { "candidate_id", "string", true }, { "ttl_seconds", "u32" }, { "metadata", "string" } }
local ACTION = { { "leader_token", "string", true }, { "ttl_seconds", "u32" } }

local function check_enabled(service)
  if not service.elections_enabled then
    faults.raise("forbidden", "Public elections are off")
  end
end

local function check_id(id)
  if #id < 8 or #id > 64 or id:find("[^%w_-]") then
    faults.raise("invalid_input", "An election id has 8 to 64 letters, digits, '-' and '_'")
  end
end

local function check_candidate(id)
  if #id < 1 or #id > 64 or id:find("[^%w._:@-]") then
    faults.raise("invalid_input", "A candidate id has 1 to 64 letters, digits, '.', '_', ':', '@' and '-'")
  end
end

-- A proxy on the same machine says who is behind it.
local function client_of(request)
  local forwarded = (request.headers["cf-connecting-ip"] or ""):match("^[%x.:]+$")
  local is_local = request.peer and (request.peer:find("^127%.") or request.peer == "::1")
  return is_local and forwarded or request.peer or "unknown"
end

-- Fixed windows of a minute for each client; only admission counts.
local function check_rate(service, request, now)
  local client = client_of(request)
  local window = service.election_windows[client]
  if not window or now - window.started >= WINDOW then
    window = { started = now, requests = 0 }
    service.election_windows[client] = window
  end
  if window.requests >= service.election_requests_per_minute then
    local left = math.floor((WINDOW - (now - window.started)) / time.SECOND)
    faults.raise("rate_limited", nil, { retry_after = math.max(1, left) })
  end
  window.requests = window.requests + 1
end

local function check_capacity(service, name, now)
  if service.locks:held(name, now) then
    return
  end
  local count = service.locks:count(now, function(lock)
    return lock.name:sub(1, #PREFIX) == PREFIX
  end)
  if count >= service.max_elections then
    faults.raise("capacity_exceeded", "Too many elections", { retry_after = 30 })
  end
end

local function leader(lock)
  return {
    candidate_id = lock.candidate_id,
    metadata = lock.metadata,
    term = json.raw(lock.fencing_token),
    expires_at = time.format(lock.expires_at),
  }
end

local function won(id, lock, ttl)
  return 200,
    {
      status = "leader",
      election_id = id,
      leader = leader(lock),
      leader_token = lock.leader_token,
      renew_after_ms = ttl * 500,
    }
end

local function state(service, id, now)
  local lock = service.locks:held(PREFIX .. id, now)
  return {
    election_id = id,
    status = lock and "leader" or "vacant",
    leader = lock and leader(lock) or nil,
    retry_after_ms = lock and time.ms_until(lock.expires_at, now) or 0,
  }
end

local function create(service, request, _, now)
  check_enabled(service)
  check_rate(service, request, now)
  local id = service.ids:urlsafe(32)
  local path = "/elections/" .. id
  return 201,
    { election_id = id, campaign_path = path .. "/campaign", status_path = path, watch_path = path .. "/watch" }
end

-- 32 bytes in base64: two bits of the last character are always zero.
local LAST_CHARACTERS = "AEIMQUYcgkosw048"

local function new_leader_token(ids)
  local at = ids:byte() % #LAST_CHARACTERS + 1
  return ids:urlsafe(42) .. LAST_CHARACTERS:sub(at, at)
end

local function check_leader_token(token)
  if #token ~= 43 or token:find("[^%w_-]") or not LAST_CHARACTERS:find(token:sub(-1), 1, true) then
    faults.raise("invalid_input", "The leader token is not one")
  end
end

local function campaign(service, request, id, now)
  local given = body.read(request, CAMPAIGN)
  check_enabled(service)
  check_rate(service, request, now)
  check_id(id)
  check_candidate(given.candidate_id)
  names.check_metadata(given.metadata)
  local ttl = given.ttl_seconds or DEFAULT_TTL
  names.check_ttl(ttl, LEAST_TTL, MOST_TTL)
  check_capacity(service, PREFIX .. id, now)
  local verdict, lock = service.locks:acquire({
    name = PREFIX .. id,
    holder_id = service.ids:uuid(),
    candidate_id = given.candidate_id,
    metadata = given.metadata,
    leader_token = new_leader_token(service.ids),
    ephemeral = false,
    lock_delay = 0,
  }, ttl, now)
  if verdict == "acquired" then
    service.counters.acquires = service.counters.acquires + 1
    return won(id, lock, ttl)
  end
  local retry_after_ms = time.ms_until(lock.expires_at, now)
  return 200, { status = "follower", election_id = id, leader = leader(lock), retry_after_ms = retry_after_ms }
end

-- The lease behind a leader token; a token of another term matches nothing.
local function lease_of(service, id, token)
  local lock = service.locks:get(PREFIX .. id)
  if lock and lock.leader_token == token then
    return lock.lease_id, lock.holder_id
  end
end

local function renew(service, request, id, now)
  local given = body.read(request, ACTION)
  check_enabled(service)
  check_id(id)
  local ttl = given.ttl_seconds or DEFAULT_TTL
  names.check_ttl(ttl, LEAST_TTL, MOST_TTL)
  check_leader_token(given.leader_token)
  local lease_id, holder_id = lease_of(service, id, given.leader_token)
  return won(id, service.locks:renew(PREFIX .. id, lease_id, holder_id, ttl, now), ttl)
end

local function resign(service, request, id, now)
  local given = body.read(request, ACTION)
  check_enabled(service)
  check_id(id)
  check_leader_token(given.leader_token)
  local lock = service.locks:get(PREFIX .. id) or faults.raise("lease_not_current")
  local lease_id, holder_id = lease_of(service, id, given.leader_token)
  service.locks:release(PREFIX .. id, lease_id, holder_id, now)
  service.counters.releases = service.counters.releases + 1
  return 200, { election_id = id, status = "vacant", previous_term = json.raw(lock.fencing_token) }
end

local function status(service, _, id, now)
  check_enabled(service)
  check_id(id)
  return 200, state(service, id, now)
end

local function watch(service, _, id, now)
  check_enabled(service)
  check_id(id)
  local frame = state(service, id, now)
  frame.schema_version = 1
  frame.leader = frame.leader or json.null
  frame.observed_at = time.format(now)
  local text = "event: state\nretry: 1000\ndata: " .. json.encode(frame) .. "\n\n"
  return 200, text, { ["content-type"] = "text/event-stream", ["cache-control"] = "no-cache" }
end

---@param service octostore.testing.Service
---@param routes function adds a route
function elections.install(service, routes)
  service.election_windows = {}
  local function bind(handler)
    return function(request, id, now)
      return handler(service, request, id, now)
    end
  end
  routes("POST", "/elections", bind(create))
  routes("POST", "/elections/:id/campaign", bind(campaign))
  routes("POST", "/elections/:id/renew", bind(renew))
  routes("POST", "/elections/:id/resign", bind(resign))
  routes("GET", "/elections/:id/watch", bind(watch))
  routes("GET", "/elections/:id", bind(status))
end

return elections
