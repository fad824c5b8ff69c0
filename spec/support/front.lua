-- A loopback HTTP front for octostore.testing, run as a program: prints "listening on 127.0.0.1:PORT" when ready.
-- Uses: lua-http on cqueues (Lua 5.1 or LuaJIT), lua-cjson, and the service as a value.
-- Owner: the process; TERM ends it and what the service held is gone.
--
-- usage: front.lua [PORT]   (environment, as the real server's: STATIC_TOKENS 'alice:TOKEN,bob:TOKEN', ADMIN_KEY,
-- LOCAL_REGISTRATION, PUBLIC_ELECTIONS, MAX_PUBLIC_ELECTIONS; OCTOSTORE_FRONT_PORT instead of the argument; port 0
-- takes a free one)

local cjson = require "cjson"
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local http_headers = require "http.headers"
local http_server = require "http.server"
local socket = require "socket"
local testing = require "octostore.testing"

local HOST = "127.0.0.1"
local MAX_BODY = 2 * 1024 * 1024
local IDLE_SECONDS = 300
local KEEPALIVE_SECONDS = 15
local SWEEP_SECONDS = 1
local WATCH_BACKLOG = 100

local function flag(name, default)
  local value = os.getenv(name)
  if not value or value == "" then return default end
  return ({ ["1"] = true, ["true"] = true, on = true, yes = true })[value:lower()] or false
end

local function users_from_environment()
  local users = {}
  for entry in (os.getenv("STATIC_TOKENS") or ""):gmatch("[^,\n]+") do
    local name, token = entry:match("^%s*([^:]-)%s*:%s*(.-)%s*$")
    if not name then name, token = entry, entry end
    users[#users + 1] = { name = name, token = token }
  end
  return users
end

local function make_service()
  return testing.service {
    users = users_from_environment(),
    admin_key = os.getenv("ADMIN_KEY"),
    elections = flag("PUBLIC_ELECTIONS", true),
    local_registration = flag("LOCAL_REGISTRATION", false),
    max_elections = tonumber(os.getenv("MAX_PUBLIC_ELECTIONS")),
  }
end

-- Streams: the service tells every event once; each open stream keeps a bounded backlog and closes when it lags.
local watchers = {}

local function publish(event)
  for watcher in pairs(watchers) do
    if watcher.lock_name == event.lock_name then
      watcher.lagged = watcher.lagged or #watcher.backlog >= WATCH_BACKLOG
      if not watcher.lagged then watcher.backlog[#watcher.backlog + 1] = event end
      watcher.changed:signal()
    end
  end
end

local function lock_frame(event)
  return "data: " .. cjson.encode(event) .. "\n\n"
end

-- An election's frame is its state, not the event: the snapshot asked for again.
local function next_frame(watcher, service)
  local event = table.remove(watcher.backlog, 1)
  if not watcher.election then return lock_frame(event) end
  return service(watcher.request, socket.gettime()).body
end

-- Which lock a stream is about, from its first frame.
local function new_watcher(request, response)
  local data = cjson.decode(response.body:match("data: ?([^\n]+)"))
  return {
    request = request,
    election = data.election_id ~= nil,
    lock_name = data.lock_name or ("__election/" .. data.election_id),
    backlog = {},
    changed = condition.new(),
  }
end

local function follow(stream, watcher, service)
  while not watcher.lagged do
    if #watcher.backlog == 0 then watcher.changed:wait(KEEPALIVE_SECONDS) end
    local frame = ":\n\n"
    if #watcher.backlog > 0 then frame = next_frame(watcher, service) end
    if not stream:write_chunk(frame, false) then return end
  end
end

local function stream_events(stream, headers, request, response, service)
  local watcher = new_watcher(request, response)
  watchers[watcher] = true
  if stream:write_headers(headers, false) and stream:write_chunk(response.body, false) then
    follow(stream, watcher, service)
  end
  watchers[watcher] = nil
end

local function request_headers(headers)
  local result = {}
  for name, value in headers:each() do
    if name == ":authority" then name = "host" end
    if name:sub(1, 1) ~= ":" then result[name] = value end
  end
  return result
end

-- Nil without a body; what is beyond the limit is left unread.
local function request_body(stream, headers)
  if not (headers:has("content-length") or headers:has("transfer-encoding")) then return nil end
  local chunks, size = {}, 0
  while size <= MAX_BODY do
    local chunk = stream:get_next_chunk()
    if not chunk then break end
    chunks[#chunks + 1] = chunk
    size = size + #chunk
  end
  return table.concat(chunks)
end

local function response_headers(response)
  local headers = http_headers.new()
  headers:append(":status", tostring(response.status))
  for name, value in pairs(response.headers) do headers:append(name:lower(), tostring(value)) end
  return headers
end

local function write_whole(stream, headers, method, body)
  local empty = method == "HEAD" or headers:get(":status") == "204" or body == ""
  if headers:get(":status") ~= "204" then headers:upsert("content-length", tostring(#body)) end
  if stream:write_headers(headers, empty) and not empty then stream:write_chunk(body, true) end
end

local function answer(service, stream)
  local headers = stream:get_headers()
  if not headers then return end
  local request = {
    method = headers:get(":method"),
    path = headers:get(":path"),
    headers = request_headers(headers),
    body = request_body(stream, headers),
    peer = HOST,
  }
  local response = service(request, socket.gettime())
  local reply = response_headers(response)
  if (response.headers["content-type"] or ""):find("^text/event%-stream") then
    stream_events(stream, reply, request, response, service)
  else
    write_whole(stream, reply, request.method, response.body or "")
  end
end

-- The service moves only when it is called; watchers must see an expiry that nobody asks about.
local function tick(service)
  while true do
    cqueues.sleep(SWEEP_SECONDS)
    if next(watchers) then
      service({ method = "GET", path = "/health", headers = {}, peer = HOST }, socket.gettime())
    end
  end
end

local function report(_, _, operation, err)
  io.stderr:write("front: ", operation, ": ", tostring(err), "\n")
end

local function main(port)
  local service = make_service()
  service:subscribe(publish)
  local queue = cqueues.new()
  local server = assert(http_server.listen {
    host = HOST,
    port = port,
    tls = false,
    version = 1.1,
    cq = queue,
    intra_stream_timeout = IDLE_SECONDS,
    onstream = function(_, stream) answer(service, stream) end,
    onerror = report,
  })
  assert(server:listen())
  local _, _, bound = server:localname()
  io.stdout:write("listening on ", HOST, ":", bound, "\n")
  io.stdout:flush()
  queue:wrap(tick, service)
  assert(server:loop())
end

main(tonumber(arg[1] or os.getenv("OCTOSTORE_FRONT_PORT") or 0))
