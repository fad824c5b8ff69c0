-- Health, counters and what only an administrator may see. Figures of load are zero here.
-- May use: faults, json, time.

local faults = require "octostore.testing.faults"
local json = require "octostore.testing.json"
local time = require "octostore.testing.time"

local system = {}

local WINDOWS = { ["1h"] = true, ["12h"] = true, ["24h"] = true, ["7d"] = true }
local ENDPOINTS = { "acquire", "release", "renew", "status", "list", "auth", "election" }

local function active_locks(service, now)
  return service.locks:count(now, function()
    return true
  end)
end

local function counters(service, now)
  return {
    uptime_seconds = math.floor((now - service.started_at) / time.SECOND),
    active_locks = active_locks(service, now),
    total_users = #service.accounts.list,
    total_acquires = service.counters.acquires,
    total_releases = service.counters.releases,
  }
end

local function health()
  return 200, { status = "ok", storage = "wal", db_size_bytes = 0 }
end

local function status(service, _, _, now)
  local answer = counters(service, now)
  answer.status = "ok"
  return 200, answer
end

local function lock_for_admin(service, lock, now)
  local holder = service.accounts:find(lock.holder_id)
  return {
    name = lock.name,
    holder_username = holder and holder.name or "unknown",
    metadata = lock.metadata or json.null,
    fencing_token = json.raw(lock.fencing_token),
    expires_at = time.format(lock.expires_at, "+00:00"),
    ttl_remaining_seconds = math.floor(math.max(0, lock.expires_at - now) / time.SECOND),
  }
end

local function admin_status(service, request, _, now)
  service.accounts:require_admin(request)
  local answer = counters(service, now)
  answer.healthy, answer.locks, answer.users = true, json.array {}, json.array {}
  for _, lock in ipairs(service.locks:list(nil)) do
    if service.locks:held(lock.name, now) then
      table.insert(answer.locks, lock_for_admin(service, lock, now))
    end
  end
  for i, user in ipairs(service.accounts.list) do
    local created_at = time.format(service.started_at, "+00:00")
    answer.users[i] = { id = user.id, github_username = user.name, created_at = created_at }
  end
  return 200, answer
end

local function idle_endpoint()
  local zero = "0.0"
  return { count = 0, avg_ms = zero, p50_ms = zero, p95_ms = zero, p99_ms = zero, errors = 0, min_ms = 0, max_ms = 0 }
end

local function metrics(service, request, _, now)
  service.accounts:require_admin(request)
  local known = counters(service, now)
  local endpoints = {}
  for _, name in ipairs(ENDPOINTS) do
    endpoints[name] = idle_endpoint()
  end
  return 200,
    {
      uptime_seconds = known.uptime_seconds,
      total_requests = service.counters.requests,
      requests_per_second = json.raw "0.0",
      active_locks = known.active_locks,
      total_users = known.total_users,
      endpoints = endpoints,
      lock_store = {
        total_acquires = known.total_acquires,
        total_releases = known.total_releases,
        total_expirations = 0,
        cache_hits = 0,
        cache_misses = 0,
      },
      memory_bytes = 0,
    }
end

local function timeseries(service, request)
  service.accounts:require_admin(request)
  local window = request.query.window or "1h"
  if not WINDOWS[window] then
    faults.raise("invalid_input", "A window is 1h, 12h, 24h or 7d")
  end
  local function none()
    return json.array {}
  end
  return 200,
    {
      window = window,
      timestamps = none(),
      request_volume = none(),
      acquire_rates = none(),
      release_rates = none(),
      active_locks = none(),
    }
end

---@param service octostore.testing.Service
---@param routes function adds a route
function system.install(service, routes)
  local function bind(handler)
    return function(request, parameter, now)
      return handler(service, request, parameter, now)
    end
  end
  routes("GET", "/health", bind(health))
  routes("GET", "/status", bind(status))
  routes("GET", "/admin/status", bind(admin_status))
  routes("GET", "/admin/metrics/timeseries", bind(timeseries))
  routes("GET", "/metrics", bind(metrics))
end

return system
