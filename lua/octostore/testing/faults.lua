-- Refusals: the server's codes with their statuses, raised by the parts of the service.
-- May use: json. The words are ours; code and status are the contract.

local json = require "octostore.testing.json"

local faults = {}

local Fault = {}

local STATUS = {
  authentication_required = 401,
  authentication_failed = 401,
  forbidden = 403,
  lock_limit_exceeded = 403,
  invalid_input = 400,
  invalid_ttl = 400,
  invalid_lock_name = 400,
  not_found = 404,
  session_expired = 410,
  lease_not_current = 404,
  conflict = 409,
  capacity_exceeded = 409,
  rate_limited = 429,
}

local TITLES = {
  authentication_required = "Authorization header required",
  authentication_failed = "Authentication failed",
  lock_limit_exceeded = "Lock limit exceeded",
  lease_not_current = "Lease is not current",
  invalid_ttl = "Invalid TTL",
  invalid_lock_name = "Invalid lock name",
  rate_limited = "Rate limit exceeded",
}

local function title(code)
  return TITLES[code] or code:sub(1, 1):upper() .. code:sub(2):gsub("_", " ")
end

---Raises a refusal.
---@param code string
---@param details string?
---@param extra { status: integer?, retry_after: number?, allow: string? }? another status; seconds to wait;
---the methods that are allowed
function faults.raise(code, details, extra)
  extra = extra or {}
  error(setmetatable({
    code = code,
    status = extra.status or STATUS[code],
    details = details or title(code),
    retry_after = extra.retry_after,
    allow = extra.allow,
  }, Fault), 0)
end

---@param value any
---@return boolean
function faults.is(value)
  return getmetatable(value) == Fault
end

---The answer that a refusal becomes.
---@param fault table
---@param request_id string
---@return table response
function faults.response(fault, request_id)
  local body = { error = title(fault.code), code = fault.code, details = fault.details, request_id = request_id }
  local headers = { ["content-type"] = "application/json", allow = fault.allow }
  if fault.retry_after then
    body.retry_after_ms = math.floor(fault.retry_after * 1000 + 0.5)
    headers["retry-after"] = ("%d"):format(math.ceil(fault.retry_after))
  end
  return { status = fault.status, headers = headers, body = json.encode(body) }
end

return faults
