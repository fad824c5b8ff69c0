-- From a request target to a handler.
-- May use: body (UTF-8), faults, ids. A route's pattern has at most one parameter: :name (any text),
-- :id (likewise) or :uuid.

local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"
local ids = require "octostore.testing.ids"

local router = {}

local Router = {}
Router.__index = Router

---@param method string
---@param pattern string "/locks/:name/acquire"
---@param handler fun(request: table, parameter: string?, now: number): integer, any, table?
function Router:add(method, pattern, handler)
  local route = self.routes[pattern]
  if not route then
    -- A parameter may be empty before another segment, as the server's router has it.
    local matcher = pattern:gsub("[%-.]", "%%%0"):gsub(":%l+/", "([^/]*)/"):gsub(":%l+$", "([^/]+)")
    local is_uuid = pattern:find(":uuid", 1, true) ~= nil
    route = { matcher = "^" .. matcher .. "$", is_uuid = is_uuid, handlers = {}, methods = {} }
    self.routes[pattern] = route
    self.order[#self.order + 1] = route
  end
  route.handlers[method] = handler
  table.insert(route.methods, method)
end

local function percent_decode(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local REPLACEMENT = "\239\191\189" -- U+FFFD

-- A query may hold any bytes: those that are not UTF-8 are replaced.
local function form_decode(text)
  local decoded = percent_decode((text:gsub("%+", " ")))
  return (decoded:gsub("[\128-\255]+", function(run)
    return body.is_utf8(run) and run or REPLACEMENT
  end))
end

---@return table<string, string> query
---@return table<string, boolean> repeated keys that were given more than once
local function parse_query(text)
  local query, repeated = {}, {}
  for pair in text:gmatch("[^&]+") do
    local key, value = pair:match("^([^=]*)=?(.*)$")
    key = form_decode(key)
    repeated[key] = query[key] ~= nil
    query[key] = form_decode(value)
  end
  return query, repeated
end

local function parameter_of(route, raw)
  local text = percent_decode(raw)
  if not body.is_utf8(text) then
    faults.raise("invalid_input", "The path is not UTF-8")
  elseif route.is_uuid then
    return ids.parse_uuid(text) or faults.raise("invalid_input", "The path's id is not a UUID")
  end
  return text
end

local function find(self, path)
  for _, route in ipairs(self.order) do
    local raw = path:match(route.matcher)
    if raw then
      return route, raw
    end
  end
end

local function has_parameter(route)
  return route.matcher:find("(", 1, true) ~= nil
end

-- GET brings HEAD along; the order is that of the routes.
local function allowed_methods(route)
  local methods = {}
  for _, method in ipairs(route.methods) do
    methods[#methods + 1] = method == "GET" and "GET,HEAD" or method
  end
  return table.concat(methods, ",")
end

-- What a browser asks before a request from another origin is answered for every path.
local function preflight(route)
  return 200, nil, { allow = route and allowed_methods(route) or nil }
end

---Runs the handler of a request; the query is added to the request.
---@return integer status
---@return any content
---@return table<string, string>? headers
function Router:dispatch(request, now)
  local path, query = request.path:gsub("#.*$", ""):match("^([^?]*)%??(.*)$")
  local route, raw = find(self, path)
  if request.method == "OPTIONS" then
    return preflight(route)
  elseif not route then
    faults.raise("not_found", "Resource not found")
  end
  local method = request.method == "HEAD" and "GET" or request.method
  local handler = route.handlers[method]
  if not handler then
    faults.raise("invalid_input", "The method is not allowed here", { status = 405, allow = allowed_methods(route) })
  end
  request.query, request.repeated = parse_query(query)
  return handler(request, has_parameter(route) and parameter_of(route, raw) or nil, now)
end

function router.new()
  return setmetatable({ routes = {}, order = {} }, Router)
end

return router
