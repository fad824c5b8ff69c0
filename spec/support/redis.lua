-- A Redis server of a spec's own, and as much of its protocol as a spec needs.
-- Uses: redis-server, LuaSocket, spec.support.process.
-- Owner: whoever starts a server stops it.

local process = require "spec.support.process"
local socket = require "socket"

local Redis = {}
Redis.__index = Redis

local START_TIMEOUT = 10
local ANSWER_TIMEOUT = 10

local function connect(port, pid)
  local deadline = socket.gettime() + START_TIMEOUT
  repeat
    local connection = socket.connect("127.0.0.1", port)
    if connection then
      connection:settimeout(ANSWER_TIMEOUT)
      return connection
    end
    socket.sleep(0.02)
  until socket.gettime() >= deadline or not process.is_alive(pid)
  return nil, "redis-server does not listen"
end

local redis = {}

---Starts a server that keeps nothing on disk.
function redis.start()
  local directory, port = process.tmpdir(), process.free_port()
  local self = setmetatable({ directory = directory }, Redis)
  self.pid = process.start {
    command = { "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no" },
    directory = directory,
    log = directory .. "/log",
  }
  local problem
  self.connection, problem = connect(port, self.pid)
  if not self.connection then
    self:stop()
    error(problem)
  end
  return self
end

function Redis:stop()
  if self.connection then
    self.connection:close()
  end
  process.stop(self.pid)
  process.remove_tmpdir(self.directory)
end

---Sends a command; answers a string, a number or nil; or nil and the words of an error reply.
function Redis:call(...)
  local arguments = { ... }
  local words = { "*" .. #arguments .. "\r\n" }
  for i, argument in ipairs(arguments) do
    argument = tostring(argument)
    words[i + 1] = "$" .. #argument .. "\r\n" .. argument .. "\r\n"
  end
  assert(self.connection:send(table.concat(words)))
  local line = assert(self.connection:receive("*l"))
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "$" and rest ~= "-1" then
    return (assert(self.connection:receive(tonumber(rest) + 2)):sub(1, -3))
  elseif kind == ":" then
    return tonumber(rest)
  elseif kind == "+" then
    return rest
  end
  return nil, rest
end

return redis
