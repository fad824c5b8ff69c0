-- The client's table of operations against the contract that the real server serves at /openapi.yaml.
-- Uses: octostore.native, spec.support.servers, spec.support.raw_http; no YAML library, only the lines below "paths:".
-- Owner: this spec stops the server that it started.

local raw_http = require "spec.support.raw_http"
local servers = require "spec.support.servers"

-- What a client of the service has no use for: OAuth in a browser, and pages to read.
local OMITTED = {
  ["GET /auth/github"] = true,
  ["GET /auth/github/callback"] = true,
  ["POST /auth/github/exchange"] = true,
  ["GET /docs"] = true,
  ["GET /"] = true,
  ["GET /openapi.yaml"] = true,
}

local METHODS = { get = true, post = true, put = true, delete = true, patch = true, head = true, options = true }
local OPERATIONS_OF_0_14_4 = 33

-- "/locks/{name}" and "/locks/{id}" are one path.
local function key(method, path)
  return method:upper() .. " " .. path:gsub("{[^}]*}", "{}")
end

-- Lines of two spaces name paths, lines of four their methods, until the next key at the margin.
local function operations_of(yaml)
  local list, inside, path = {}, false, nil
  for line in yaml:gmatch("[^\n]+") do
    if line:match("^%S") then inside = line:match("^paths:") ~= nil end
    path = line:match("^  (/.-):%s*$") or path
    local method = line:match("^    (%l+):%s*$")
    if inside and METHODS[method] then list[#list + 1] = key(method, path) end
  end
  return list
end

local function fetch_contract()
  local server = servers.real()
  local client = raw_http.new { host = server.host, port = server.port }
  local response = client:request("GET", "/openapi.yaml")
  client:close()
  server:stop()
  return assert(response).body
end

local function known_operations()
  local known = {}
  for _, operation in ipairs(require("octostore.native").operations()) do
    known[key(operation.method, operation.path)] = operation.name
  end
  return known
end

local binary, reason = servers.real_available()

describe("the contract of the real server", function()
  if not binary then
    it("is there to compare", function()
      if os.getenv("OCTOSTORE_REQUIRE_REAL") == "1" then error(reason, 0) end
      pending(reason)
    end)
    return
  end

  local contract, in_contract = {}, {}

  setup(function()
    contract = operations_of(fetch_contract())
    for _, operation in ipairs(contract) do in_contract[operation] = true end
  end)

  it("lists as many operations as its version had", function()
    assert.are.equal(OPERATIONS_OF_0_14_4, #contract)
  end)

  it("has no operation that the client lacks", function()
    local known, missing = known_operations(), {}
    for _, operation in ipairs(contract) do
      if not known[operation] and not OMITTED[operation] then missing[#missing + 1] = operation end
    end
    assert.are.same({}, missing)
  end)

  it("has every operation of the client", function()
    local extra = {}
    for operation, name in pairs(known_operations()) do
      if not in_contract[operation] then extra[#extra + 1] = name .. ": " .. operation end
    end
    assert.are.same({}, extra)
  end)

  it("has every operation that is omitted on purpose", function()
    for operation in pairs(OMITTED) do assert.is_true(in_contract[operation], operation) end
  end)
end)
