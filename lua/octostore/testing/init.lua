-- octostore.testing: the whole OctoStore service as a Lua value, with a clock that a spec turns.
-- May use: its own folder; native once a script of faults is made. A double for tests and first steps: state
-- lives in this value and dies with it, /openapi.yaml and browser logins are not served, webhooks not delivered.

local accounts = require "octostore.testing.accounts"
local clock = require "octostore.testing.clock"
local driver = require "octostore.testing.driver"
local elections = require "octostore.testing.elections"
local faults = require "octostore.testing.faults"
local ids = require "octostore.testing.ids"
local json = require "octostore.testing.json"
local lock_routes = require "octostore.testing.lock_routes"
local locks = require "octostore.testing.locks"
local router = require "octostore.testing.router"
local sessions = require "octostore.testing.sessions"
local system = require "octostore.testing.system"
local time = require "octostore.testing.time"
local webhooks = require "octostore.testing.webhooks"

local testing = {}

local SWEEP_EVERY = 5 * time.SECOND
local DEFAULT_USERS = { { name = "test", token = "test-token" } }

---@class octostore.testing.ServiceOptions
---@field users { name: string, token: string, namespace: string? }[]? default: test with "test-token"
---@field admin_key string?
---@field elections boolean? false switches public elections off
---@field election_requests_per_minute integer? default 600
---@field max_elections integer? default 10000
---@field local_registration boolean? true serves POST /auth/register
---@field first_fencing_token integer|string? default 1; a string of digits beyond 2^53
---@field seed integer? of the identifiers

---@class octostore.testing.Service
local Service = {}
Service.__index = Service

---The pseudonym by which others see a holder.
function Service:public_id(holder_id)
  self.public_ids[holder_id] = self.public_ids[holder_id] or self.ids:uuid(8)
  return self.public_ids[holder_id]
end

---Calls listener(event) for every event of a lock: { event, lock_name, fencing_token?, expires_at?,
---observed_at }.
---@param listener fun(event: table)
function Service:subscribe(listener)
  table.insert(self.locks.listeners, function(event)
    for _ = 1, self.event_copies do
      listener(event)
    end
  end)
end

---Tells every event so often from now on, as the real server's streams may: they promise no "once".
---@param copies integer
function Service:duplicate_events(copies)
  if type(copies) ~= "number" or copies < 1 or copies % 1 ~= 0 then
    error(("bad argument 'copies' to 'duplicate_events' (a whole number of at least 1 expected, got %s)")
      :format(tostring(copies)), 2)
  end
  self.event_copies = copies
end

---Frees what has expired, as the real server does every five seconds. Called by itself when a
---request finds such a moment passed.
---@param now number seconds since 1970
function Service:sweep(now)
  self:_sweep(time.from_seconds(now) + self.clock_step)
end

function Service:_sweep(now)
  self.locks:sweep(now)
  self.sessions:sweep(self.locks, now)
end

-- The first request sets the moment from which sweeps are counted.
function Service:_catch_up(now)
  self.started_at = self.started_at or now
  self.next_sweep = self.next_sweep or now
  while self.next_sweep <= now do
    self:_sweep(self.next_sweep)
    self.next_sweep = self.next_sweep + SWEEP_EVERY
  end
end

local function lower_names(headers)
  local lower = {}
  for name, value in pairs(headers or {}) do
    lower[name:lower()] = value
  end
  return lower
end

-- A handler's content is a value for JSON, or text that comes with its headers.
local function respond(status, content, headers)
  headers = headers or {}
  if content ~= nil and type(content) ~= "string" then
    headers["content-type"], content = "application/json", json.encode(content)
  end
  return { status = status, headers = headers, body = content or "" }
end

---Answers one request.
---@param request { method: string, path: string, headers: table<string, string>?, body: string?, peer: string? }
---@param now number seconds since 1970
---@return { status: integer, headers: table<string, string>, body: string }
function Service:__call(request, now)
  local at = time.from_seconds(now) + self.clock_step
  local request_id = "req_" .. self.ids:hex(16)
  local copy = { method = request.method, path = request.path, body = request.body, peer = request.peer }
  copy.headers = lower_names(request.headers)
  self:_catch_up(at)
  self.counters.requests = self.counters.requests + 1
  local ok, status, content, headers = pcall(self.router.dispatch, self.router, copy, at)
  local response
  if ok then
    response = respond(status, content, headers)
  elseif faults.is(status) then
    response = faults.response(status, request_id)
  else
    error(status, 0)
  end
  response.headers["x-request-id"] = request_id
  return response
end

---Steps the server's clock, and it alone: what it counts by that clock ends earlier, or later.
---@param seconds number below 0: backwards
function Service:step_clock(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds then
    error(("bad argument 'seconds' to 'step_clock' (a number expected, got %s)"):format(tostring(seconds)), 2)
  end
  self.clock_step = self.clock_step + time.from_seconds(seconds)
  -- Sweeps are counted on a clock that does not jump.
  self.next_sweep = self.next_sweep and self.next_sweep + time.from_seconds(seconds)
end

local function install(service)
  local function routes(method, pattern, handler)
    service.router:add(method, pattern, handler)
  end
  accounts.install(service, routes)
  sessions.install(service, routes)
  lock_routes.install(service, routes)
  elections.install(service, routes)
  webhooks.install(service, routes)
  system.install(service, routes)
end

-- What a process starts with on an empty database.
local function populate(service)
  local options = service.options
  service.router = router.new()
  service.locks = locks.new(service.ids, ("%s"):format(options.first_fencing_token or "1"))
  service.acls, service.public_ids = {}, {}
  service.counters = { acquires = 0, releases = 0, requests = 0 }
  install(service)
  for _, user in ipairs(options.users or DEFAULT_USERS) do
    service.accounts:add { name = user.name, token = user.token, namespace = user.namespace }
  end
end

---Restarts the server. The real one finds everything again in its database, and so does this one unless
---told what is lost: "leases" are all locks and sessions, the fencing counter goes on; "everything" is a
---new database, with the users' first tokens and the first fencing token.
---@param lost "leases"|"everything"|nil
function Service:restart(lost)
  local counter, listeners = self.locks.counter, self.locks.listeners
  if lost == "everything" then
    populate(self)
  elseif lost == "leases" then
    self.locks = locks.new(self.ids, counter)
    self.sessions.by_id = {}
  elseif lost ~= nil then
    error(("restart loses nothing, 'leases' or 'everything' (got '%s')"):format(tostring(lost)), 2)
  end
  self.locks.listeners = listeners
  self.started_at, self.next_sweep, self.election_windows = nil, nil, {}
  self.counters = { acquires = 0, releases = 0, requests = 0 }
end

---Makes a service. Call it with a request and a time; it answers as the real server would.
---@param options octostore.testing.ServiceOptions?
---@return octostore.testing.Service
function testing.service(options)
  options = options or {}
  local service = setmetatable({
    options = options,
    ids = ids.new(options.seed or 1),
    clock_step = 0,
    event_copies = 1,
    admin_key = options.admin_key,
    elections_enabled = options.elections ~= false,
    election_requests_per_minute = options.election_requests_per_minute or 600,
    max_elections = options.max_elections or 10000,
    local_registration = options.local_registration or false,
  }, Service)
  populate(service)
  return service
end

---@param start number? seconds since 1970
---@return octostore.testing.Clock
function testing.clock(start)
  return clock.new(start)
end

---A script of faults for a driver; it begins empty, and rules can be added at any time.
---@return octostore.testing.Faults
function testing.faults()
  -- Only now: it needs the C module, which a service behind a front of its own does without.
  return require("octostore.testing.script").new()
end

---The driver for octostore.new{ driver = … } that talks to a service in this process.
---@param service octostore.testing.Service
---@param with_clock octostore.testing.Clock
---@param script octostore.testing.Faults?
---@return octostore.testing.Driver
function testing.driver(service, with_clock, script)
  if script ~= nil and not require("octostore.testing.script").is(script) then
    error(("bad argument 'script' to 'driver' (octostore.testing.faults() expected, got %s)"):format(type(script)), 2)
  end
  return driver.new(service, with_clock, script)
end

return testing
