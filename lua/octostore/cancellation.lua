-- A cancellation: a flag that one part of a program sets and calls in flight watch.
-- May use: nothing.

---@class octostore.Cancellation
local Cancellation = {}
Cancellation.__index = Cancellation
Cancellation.__name = "octostore.cancellation"

---Ends every call that was given this cancellation with an error of kind "cancelled". The first
---reason stays.
---@param reason string?
function Cancellation:cancel(reason)
  if reason ~= nil and type(reason) ~= "string" then
    error(("bad argument 'reason' to 'cancel' (string expected, got %s)"):format(type(reason)), 2)
  end
  if not self._cancelled then
    self._cancelled = true
    self._reason = reason
  end
end

---@return boolean
function Cancellation:cancelled()
  return self._cancelled
end

---@return string? reason what cancel was given
function Cancellation:reason()
  return self._reason
end

local cancellation = {}

---@return octostore.Cancellation
function cancellation.new()
  return setmetatable({ _cancelled = false }, Cancellation)
end

---@param value any
---@return boolean
function cancellation.is(value)
  return getmetatable(value) == Cancellation
end

return cancellation
