-- Proxies that break connections on demand: toxiproxy and its HTTP API.
-- Uses: spec.support.process, spec.support.raw_http, lua-cjson, the binary that toxiproxy.sh has built.
-- Owner: proxies.start owns the process; stop ends it.

local cjson = require "cjson"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local socket = require "socket"

local proxies = {}

local Proxies = {}
Proxies.__index = Proxies

local function call(self, method, path, body)
  local client = raw_http.new { host = "127.0.0.1", port = self.port, timeout = 5 }
  local response = assert(client:request(method, path, {
    headers = { ["Content-Type"] = "application/json" },
    body = cjson.encode(body or {}),
  }))
  client:close()
  assert(response.status < 300, method .. " " .. path .. ": " .. tostring(response.body))
end

---The path of the binary, or nil.
function proxies.available()
  local path = process.capture("sh spec/support/toxiproxy.sh path")
  return path ~= "" and path or nil
end

---@param upstream string host:port
---@param count integer
---@param directory string for the log
function proxies.start(upstream, count, directory)
  local self = setmetatable({ port = process.free_port(), ports = {} }, Proxies)
  self.pid = process.start {
    command = { proxies.available(), "-host", "127.0.0.1", "-port", tostring(self.port) },
    directory = directory,
    log = directory .. "/toxiproxy.log",
  }
  local deadline = socket.gettime() + 10
  while not socket.connect("127.0.0.1", self.port) do
    assert(socket.gettime() < deadline, "toxiproxy did not start")
    socket.sleep(0.02)
  end
  for i = 1, count do
    self.ports[i] = process.free_port()
    call(self, "POST", "/proxies", { name = "p" .. i, listen = "127.0.0.1:" .. self.ports[i], upstream = upstream,
      enabled = true })
  end
  return self
end

---@param i integer which proxy
---@param toxic table as toxiproxy's API has it: type, stream, attributes
function Proxies:add(i, toxic)
  call(self, "POST", ("/proxies/p%d/toxics"):format(i), toxic)
end

---Takes every toxic away and lets all proxies accept again.
function Proxies:heal()
  call(self, "POST", "/reset")
end

function Proxies:disable(i)
  call(self, "POST", "/proxies/p" .. i, { enabled = false })
end

function Proxies:stop()
  process.stop(self.pid)
end

return proxies
