-- A script of faults: which requests meet what, written down before they are sent.
-- May use: native (the table of operations), rule, wire. A request meets one rule at most: the first
-- of those with a count, in the order in which they were written, else the first for every request.

local native = require "octostore.native"
local rule = require "octostore.testing.rule"
local wire = require "octostore.testing.wire"

local script = {}

---@class octostore.testing.Faults
local Script = {}
Script.__index = Script

local OPERATIONS = {}
for _, operation in ipairs(native.operations()) do
  OPERATIONS[operation.name] = true
end

-- "*" stands for any text; everything else for itself.
local function path_matcher(method, pattern)
  local wanted = "^" .. pattern:gsub("%W", "%%%0"):gsub("%%%*", ".*") .. "$"
  return function(request)
    local path = request.path:match("^[^?]*")
    return path:match(wanted) ~= nil and (not method or method == request.method)
  end
end

local function operation_matcher(name)
  return function(request)
    return name == "*" or request.operation == name
  end
end

local function matcher(pattern)
  if type(pattern) == "function" then
    return pattern
  elseif type(pattern) ~= "string" then
    error(("faults: on takes an operation, a path or a function (got %s)"):format(type(pattern)), 3)
  end
  local method, path = pattern:match("^(%u*) ?(/.*)$")
  if path then
    return path_matcher(method ~= "" and method, path)
  elseif pattern == "*" or OPERATIONS[pattern] then
    return operation_matcher(pattern)
  end
  error(("faults: there is no operation '%s'; a path begins with /"):format(pattern), 3)
end

---Starts a rule for the requests of an operation ("release_lock"), for those to a path, as it is sent and
---without a query ("POST /locks/*/release", "/sessions*"; "*" is any text), for all ("*"), or for those
---that a function picks by request.operation, .method, .path, .headers and .body.
---@param pattern string|fun(request: table): boolean
---@return octostore.testing.Rule
function Script:on(pattern)
  local new = rule.new(type(pattern) == "string" and pattern or "function", matcher(pattern))
  table.insert(self._rules, new)
  return new
end

---What was met, in its order: "release_lock: drop_answer".
---@return string[]
function Script:log()
  local copy = {}
  for i, line in ipairs(self._log) do
    copy[i] = line
  end
  return copy
end

---The rules that still wait for requests; a spec that wants all its faults to happen asserts that there are none.
---@return string[]
function Script:unmet()
  local list = {}
  for _, one in ipairs(self._rules) do
    if rule.is_unmet(one) then
      list[#list + 1] = one.name .. ": " .. rule.describe(one)
    end
  end
  return list
end

---Ends all faults; what is under way stays so. The log is kept.
function Script:clear()
  self._rules = {}
end

-- Every rule sees every request, so that nth counts those that another rule takes.
local function choose(rules, request)
  local counted, standing
  for _, one in ipairs(rules) do
    if rule.is_due(one, request) then
      if rule.is_counted(one) then
        counted = counted or one
      else
        standing = standing or one
      end
    end
  end
  return counted or standing
end

local function meet(self, chosen, exchange)
  local faults = rule.take(chosen)
  table.insert(self._log, (exchange.request.operation or exchange.request.path) .. ": " .. rule.describe(chosen))
  return wire.send(exchange, faults)
end

---Carries a request to the service, through the faults that it meets. For the driver.
---@param exchange octostore.testing.Exchange
---@return table? response
---@return table? error
function Script:send(exchange)
  local chosen = choose(self._rules, exchange.request)
  if not chosen then
    return exchange.deliver()
  end
  local ok, response, err = pcall(meet, self, chosen, exchange)
  if not ok then
    self._problem = type(exchange.request) == "table" and response or nil -- the background's: see raise_problem
    error(response, 0)
  end
  return response, err
end

---Raises what a fault of this script raised while a client worked in the background, to whom it was a lost
---answer like any other. For the driver.
function Script:raise_problem()
  local problem = self._problem
  self._problem = nil
  if problem ~= nil then
    error(problem, 0)
  end
end

---@param value any
---@return boolean
function script.is(value)
  return getmetatable(value) == Script
end

---@return octostore.testing.Faults
function script.new()
  return setmetatable({ _rules = {}, _log = {} }, Script)
end

return script
