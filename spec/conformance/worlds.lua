-- What the conformance cases run against: our service in process, behind the HTTP front, and the real server.
-- Uses: octostore.testing, spec.support.servers, spec.support.raw_http; a world answers exchanges and passes time.
-- Owner: a world owns one target for each mode of the cases; world:stop() ends what it started.

local socket = require "socket"
local raw_http = require "spec.support.raw_http"
local servers = require "spec.support.servers"

local worlds = {}

-- The server modes that cases may ask for.
local MODES = {
  static = {},
  registration = { mode = "registration" },
  closed = { elections = false },
  small = { env = { MAX_PUBLIC_ELECTIONS = "2" } },
}

-- In process: the clock stands still but for a millisecond an exchange, and for what sleep() is told.
local InProcess = {}
InProcess.__index = InProcess

local function service_of(mode)
  local testing = require "octostore.testing"
  local users = {}
  if mode ~= "registration" then
    for i, user in ipairs(servers.USERS) do users[i] = { name = user, token = servers.token(user) } end
  end
  return testing.service {
    users = users,
    admin_key = servers.ADMIN_KEY,
    elections = MODES[mode].elections ~= false,
    local_registration = mode == "registration",
    max_elections = mode == "small" and 2 or nil,
  }
end

local function in_process_target(mode)
  return setmetatable({ service = service_of(mode), now = os.time() }, InProcess)
end

function InProcess:exchange(method, target, options)
  self.now = self.now + 0.001
  local request = {
    method = method,
    path = target,
    headers = options.headers,
    body = options.chunks and table.concat(options.chunks) or options.body,
    peer = "127.0.0.1",
  }
  return raw_http.decoded(self.service(request, self.now))
end

function InProcess:sleep(seconds)
  self.now = self.now + seconds
end

local EventQueue = {}
EventQueue.__index = EventQueue

function EventQueue:next()
  local frame = table.remove(self, 1)
  if frame then return frame end
  return nil, "no event"
end

function EventQueue.close() end

function InProcess:stream(target, options)
  local response = self:exchange("GET", target, options)
  if response.status ~= 200 then return response end
  local queue = setmetatable({ raw_http.parse_frame(response.body) }, EventQueue)
  local lock_name = queue[1].json.lock_name
  self.service:subscribe(function(event)
    if event.lock_name == lock_name then queue[#queue + 1] = { json = event } end
  end)
  return response, queue
end

function InProcess.stop() end

-- Over HTTP: one kept connection for each target, the wall clock for time.
local Remote = {}
Remote.__index = Remote

local function remote_target(server)
  return setmetatable({ server = server, client = raw_http.new { host = server.host, port = server.port } }, Remote)
end

function Remote:exchange(method, target, options)
  return assert(self.client:request(method, target, options))
end

function Remote.sleep(_, seconds)
  socket.sleep(seconds)
end

function Remote:stream(target, options)
  local head, stream = self.client:stream(target, options)
  return assert(head, stream), stream
end

function Remote:stop()
  self.client:close()
  self.server:stop()
end

local World = {}
World.__index = World

local function new_world(name, make_target)
  return setmetatable({ name = name, make_target = make_target, targets = {} }, World)
end

function World:target(mode)
  assert(MODES[mode], "no such mode: " .. mode)
  self.targets[mode] = self.targets[mode] or self.make_target(mode)
  return self.targets[mode]
end

function World:stop()
  for mode, target in pairs(self.targets) do
    target:stop()
    self.targets[mode] = nil
  end
end

function worlds.in_process()
  return new_world("service in process", in_process_target)
end

function worlds.embedded()
  return new_world("service over HTTP", function(mode) return remote_target(servers.embedded(MODES[mode])) end)
end

function worlds.real()
  local name = "real server " .. servers.VERSION
  return new_world(name, function(mode) return remote_target(servers.real(MODES[mode])) end)
end

return worlds
