-- A TCP server that misbehaves as the first part of the request's path asks for; run by spec.support.fault_server.
-- Uses: LuaSocket, one coroutine for each connection.
-- Owner: the process; it prints two ports, of the server and of one that resets every connection, and ends on TERM.

local socket = require "socket"

local HEALTH = '{"status":"ok","storage":"wal","db_size_bytes":1}'
local ACQUIRED = '{"status":"acquired","lease_id":"11111111-2222-4333-8444-555555555555","fencing_token":7,'
  .. '"expires_at":"2026-11-23T06:06:57Z"}'
local SESSION = '{"session_id":"22222222-2222-4333-8444-555555555555","expires_at":"2026-11-23T06:06:57Z",'
  .. '"keepalive_interval_secs":20}'
local GONE = '{"error":"prose","code":"lease_not_current","details":"gone","request_id":"req_1"}'
local MEBIBYTE = 1024 * 1024

local log = {} -- "connection method path", a line for each request
local seen = {} -- how often a path was asked for
local sleeping = {} -- thread -> when it goes on
local reading = {} -- connection -> thread

-- ---- waiting: each coroutine waits for its connection or for a moment ----

local function wait_readable(connection)
  reading[connection] = coroutine.running()
  coroutine.yield()
end

local function sleep(seconds)
  sleeping[coroutine.running()] = socket.gettime() + seconds
  coroutine.yield()
end

---One line, or nil when the peer is gone.
local function receive(connection, what)
  local text = ""
  while true do
    local got, err, part = connection:receive(what)
    if got then
      return text .. got
    end
    text = text .. (part or "")
    if err ~= "timeout" then
      return nil
    end
    if type(what) == "number" then
      what = what - #part
    end
    wait_readable(connection)
  end
end

local function send(connection, text)
  local at = 1
  while at <= #text do
    local last, err, partial = connection:send(text, at)
    if not last and err ~= "timeout" then
      return nil
    end
    at = (last or partial) + 1
    if at <= #text then
      sleep(0.005)
    end
  end
  return true
end

local function reset(connection)
  connection:setoption("linger", { on = true, timeout = 0 })
  connection:close()
end

-- ---- requests and answers ----

local function read_request(connection)
  local line = receive(connection, "*l")
  local request = line and { line = line, length = 0 }
  while line and line ~= "" do
    line = receive(connection, "*l")
    request.length = tonumber(line and line:lower():match("^content%-length:%s*(%d+)")) or request.length
  end
  if not line then
    return nil
  end
  request.body = request.length > 0 and receive(connection, request.length) or ""
  request.method, request.path = request.line:match("^(%S+) (%S+)")
  -- Through a proxy the target is a whole URL.
  request.path = request.path:gsub("^http://[^/]*", "")
  return request
end

local function answer(body, options)
  options = options or {}
  return ("HTTP/1.1 %s\r\nContent-Type: application/json\r\nX-Request-Id: req_fault\r\nContent-Length: %d\r\n%s\r\n%s")
    :format(options.status or "200 OK", options.length or #body, options.headers or "", body)
end

local function good(request)
  if request.path:find("/sessions$") then
    return answer(SESSION, { status = "201 Created" })
  end
  return answer(request.path:find("/acquire$") and ACQUIRED or request.path:find("/release$") and "null" or HEALTH)
end

---What each behaviour does with a request; true keeps the connection for the next one.
local behaviours = {}

function behaviours.good(connection, request)
  return send(connection, good(request))
end

behaviours["reset"] = function(connection) reset(connection) end
behaviours["close"] = function() end
behaviours["stall-headers"] = function(connection) receive(connection, 1) end

behaviours["half-headers"] = function(connection)
  send(connection, "HTTP/1.1 200 OK\r\nContent-Le")
end

behaviours["half-body"] = function(connection)
  send(connection, answer(HEALTH:sub(1, 10), { length = 100 }))
end

behaviours["stall-body"] = function(connection)
  send(connection, answer(HEALTH:sub(1, 10), { length = 100 }))
  receive(connection, 1)
end

function behaviours.trickle(connection)
  send(connection, answer("", { length = 100000 }))
  while send(connection, " ") do
    sleep(0.01)
  end
end

---JSON of exactly so many bytes.
local function padded(bytes)
  return HEALTH .. (" "):rep(bytes - #HEALTH)
end

behaviours["largest-body"] = function(connection) return send(connection, answer(padded(MEBIBYTE))) end
behaviours["large-body"] = function(connection) return send(connection, answer(padded(MEBIBYTE + 1))) end

behaviours["endless-body"] = function(connection)
  send(connection, "HTTP/1.1 200 OK\r\nX-Request-Id: req_fault\r\n\r\n")
  while send(connection, (" "):rep(65536)) do
    sleep(0)
  end
end

behaviours["many-headers"] = function(connection)
  return send(connection, answer(HEALTH, { headers = ("X-Filler: " .. ("f"):rep(1014) .. "\r\n"):rep(64) }))
end

behaviours["long-header"] = function(connection)
  return send(connection, answer(HEALTH, { headers = "X-Filler: " .. ("f"):rep(65 * 1024) .. "\r\n" }))
end

behaviours["longest-header"] = function(connection)
  return send(connection, answer(HEALTH, { headers = "X-Filler: " .. ("f"):rep(400 * 1024) .. "\r\n" }))
end

behaviours["fitting-headers"] = function(connection)
  return send(connection, answer(HEALTH, { headers = ("X-Filler: " .. ("f"):rep(1014) .. "\r\n"):rep(60) }))
end

function behaviours.chunked(connection)
  local chunks = ""
  for i = 1, #HEALTH, 7 do
    local chunk = HEALTH:sub(i, i + 6)
    chunks = chunks .. ("%x\r\n%s\r\n"):format(#chunk, chunk)
  end
  return send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. chunks .. "0\r\n\r\n")
end

behaviours["trailers"] = function(connection)
  return send(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    .. ("%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n"):format(#HEALTH, HEALTH))
end

behaviours["bad-chunks"] = function(connection)
  send(connection, "HTTP/1.1 200 OK\r\nX-Request-Id: req_fault\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")
end

behaviours["continue"] = function(connection, request)
  return send(connection, "HTTP/1.1 100 Continue\r\nX-Request-Id: other\r\n\r\n") and send(connection, good(request))
end

behaviours["http-1.0"] = function(connection)
  send(connection, "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" .. HEALTH)
end

function behaviours.redirect(connection)
  return send(connection, answer("", { status = "302 Found", headers = "Location: /good/redirected\r\n" }))
end

function behaviours.garbage(connection) send(connection, "SSH-2.0-OpenSSH_9.2\r\n\0\1\2") end

function behaviours.html(connection)
  return send(connection, answer("<html>Bad Gateway</html>", { status = "502 Bad Gateway" }))
end

function behaviours.busy(connection)
  return send(connection, answer("busy", { status = "503 Service Unavailable", headers = "Retry-After: 60\r\n" }))
end

function behaviours.nothing(connection) return send(connection, answer("")) end

---Answers, then closes the idle connection.
behaviours["close-idle"] = function(connection, request) send(connection, good(request)) end

---Answers the first request of a connection and closes it when the second has been read.
behaviours["close-second"] = function(connection, request, count)
  return count == 1 and send(connection, good(request))
end

---The same, but a release takes effect on the way: another one finds the lease gone.
behaviours["release-unanswered"] = function(connection, request, count)
  local release = request.path:find("/release$")
  if release and seen[request.path] > 1 then
    return send(connection, answer(GONE, { status = "404 Not Found" }))
  end
  return not (release and count > 1) and send(connection, good(request))
end

---Closes the first connection that asks for a path, answers the next one.
behaviours["close-once"] = function(connection, request)
  return seen[request.path] > 1 and send(connection, good(request))
end

function behaviours.log(connection)
  return send(connection, answer(table.concat(log, "\n")))
end

-- ---- the loop ----

local connections = 0

local function serve(connection)
  connections = connections + 1
  local number, count = connections, 0
  connection:settimeout(0)
  connection:setoption("tcp-nodelay", true)
  repeat
    local request = read_request(connection)
    local behaviour = request and request.path:match("^/([^/]+)")
    count = count + 1
    if request then
      seen[request.path] = (seen[request.path] or 0) + 1
      if behaviour ~= "log" then
        log[#log + 1] = ("%d %s %s"):format(number, request.method, request.path)
      end
    end
  until not (request and (behaviours[behaviour] or behaviours.good)(connection, request, count))
  connection:close()
end

local function resume(thread)
  local ok, problem = coroutine.resume(thread)
  if not ok then
    io.stderr:write(tostring(problem), "\n")
  end
end

local function wake_sleepers()
  local now = socket.gettime()
  local due = {}
  for thread, moment in pairs(sleeping) do
    if moment <= now then
      due[#due + 1] = thread
    end
  end
  for _, thread in ipairs(due) do
    sleeping[thread] = nil
    resume(thread)
  end
end

local listener = assert(socket.bind("127.0.0.1", 0, 64))
local resetter = assert(socket.bind("127.0.0.1", 0, 64))
print(select(2, listener:getsockname()), (select(2, resetter:getsockname())))
io.stdout:flush()

while true do
  local watched = { listener, resetter }
  for connection in pairs(reading) do
    watched[#watched + 1] = connection
  end
  local readable = socket.select(watched, nil, next(sleeping) and 0.002 or 1)
  for _, ready in ipairs(readable) do
    local thread = reading[ready]
    if ready == listener then
      resume(coroutine.create(function() serve(assert(listener:accept())) end))
    elseif ready == resetter then
      reset(assert(resetter:accept()))
    elseif thread then
      reading[ready] = nil
      resume(thread)
    end
  end
  wake_sleepers()
end
