-- Retries: when a failed call may be sent again, and after which delay.
-- May use: native (the delay is computed in C), options.
-- A budget keeps a broken server from being hit harder than a healthy one.

local native = require "octostore.native"
local options = require "octostore.options"

local retry = {}

---@class octostore.RetryOptions
---@field attempts integer? at most this many requests for one call (default 4)
---@field base number? upper bound of the first delay, seconds (default 0.1)
---@field cap number? upper bound of every delay without a hint, seconds (default 5)
---@field budget number? retries that may be used up; 10 successes earn one back (default 10)

local DEFAULTS = { attempts = 4, base = 0.1, cap = 5, budget = 10 }
local TENTHS = 10 -- the budget is counted in tenths of a retry, which stay exact; a success earns one

local TRANSIENT = { network = true, timeout = true, server = true, rate_limited = true }

local Retry = {}
Retry.__index = Retry

---Seconds to wait before the next attempt, or nil when there must not be one. `left` is the time
---that remains to the call.
---@param attempt integer the attempt that failed, from 1
---@param err octostore.Error
---@param left number seconds
---@return number?
function Retry:delay(attempt, err, left)
  if attempt >= self.attempts or not err.retryable or not TRANSIENT[err.kind] or self.left < TENTHS then
    return nil
  end
  local delay = native.retry_delay(attempt, err.retry_after, self.base, self.cap)
  if delay >= left then
    return nil
  end
  self.left = self.left - TENTHS
  return delay
end

function Retry:succeeded()
  local left, most = self.left + 1, self.budget * TENTHS
  self.left = left < most and left or most
end

local function check_types(given)
  options.check_type("new", "retry", given, "table", "boolean")
  if type(given) == "table" then
    for name in pairs(DEFAULTS) do
      options.check_type("new", "retry." .. name, given[name], "number")
    end
  end
end

local function problem_of(given)
  local problem = options.unknown("retry", given, DEFAULTS)
  for name, default in pairs(DEFAULTS) do
    problem = problem or options.check_number("retry", name, given[name] or default, name == "attempts" and 1 or 0)
  end
  return problem
end

---@param given octostore.RetryOptions|boolean|nil false for no retries at all
---@return table? retry
---@return octostore.Error?
function retry.new(given)
  check_types(given)
  if given == false then
    given = { attempts = 1 }
  elseif given == true then
    given = nil
  end
  given = given or {}
  local problem = problem_of(given)
  if problem then
    return nil, problem
  end
  local self = setmetatable({}, Retry)
  for name, default in pairs(DEFAULTS) do
    self[name] = given[name] or default
  end
  self.left = self.budget * TENTHS
  return self
end

return retry
