-- octostore: distributed locks for Lua.
-- May use: everything below; holds no logic of its own.

local cancellation = require "octostore.cancellation"
local client = require "octostore.client"
local config = require "octostore.config"
local errors = require "octostore.errors"
local native = require "octostore.native"

local octostore = {
  _VERSION = "octostore scm",
  ---Kinds of errors: octostore.kinds.LOCK_HELD == "lock_held".
  kinds = errors.kinds,
  ---Why a lock ended: octostore.reasons.LOST == "lost".
  reasons = errors.reasons,
  ---Statuses of locks and elections, as in results.
  statuses = {
    FREE = "free",
    HELD = "held",
    ACQUIRED = "acquired",
    DELAYED = "delayed",
    LEADER = "leader",
    FOLLOWER = "follower",
    VACANT = "vacant",
  },
}

---Makes a client. No request is sent.
---Three forms: new(), new(base_url, token), new{ options }. What is not given comes from the
---environment (OCTOSTORE_BASE_URL, OCTOSTORE_TOKEN), then from the defaults.
---@param first string|octostore.Options|nil
---@param token string?
---@return octostore.Client?
---@return octostore.Error?
function octostore.new(first, token)
  local ok, made, problem = pcall(function()
    return client.new(config.gather(first, token))
  end)
  if not ok then
    error(made, 2)
  end
  return made, problem
end

---Something to end calls in flight with: pass it as the option `cancel`, then call its cancel().
---@return octostore.Cancellation
function octostore.cancellation()
  return cancellation.new()
end

---Reads a time as the server writes it.
---@param text string RFC 3339
---@return number? seconds since 1970-01-01T00:00:00Z, with fractions
function octostore.parse_time(text)
  return native.parse_time(text)
end

---@param value any
---@return boolean
function octostore.is_error(value)
  return errors.is_error(value)
end

return octostore
