-- A clock that a spec turns.
-- May use: nothing.

---@class octostore.testing.Clock
local Clock = {}
Clock.__index = Clock

local DEFAULT_START = 1767225600 -- 2026-01-01T00:00:00Z

---@return number seconds since 1970
function Clock:now()
  return self._now
end

---Something that wants to do its work at moments of its own while the clock is turned.
---@class octostore.testing.Agent
---@field next_wake fun(): number? the next such moment, in seconds of this clock
---@field wake fun() does what is due; it may turn the clock itself, by what that takes

---@param agent octostore.testing.Agent
function Clock:attach(agent)
  table.insert(self._agents, agent)
end

local function detach(self, agent)
  for i, other in ipairs(self._agents) do
    if other == agent then
      table.remove(self._agents, i)
      return
    end
  end
end

---Runs fn once, when the clock is turned to that moment: another worker's call, a cancellation. A moment
---that has passed comes with the next turn.
---@param time number seconds since 1970, as now() counts them
---@param fn fun()
function Clock:at(time, fn)
  if type(time) ~= "number" or time ~= time then
    error(("bad argument 'time' to 'at' (a number of seconds expected, got %s)"):format(tostring(time)), 2)
  elseif type(fn) ~= "function" then
    error(("bad argument 'fn' to 'at' (function expected, got %s)"):format(type(fn)), 2)
  end
  local agent = {}
  function agent.next_wake()
    return time
  end
  function agent.wake()
    detach(self, agent)
    fn()
  end
  self:attach(agent)
end

---The agent that is to be woken first, up to a moment; those at work are not disturbed.
local function earliest(self, limit)
  local first, first_at
  for _, agent in ipairs(self._agents) do
    local at = not self._working[agent] and agent.next_wake()
    if at and at <= limit and (not first_at or at < first_at) then
      first, first_at = agent, at
    end
  end
  return first, first_at
end

local function is_cancelled(cancel)
  return cancel and cancel:cancelled()
end

---Turns the clock. It goes from one agent's moment to the next, so that what would have happened
---meanwhile happens.
---@param seconds number may have fractions; a clock does not run backwards unless told to
---@param cancel octostore.Cancellation? ends the turn early, when something on the way cancels it
function Clock:advance(seconds, cancel)
  local target = self._now + seconds
  local agent, at = earliest(self, target)
  while agent and not is_cancelled(cancel) do
    self._now = math.max(self._now, at)
    self._working[agent] = true
    local ok, problem = pcall(agent.wake)
    self._working[agent] = nil
    if not ok then
      error(problem, 0)
    end
    agent, at = earliest(self, target)
  end
  if not is_cancelled(cancel) then
    self._now = seconds < 0 and target or math.max(self._now, target)
  end
end

local clock = {}

---@param start number? seconds since 1970
---@return octostore.testing.Clock
function clock.new(start)
  return setmetatable({ _now = start or DEFAULT_START, _agents = {}, _working = {} }, Clock)
end

return clock
