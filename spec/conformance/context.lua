-- The vocabulary of the conformance cases: requests that are recorded, fresh names, bounded waits, expectations.
-- Uses: a world's target, spec.conformance.transcript, luassert, lua-cjson.
-- Owner: one context for each case and world; it closes the streams and releases the locks of its case.

local assert = require "luassert"
local cjson = require "cjson"
local servers = require "spec.support.servers"
local transcript = require "spec.conformance.transcript"

local context = {}

local Context = {}
Context.__index = Context

local POLL_INTERVAL = 0.05

-- Routes that need no token are never sent one.
local PUBLIC = { "^/elections", "^/health", "^/status", "^/auth/register" }

-- index tells the case's names from those of all others; the same on every server, so transcripts can show them.
function context.new(target, index)
  return setmetatable({
    target = target,
    index = index,
    names = 0,
    transcript = transcript.new(),
    streams = {},
    leases = {},
  }, Context)
end

function Context:unique(prefix)
  self.names = self.names + 1
  return ("%s-%d-%d"):format(prefix, self.index, self.names)
end

function Context.token(_, user)
  return servers.token(user)
end

-- A lock name as one path segment.
function Context.segment(_, name)
  return (name:gsub("[^%w%-_.]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local function is_public(target)
  for _, pattern in ipairs(PUBLIC) do
    if target:find(pattern) then return true end
  end
  return false
end

-- Who asks: a name for the transcript and the headers that prove it.
local function identity(target, options)
  if options.admin then return "admin", { ["X-OctoStore-Admin-Key"] = servers.ADMIN_KEY } end
  if options.token then return options.as or "a token", { Authorization = "Bearer " .. options.token } end
  if options.no_auth or (is_public(target) and not options.as) then return "nobody", {} end
  local user = options.as or "alice"
  return user, { Authorization = "Bearer " .. servers.token(user) }
end

local function encoded(body)
  if type(body) == "table" then return cjson.encode(body) end
  return body
end

-- A user may hold a hundred locks: what a case took is given back at its end.
local function remember_lease(self, target, headers, response)
  local json = response.json
  if type(json) == "table" and json.status == "acquired" then
    local path = target:gsub("/acquire$", "/release")
    self.leases[json.lease_id] = { path = path, headers = headers }
  end
end

local function give_back(self)
  for lease_id, lease in pairs(self.leases) do
    lease.headers["Content-Type"] = "application/json"
    local body = cjson.encode { lease_id = lease_id }
    self.target:exchange("POST", lease.path, { headers = lease.headers, body = body })
  end
  self.leases = {}
end

-- options: as = user ("alice"), token = text, admin = true, no_auth = true; body = table or raw text; chunks = the
-- body in pieces; headers = {[name] = value, or false for none}; shape = true for an answer about the whole server;
-- quiet = true for one that is not recorded. A body is sent as application/json unless headers say otherwise.
function Context:request(method, target, options)
  options = options or {}
  local who, headers = identity(target, options)
  if options.body or options.chunks then headers["Content-Type"] = "application/json" end
  for name, value in pairs(options.headers or {}) do headers[name] = value or nil end
  local sent = { headers = headers, body = encoded(options.body), chunks = options.chunks }
  local response = self.target:exchange(method, target, sent)
  remember_lease(self, target, headers, response)
  if not (self.silent or options.quiet) then
    self.transcript:exchange(method, target, who, response, options.shape)
  end
  return response
end

-- Requests inside are not recorded: the many of one kind, and those whose number depends on time.
function Context:quietly(body)
  local before = self.silent
  self.silent = true
  local result = body()
  self.silent = before
  return result
end

function Context:sleep(seconds)
  self.target:sleep(seconds)
end

-- Asks again until condition() is true; the number of questions is bounded and none is recorded.
function Context:eventually(seconds, condition)
  local met = self:quietly(function()
    for _ = 1, math.ceil(seconds / POLL_INTERVAL) do
      if condition() then return true end
      self:sleep(POLL_INTERVAL)
    end
    return condition()
  end)
  assert.is_truthy(met, "not so within " .. seconds .. " s")
end

-- Opens a watch stream and answers the response head and the stream.
function Context:watch(target, options)
  options = options or {}
  local who, headers = identity(target, options)
  local head, stream = self.target:stream(target, { headers = headers })
  if stream then
    self.streams[#self.streams + 1] = stream
    head.body = ""
  end
  self.transcript:exchange("GET", target, who, head)
  return head, stream
end

function Context:frame(stream)
  local frame = assert(stream:next(5))
  self.transcript:frame(frame)
  return frame
end

function Context:close()
  for _, stream in ipairs(self.streams) do stream:close() end
  self.streams = {}
  give_back(self)
end

-- Calls by name, with the answer as it came.

function Context:acquire(name, body, options)
  options = options or {}
  options.body = body or {}
  return self:request("POST", "/locks/" .. self:segment(name) .. "/acquire", options)
end

function Context:release(name, lease_id, options)
  options = options or {}
  options.body = { lease_id = lease_id }
  return self:request("POST", "/locks/" .. self:segment(name) .. "/release", options)
end

function Context:renew(name, lease_id, ttl_seconds, options)
  options = options or {}
  options.body = { lease_id = lease_id, ttl_seconds = ttl_seconds }
  return self:request("POST", "/locks/" .. self:segment(name) .. "/renew", options)
end

function Context:status(name, options)
  return self:request("GET", "/locks/" .. self:segment(name), options)
end

function Context:put_acl(name, principals, options)
  options = options or {}
  options.body = { acl = { acquire = principals } }
  return self:request("PUT", "/locks/" .. self:segment(name) .. "/acl", options)
end

function Context:campaign(election, body)
  body.candidate_id = body.candidate_id or "candidate"
  return self:request("POST", "/elections/" .. election .. "/campaign", { body = body })
end

-- Calls that must succeed, with what they bring.

function Context:lease(name, body, options)
  local response = self:ok(self:acquire(name, body, options))
  assert.are.equal("acquired", response.json.status)
  return response.json
end

function Context:session(ttl_seconds, options)
  options = options or {}
  options.body = { ttl_seconds = ttl_seconds }
  return self:ok(self:request("POST", "/sessions", options), 201).json.session_id
end

function Context:ephemeral(name, session, options)
  return self:acquire(name, { session_id = session, ephemeral = true }, options)
end

function Context:leader(election, body)
  local response = self:ok(self:campaign(election, body or {}))
  assert.are.equal("leader", response.json.status)
  return response.json
end

-- A user of the registration mode; answers the token.
function Context:register(username, namespace)
  local body = { username = username, namespace = namespace }
  return self:ok(self:request("POST", "/auth/register", { body = body })).json.token
end

-- Expectations.

function Context.ok(_, response, status)
  assert.are.equal(status or 200, response.status, response.body)
  return response
end

-- An error answer: its code, and the parts that every error answer has.
function Context.fails(_, response, status, code)
  assert.are.equal(status, response.status, response.body)
  assert.are.equal("application/json", response.headers["content-type"])
  local json = response.json
  assert.are.equal(code, json.code)
  assert.is_string(json.error)
  assert.is_string(json.details)
  assert.are.equal(response.headers["x-request-id"], json.request_id)
  return response
end

function Context.held(_, response)
  assert.are.equal(200, response.status, response.body)
  assert.are.equal("held", response.json.status)
  return response.json
end

-- A hint of milliseconds that had some time to run down.
function Context.near(_, expected_ms, actual_ms)
  assert.is_true(actual_ms <= expected_ms and actual_ms > expected_ms - 5000,
    ("%s ms is not about %s ms"):format(tostring(actual_ms), tostring(expected_ms)))
end

function Context.uuid(_, value)
  assert.is_string(value)
  assert.is_truthy(value:match("^%x+%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$"), value)
  assert.are.equal(36, #value)
end

return context
