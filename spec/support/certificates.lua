-- A certificate authority and server certificates for specs of TLS, and a TLS server that serves /health.
-- Uses: the openssl command, LuaSocket, spec.support.process.
-- Owner: whoever makes them calls stop() on servers and remove() on the directory.

local process = require "spec.support.process"
local socket = require "socket"

local certificates = {}

local Authority = {}
Authority.__index = Authority

local Server = {}
Server.__index = Server

local READY_SECONDS = 10
local START_ATTEMPTS = 3

local function run(directory, command)
  local output = process.capture(("cd %s && { %s; } 2>&1 && echo done"):format(process.quote(directory), command))
  assert(output:find("done$"), output)
end

---Makes an authority in a directory of its own: ca.pem, ca.key, and a page to serve.
function certificates.authority()
  local self = setmetatable({ directory = process.tmpdir() }, Authority)
  self.ca_file = self.directory .. "/ca.pem"
  run(self.directory, "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    .. "-subj '/CN=octostore specs' -keyout ca.key -out ca.pem")
  run(self.directory, [[printf '{"status":"ok"}' > health]])
  return self
end

function Authority:remove()
  process.remove_tmpdir(self.directory)
end

---Makes NAME.pem and NAME.key for a subject, "IP:127.0.0.1" or "DNS:locks.example".
function Authority:certify(name, subject, days)
  run(self.directory, ("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=%s' "
    .. "-keyout %s.key -out %s.csr && printf 'subjectAltName=%s' > %s.ext && "
    .. "openssl x509 -req -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days %d -extfile %s.ext -out %s.pem")
    :format(name, name, name, subject, name, name, days or 2, name, name))
end

local function accepts(port)
  local connection = socket.connect("127.0.0.1", port)
  if connection then
    connection:close()
  end
  return connection ~= nil
end

local function wait_ready(self)
  local deadline = socket.gettime() + READY_SECONDS
  while socket.gettime() < deadline and process.is_alive(self.pid) do
    if accepts(self.port) then
      return true
    end
    socket.sleep(0.02)
  end
  process.stop(self.pid)
  return false
end

---Starts a TLS server with that certificate; `arguments` are further ones of openssl s_server.
function Authority:serve(name, ...)
  for _ = 1, START_ATTEMPTS do
    local self_ = setmetatable({ port = process.free_port() }, Server)
    self_.pid = process.start {
      command = {
        "openssl", "s_server", "-accept", "127.0.0.1:" .. self_.port, "-cert", name .. ".pem", "-key", name .. ".key",
        "-WWW", "-quiet", ...,
      },
      directory = self.directory,
      log = self.directory .. "/log",
    }
    self_.url = "https://127.0.0.1:" .. self_.port
    if wait_ready(self_) then
      return self_
    end
  end
  error("openssl s_server did not start; see " .. self.directory .. "/log")
end

function Server:stop()
  process.stop(self.pid)
end

return certificates
