-- Errors: tables with a metatable, and the constants that name their kinds.
-- May use: nothing. C makes the errors of requests and answers; this file dresses them and makes
-- those that arise in Lua.

---@class octostore.Error
---@field kind string one of octostore.kinds
---@field code string the server's code, or the library's own
---@field message string one line for people; never holds a secret
---@field retryable boolean the same call may succeed later and repeating it does no harm
---@field outcome "none"|"unknown" did the call take effect on the server?
---@field operation string? the operation that failed, "acquire_lock"
---@field argument string? for kind "validation": the argument that broke a rule
---@field status integer? HTTP status, when there was an answer
---@field request_id string? the server's X-Request-Id, for its operator
---@field retry_after number? seconds, what the server asked for
---@field holder_id string? for "lock_held": a pseudonym of the holder
---@field expires_at string? for "lock_held": when its lease ends, RFC 3339
---@field metadata string? for "lock_held": what the holder said of itself
---@field waited number? for "lock_held": seconds that this call waited in vain
---@field available_at string? for "lock_delayed": when the lock can be had, RFC 3339
---@field fencing_token string? for code "stale_token": the token that was refused, in decimal digits
---@field highest string? for code "stale_token": the one that was accepted before
---@field reason string? for "lock_lost": one of octostore.reasons
---@field results table? for "lock_lost" from with_lock: what the body returned, with a field n

local errors = {}

---@enum octostore.Kind
errors.kinds = {
  LOCK_HELD = "lock_held",
  LOCK_DELAYED = "lock_delayed",
  LOCK_LOST = "lock_lost",
  AUTHENTICATION = "authentication",
  FORBIDDEN = "forbidden",
  LIMIT = "limit",
  CONFLICT = "conflict",
  NOT_FOUND = "not_found",
  SESSION_EXPIRED = "session_expired",
  RATE_LIMITED = "rate_limited",
  VALIDATION = "validation",
  NETWORK = "network",
  TIMEOUT = "timeout",
  CANCELLED = "cancelled",
  PROTOCOL = "protocol",
  SERVER = "server",
}

---Why a lock ended, in error.reason and lock.reason.
---@enum octostore.Reason
errors.reasons = {
  LOST = "lost", -- the server said that the lease is gone
  UNCERTAIN = "uncertain", -- its local deadline passed
  RELEASED = "released", -- given up by its owner
  SESSION = "session",
  FORKED = "forked",
  MAX_HOLD = "max_hold",
}

local Error = {}
Error.__index = Error
Error.__name = "octostore.error"

function Error:__tostring()
  return "octostore: " .. self.kind .. ": " .. self.message
end

---Gives a plain table its metatable.
---@param fields table
---@return octostore.Error
function errors.wrap(fields)
  return setmetatable(fields, Error)
end

---Makes an error that arose in Lua.
---@param kind string
---@param code string
---@param message string
---@param fields table? further fields
---@return octostore.Error
function errors.new(kind, code, message, fields)
  local err = { kind = kind, code = code, message = message, retryable = false, outcome = "none" }
  for key, value in pairs(fields or {}) do
    err[key] = value
  end
  return errors.wrap(err)
end

---@param argument string
---@param message string
---@return octostore.Error
function errors.validation(argument, message)
  return errors.new("validation", "invalid_argument", message, { argument = argument })
end

---@param value any
---@return boolean
function errors.is_error(value)
  return getmetatable(value) == Error
end

return errors
