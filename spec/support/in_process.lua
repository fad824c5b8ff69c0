-- A service in process with its clock, for specs of the testing kit: requests as short as can be.
-- May use: octostore.testing, lua-cjson.

local cjson = require "cjson"
local testing = require "octostore.testing"

local InProcess = {}
InProcess.__index = InProcess

---Sends one request; returns the response with its body decoded as `json`.
function InProcess:request(method, path, body, token)
  local headers = { ["Content-Type"] = "application/json" }
  if token ~= false then
    headers.Authorization = "Bearer " .. (token or "alice-token")
  end
  local request = { method = method, path = path, headers = headers, body = body and cjson.encode(body) or nil }
  local response = self.service(request, self.clock:now())
  response.json = response.body ~= "" and response.body ~= "null" and cjson.decode(response.body) or nil
  return response
end

---Acquires and returns the answer's JSON; the status has to be 200 or 409.
function InProcess:acquire(name, body, token)
  return self:request("POST", "/locks/" .. name .. "/acquire", body or { ttl_seconds = 60 }, token).json
end

function InProcess:status(name)
  return self:request("GET", "/locks/" .. name).json
end

local in_process = {}

---@param options octostore.testing.ServiceOptions?
function in_process.new(options)
  options = options or {}
  options.users = options.users
    or { { name = "alice", token = "alice-token" }, { name = "bob", token = "bob-token" } }
  return setmetatable({ service = testing.service(options), clock = testing.clock() }, InProcess)
end

return in_process
