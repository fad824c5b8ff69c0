-- A small HTTP/1.1 client for specs that sends exactly what it is told, byte for byte.
-- Uses: LuaSocket; lua-cjson to decode answers.
-- Owner: one kept connection per client object, one more per open stream; close() ends either.

local cjson = require "cjson"
local socket = require "socket"

local raw_http = {}

local Client = {}
Client.__index = Client

local Stream = {}
Stream.__index = Stream

local function decode(text)
  local ok, value = pcall(cjson.decode, text)
  if ok then return value end
  return nil
end

-- Adds the decoded body, when it is JSON.
function raw_http.decoded(response)
  response.json = decode(response.body)
  return response
end

local function connect(self)
  local connection, err = socket.connect(self.host, self.port)
  if not connection then return nil, err end
  connection:setoption("tcp-nodelay", true)
  connection:settimeout(self.timeout)
  return connection
end

-- One string for head and body: two writes would meet Nagle and delayed acknowledgements.
local function serialize(self, method, target, options)
  local lines = { method .. " " .. target .. " HTTP/1.1", "Host: " .. self.host .. ":" .. self.port }
  for name, value in pairs(options.headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  local body = options.body or ""
  if options.chunks then
    lines[#lines + 1] = "Transfer-Encoding: chunked"
    body = ""
    for _, chunk in ipairs(options.chunks) do body = body .. ("%x\r\n%s\r\n"):format(#chunk, chunk) end
    body = body .. "0\r\n\r\n"
  elseif options.body then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local function read_head(connection)
  local line, err = connection:receive("*l")
  if not line then return nil, err end
  local status = tonumber(line:match("^HTTP/1%.[01] (%d%d%d)"))
  if not status then return nil, "not an HTTP status line: " .. line end
  local headers = {}
  for _ = 1, 100 do
    line, err = connection:receive("*l")
    if not line then return nil, err end
    if line == "" then return { status = status, headers = headers } end
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    if not name then return nil, "not a header line: " .. line end
    headers[name:lower()] = value
  end
  return nil, "more than 100 header lines"
end

local function read_chunk(connection)
  local line, err = connection:receive("*l")
  if not line then return nil, err end
  local size = tonumber(line:match("^%x+"), 16)
  if not size then return nil, "not a chunk size: " .. line end
  local chunk = ""
  if size > 0 then
    chunk, err = connection:receive(size)
    if not chunk then return nil, err end
  end
  connection:receive("*l")
  return chunk
end

local function read_chunks(connection)
  local chunks = {}
  while true do
    local chunk, err = read_chunk(connection)
    if not chunk then return nil, err end
    if chunk == "" then return table.concat(chunks) end
    chunks[#chunks + 1] = chunk
  end
end

local function read_body(connection, method, response)
  local length = tonumber(response.headers["content-length"])
  if method == "HEAD" or response.status == 204 or response.status == 304 then return "" end
  if response.headers["transfer-encoding"] == "chunked" then return read_chunks(connection) end
  if length == 0 then return "" end
  return connection:receive(length or "*a")
end

local function read_response(connection, method)
  local response, err = read_head(connection)
  if not response then return nil, err end
  response.body, err = read_body(connection, method, response)
  if not response.body then return nil, err end
  return raw_http.decoded(response)
end

-- A failed write is no error yet: a server may answer and close before it has read the whole request.
local function exchange(self, method, wire)
  local sent, send_err = self.connection:send(wire)
  local response, err = read_response(self.connection, method)
  if not response or not sent or response.headers.connection == "close" then self:close() end
  return response, err or send_err
end

-- options: host, port, timeout (seconds for each read or write, 5).
function raw_http.new(options)
  return setmetatable({ host = options.host, port = options.port, timeout = options.timeout or 5 }, Client)
end

-- options: headers = {[name] = value}, body = string, chunks = {string…} (sent with chunked encoding).
-- Answers {status, headers (lower-case names), body, json (decoded, or nil)}, or nil and an error.
-- A kept connection that the server had closed meanwhile is replaced once.
function Client:request(method, target, options)
  local wire = serialize(self, method, target, options or {})
  local reused = self.connection ~= nil
  local err
  if not reused then
    self.connection, err = connect(self)
    if not self.connection then return nil, err end
  end
  local response
  response, err = exchange(self, method, wire)
  if response or not (reused and err == "closed") then return response, err end
  return self:request(method, target, options)
end

function Client:close()
  if self.connection then self.connection:close() end
  self.connection = nil
end

-- One Server-Sent Events frame: {event =, data =, retry =, json =}; nil for a comment.
function raw_http.parse_frame(text)
  local frame = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local field, value = line:match("^(%a+): ?(.*)$")
    if field then frame[field] = value end
  end
  if not frame.data then return nil end
  frame.json = decode(frame.data)
  return frame
end

-- Opens a stream on a connection of its own. Answers the response head and, when it is 200, the stream;
-- otherwise the head carries the body as request() would.
function Client:stream(target, options)
  local connection, err = connect(self)
  if not connection then return nil, err end
  connection:send(serialize(self, "GET", target, options or {}))
  local head
  head, err = read_head(connection)
  if head and head.status == 200 then
    return head, setmetatable({ connection = connection, buffer = "" }, Stream)
  end
  if head then
    head.body = read_body(connection, "GET", head) or ""
    raw_http.decoded(head)
  end
  connection:close()
  return head, err
end

-- The next frame that is not a comment, or nil and an error.
function Stream:next(timeout)
  self.connection:settimeout(timeout or 5)
  while true do
    local text, rest = self.buffer:match("^(.-)\n\n(.*)$")
    if text then
      self.buffer = rest
      local frame = raw_http.parse_frame(text)
      if frame then return frame end
    else
      local chunk, err = read_chunk(self.connection)
      if not chunk or chunk == "" then return nil, err or "closed" end
      self.buffer = self.buffer .. chunk
    end
  end
end

function Stream:close()
  self.connection:close()
end

return raw_http
