-- Checks for options that are read in Lua: wrong types raise, bad values are returned as errors.
-- May use: errors.

local errors = require "octostore.errors"

local options = {}

---Raises unless the value is nil or of one of the types named.
---@param where string function whose argument it is
---@param name string
---@param value any
---@param ... string types
function options.check_type(where, name, value, ...)
  if value == nil then
    return
  end
  for i = 1, select("#", ...) do
    if type(value) == select(i, ...) then
      return
    end
  end
  local expected = table.concat({ ... }, " or ")
  error(("bad argument '%s' to '%s' (%s expected, got %s)"):format(name, where, expected, type(value)), 0)
end

---A value from outside in a message: one line, not long.
---@param value any
---@return string
function options.shown(value)
  return (tostring(value):sub(1, 60):gsub("%c", "?"))
end

---Returns an error when the table has a key that is not in `known`.
---@param where string
---@param given table
---@param known table<string, any>
---@return octostore.Error?
function options.unknown(where, given, known)
  for key in pairs(given) do
    if known[key] == nil then
      local message = ("%s: unknown option '%s'"):format(where, options.shown(key))
      return errors.new("validation", "unknown_option", message)
    end
  end
end

---Returns an error unless the number is finite and at least `least` (strictly more when `above`).
---@param where string
---@param name string
---@param value number
---@param least number
---@param above boolean?
---@return octostore.Error?
function options.check_number(where, name, value, least, above)
  local finite = value == value and value < math.huge
  if finite and value >= least and not (above and value == least) then
    return nil
  end
  local rule = (above and "more than %g" or "at least %g"):format(least)
  return errors.validation(name, ("%s: %s must be %s (got %s)"):format(where, name, rule, tostring(value)))
end

---Runs a check that raises and gives its complaint the position of the caller's caller.
---@param level integer of the frame to blame, as for error()
---@param check function
function options.blame(level, check, ...)
  local ok, problem = pcall(check, ...)
  if not ok then
    error(problem, level + 1)
  end
end

return options
