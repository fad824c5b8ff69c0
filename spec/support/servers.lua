-- Servers for specs, on loopback: the real OctoStore server and our service behind its HTTP front.
-- Uses: spec.support.process, spec.support.raw_http, and a binary or a second Lua that are already installed.
-- Owner: each call owns one process and one temporary directory; server:stop() ends both.

local socket = require "socket"
local process = require "spec.support.process"
local raw_http = require "spec.support.raw_http"

local servers = {}

servers.VERSION = "0.14.4"
servers.ADMIN_KEY = "admin-key-of-the-specs"

servers.USERS = {
  "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo",
}
local READY_SECONDS = 10
local START_ATTEMPTS = 3

local Server = {}
Server.__index = Server

-- The checkout: this file is spec/support/servers.lua in it.
local function repository_root()
  local file = debug.getinfo(1, "S").source:gsub("^@", "")
  return process.capture("cd " .. process.quote(file:gsub("[^/]*$", "") .. "../..") .. " && pwd")
end

function servers.token(user)
  return user .. "-token-0123456789abcdef"
end

local function tokens_of_users()
  local tokens = {}
  for _, user in ipairs(servers.USERS) do tokens[user] = servers.token(user) end
  return tokens
end

local function static_tokens()
  local pairs_ = {}
  for i, user in ipairs(servers.USERS) do pairs_[i] = user .. ":" .. servers.token(user) end
  return table.concat(pairs_, ",")
end

-- The service's part of the environment; the real server and the front read the same names.
local function service_environment(options)
  local env = { ADMIN_KEY = servers.ADMIN_KEY, PUBLIC_ELECTIONS = options.elections == false and "false" or "true" }
  if options.mode == "registration" then
    env.LOCAL_REGISTRATION = "true"
  else
    env.STATIC_TOKENS = static_tokens()
  end
  for name, value in pairs(options.env or {}) do env[name] = value end
  return env
end

local function healthy(self)
  local client = raw_http.new { host = self.host, port = self.port, timeout = 2 }
  local response = client:request("GET", "/health")
  client:close()
  return response ~= nil and response.status == 200
end

local function wait_ready(self)
  local deadline = socket.gettime() + READY_SECONDS
  while socket.gettime() < deadline do
    if healthy(self) then return true end
    if not process.is_alive(self.pid) then return false end
    socket.sleep(0.02)
  end
  process.stop(self.pid)
  return false
end

function Server:log()
  local file = io.open(self.log_file, "r")
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text
end

local function launch(self)
  self.base_url = "http://" .. self.host .. ":" .. self.port
  self.pid = process.start {
    command = self.command,
    env = self.environment(self.port),
    directory = self.directory,
    log = self.log_file,
  }
  return wait_ready(self)
end

-- The port was free a moment ago; another process may have taken it since.
local function start(server)
  for _ = 1, START_ATTEMPTS do
    server.port = process.free_port()
    if launch(server) then return server end
  end
  error(server.name .. " did not become ready:\n" .. server:log())
end

-- Ends the process and starts it again on the same port, in the same directory.
function Server:restart()
  process.stop(self.pid)
  assert(launch(self), self.name .. " did not become ready again:\n" .. self:log())
end

function Server:stop()
  process.stop(self.pid)
  if self.tmpdir then process.remove_tmpdir(self.tmpdir) end
  self.tmpdir = nil
end

local function new_server(fields)
  fields.host = "127.0.0.1"
  fields.tmpdir = process.tmpdir()
  fields.directory = fields.directory or fields.tmpdir
  fields.log_file = fields.tmpdir .. "/log"
  fields.admin_key = servers.ADMIN_KEY
  fields.tokens = fields.mode == "registration" and {} or tokens_of_users()
  return setmetatable(fields, Server)
end

local function is_executable(path)
  return path ~= nil and path ~= "" and process.capture("test -x " .. process.quote(path) .. " && echo yes") == "yes"
end

function servers.cache_dir()
  local cache = os.getenv("OCTOSTORE_CACHE")
  if cache and cache ~= "" then return cache end
  local base = os.getenv("XDG_CACHE_HOME")
  if not base or base == "" then base = (os.getenv("HOME") or "") .. "/.cache" end
  return base .. "/octostore-lua"
end

-- The path of the real server's binary, or nil and the reason with the way to get it.
function servers.real_available()
  local chosen = os.getenv("OCTOSTORE_SERVER_BIN")
  if chosen and chosen ~= "" then
    if is_executable(chosen) then return chosen end
    return nil, "OCTOSTORE_SERVER_BIN is not an executable file: " .. chosen
  end
  local root = servers.cache_dir() .. "/server-" .. servers.VERSION
  if is_executable(root .. "/bin/octostore") then return root .. "/bin/octostore" end
  local on_path = process.capture("command -v octostore")
  if on_path ~= "" then return on_path end
  return nil, ("no octostore server found; get it with: cargo install octostore --locked --version %s --root %s")
    :format(servers.VERSION, root)
end

-- options: mode = "static" (users alice, bob … with servers.token(user)) or "registration",
-- elections = false turns public elections off, env = more variables of the real server.
function servers.real(options)
  options = options or {}
  local binary = assert(servers.real_available())
  return start(new_server {
    name = "real server " .. servers.VERSION,
    mode = options.mode,
    command = { binary, "serve" },
    environment = function(port)
      local env = service_environment(options)
      env.BIND_ADDR = "127.0.0.1:" .. port
      env.DATABASE_URL = "./test.db"
      env.RUST_LOG = "warn"
      return env
    end,
  })
end

-- A Lua that has lua-http: the specs themselves may run on one that has not.
local function front_lua()
  local chosen = os.getenv("OCTOSTORE_FRONT_LUA")
  if chosen and chosen ~= "" then return chosen end
  for _, lua in ipairs { "luajit", "lua5.1" } do
    if process.capture(lua .. " -e 'require \"http.server\" print \"yes\"' 2>/dev/null") == "yes" then return lua end
  end
  return nil, "neither luajit nor lua5.1 has lua-http (lua-cqueues and lua-http); set OCTOSTORE_FRONT_LUA"
end

-- The same options as servers.real. What the service holds is gone after restart().
function servers.embedded(options)
  options = options or {}
  local root = repository_root()
  return start(new_server {
    name = "embedded service",
    mode = options.mode,
    command = { assert(front_lua()), root .. "/spec/support/front.lua" },
    environment = function(port)
      local env = service_environment(options)
      env.OCTOSTORE_FRONT_PORT = port
      env.LUA_PATH = ("%s/?.lua;%s/lua/?.lua;%s/lua/?/init.lua;;"):format(root, root, root)
      return env
    end,
  })
end

return servers
