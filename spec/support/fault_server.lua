-- The scripted server of fault_program.lua as a child process, and clients whose base URL names a fault of it.
-- Uses: octostore, LuaSocket, spec.support.process, spec.support.interpreter, spec.support.raw_http.
-- Owner: whoever starts it calls stop().

local octostore = require "octostore"
local interpreter = require "spec.support.interpreter"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"
local socket = require "socket"

local fault_server = {}

local Server = {}
Server.__index = Server

local READY_SECONDS = 10
local paths = 0

local function wait_for_ports(log)
  local deadline = socket.gettime() + READY_SECONDS
  while socket.gettime() < deadline do
    local file = io.open(log)
    local port, reset_port = (file and file:read("*a") or ""):match("(%d+)%s+(%d+)")
    if file then
      file:close()
    end
    if port then
      return port, reset_port
    end
    socket.sleep(0.01)
  end
  error("the fault server did not start; see " .. log)
end

function fault_server.start()
  local self = setmetatable({ directory = process.tmpdir() }, Server)
  local log = self.directory .. "/log"
  self.pid = process.start {
    command = { interpreter.program(), "spec/support/fault_program.lua" },
    env = { LUA_PATH = package.path, LUA_CPATH = package.cpath },
    directory = ".",
    log = log,
  }
  self.port, self.reset_port = wait_for_ports(log)
  return self
end

function Server:stop()
  process.stop(self.pid)
  process.remove_tmpdir(self.directory)
end

---A base URL of its own, with the behaviour in its path.
function Server:url(behaviour)
  paths = paths + 1
  return ("http://127.0.0.1:%s/%s/%d"):format(self.port, behaviour, paths), ("/%s/%d/"):format(behaviour, paths)
end

---A client of that behaviour, without repeats and patient for 5 seconds unless the options say otherwise; its own
---paths start with the second value.
function Server:client(behaviour, options)
  local url, path = self:url(behaviour)
  local given = { base_url = url, token = "token", retry = false, timeout = 5 }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(octostore.new(given)), path
end

---The requests below a path so far: { connection = number, method =, path = }, in order.
function Server:requests(path)
  local client = raw_http.new { host = "127.0.0.1", port = self.port }
  local text = assert(client:request("GET", "/log/now")).body
  client:close()
  local list = {}
  for connection, method, target in text:gmatch("(%d+) (%S+) (%S+)") do
    if target:sub(1, #path) == path then
      list[#list + 1] = { connection = tonumber(connection), method = method, path = target:sub(#path + 1) }
    end
  end
  return list
end

---Waits until a request below the path has arrived.
function Server:wait_for_request(path)
  local deadline = socket.gettime() + READY_SECONDS
  while #self:requests(path) == 0 do
    assert(socket.gettime() < deadline, "no request arrived below " .. path)
    socket.sleep(0.005)
  end
end

return fault_server
