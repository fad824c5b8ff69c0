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

---@param seconds number may have fractions; a clock does not run backwards unless told to
function Clock:advance(seconds)
  self._now = self._now + seconds
end

local clock = {}

---@param start number? seconds since 1970
---@return octostore.testing.Clock
function clock.new(start)
  return setmetatable({ _now = start or DEFAULT_START }, Clock)
end

return clock
