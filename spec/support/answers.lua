-- Answers as the service writes them, for fake drivers.
-- Uses: nothing. Bodies are text, so that integers beyond 2^53 stay exact.
-- Owner: nothing, every call makes a new table.

local answers = {}

answers.LEASE = "11111111-2222-4333-8444-555555555555"
answers.OTHER_LEASE = "99999999-2222-4333-8444-555555555555"
answers.SESSION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
answers.USER = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"
answers.EXPIRES = "2026-11-23T06:06:57.321891876Z"
answers.REQUEST_ID = "req_0123456789abcdef"

---@param status integer
---@param body string
---@param headers table? beside x-request-id
function answers.raw(status, body, headers)
  local all = { ["x-request-id"] = answers.REQUEST_ID }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  return { status = status, body = body, headers = all }
end

local function string_field(name, value)
  return value and (',"%s":"%s"'):format(name, value) or ""
end

local function number_field(name, value)
  return value and (',"%s":%s'):format(name, value) or ""
end

function answers.health()
  return answers.raw(200, '{"status":"ok","storage":"wal","db_size_bytes":4096}')
end

---@param fields { lease: string?, token: string?, metadata: string?, renew_after_ms: integer? }?
function answers.acquired(fields)
  fields = fields or {}
  return answers.raw(200, ('{"status":"acquired","lease_id":"%s","fencing_token":%s,"expires_at":"%s"%s%s}'):format(
    fields.lease or answers.LEASE, fields.token or "7", answers.EXPIRES,
    number_field("renew_after_ms", fields.renew_after_ms), string_field("metadata", fields.metadata)))
end

---@param fields { holder: string?, metadata: string?, retry_after_ms: integer? }?
function answers.held(fields)
  fields = fields or {}
  return answers.raw(200, ('{"status":"held","holder_id":"%s","expires_at":"%s"%s%s}'):format(
    fields.holder or "holder-1", answers.EXPIRES,
    number_field("retry_after_ms", fields.retry_after_ms), string_field("metadata", fields.metadata)))
end

function answers.delayed()
  return answers.raw(409, ('{"status":"delayed","available_at":"%s","lock_delay_seconds":5,"retry_after_ms":2500}')
    :format(answers.EXPIRES))
end

function answers.renewed(lease)
  return answers.raw(200, ('{"lease_id":"%s","expires_at":"%s","renew_after_ms":30000}')
    :format(lease or answers.LEASE, answers.EXPIRES))
end

function answers.session()
  return answers.raw(201, ('{"session_id":"%s","expires_at":"%s","keepalive_interval_secs":100}')
    :format(answers.SESSION, answers.EXPIRES))
end

function answers.released()
  return answers.raw(200, "null")
end

---@param token string
function answers.rotated(token)
  return answers.raw(200, ('{"token":"%s","user_id":"%s","github_username":"alice","namespace":null}')
    :format(token, answers.USER))
end

---@param status integer
---@param code string
---@param fields { details: string?, retry_after_ms: integer? }?
---@param headers table?
function answers.error(status, code, fields, headers)
  fields = fields or {}
  return answers.raw(status, ('{"error":"prose","code":"%s","details":"%s","request_id":"%s"%s}'):format(
    code, fields.details or "some details", answers.REQUEST_ID,
    number_field("retry_after_ms", fields.retry_after_ms)), headers)
end

function answers.lease_gone(status)
  return answers.error(status or 404, "lease_not_current")
end

return answers
