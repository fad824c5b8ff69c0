-- Keeping: the part of a client that lives beside its calls, in C: the keeper that renews its locks
-- and its session, and what it has to tell.
-- May use: native. With a driver that has a clock of its own, as the testing kit's, the keeper takes
-- its steps when that clock passes their moments; otherwise the engine's thread takes them.

local native = require "octostore.native"

local keeping = {}

---Carries what is due, over the client's driver.
local function step(parts, keeper)
  local request = keeper:next(parts.now())
  while request do
    local connect_timeout = math.min(request.timeout, parts.connect_timeout)
    local ok, response = pcall(parts.driver.send, parts.driver, request, request.timeout, connect_timeout)
    keeper:complete(ok and response or nil, true, parts.now())
    request = keeper:next(parts.now())
  end
end

local function make_keeper(parts)
  local driver = parts.driver
  if not driver.now then
    return native.engine()
  end
  local keeper = native.keeper()
  if driver.attach then
    driver:attach({
      next_wake = function()
        return keeper:wake()
      end,
      wake = function()
        step(parts, keeper)
      end,
    })
  end
  return keeper
end

---The client's account with the keeper, made on first use; in a child process a new one, since the
---parent's sessions and locks are not the child's.
---@param parts table
---@return userdata account
function keeping.account(parts)
  local kept = parts.kept
  if not kept or kept.keeper:is_inherited() then
    local keeper = make_keeper(parts)
    kept = { keeper = keeper, account = keeper:account(parts.endpoint, parts.token_file, parts.ca_file, parts.proxy) }
    parts.kept = kept
  end
  return kept.account
end

---The client's port to the engine, made on first use; nil with a driver that has a clock of its own.
---@param parts table
---@return userdata?
function keeping.port(parts)
  if parts.driver.now then
    return nil
  end
  keeping.account(parts)
  local kept = parts.kept
  kept.port = kept.port or native.port(parts.endpoint:is_secure(), parts.ca_file, parts.proxy)
  return kept.port
end

---Ends what is under way for the client.
---@param parts table
function keeping.close(parts)
  if parts.kept and parts.kept.port then
    parts.kept.port:close()
    parts.kept.port = nil
  end
end

---Tells the keeper of the endpoint's new token.
---@param parts table
function keeping.take_token(parts)
  if parts.kept then
    parts.kept.account:take_token(parts.endpoint)
  end
end

---Calls the client's event hook; a fault in it must not hide what the caller is about to learn.
---@param parts table
---@param event octostore.Event
function keeping.emit(parts, event)
  if parts.on_event then
    pcall(parts.on_event, event)
  end
end

---@class octostore.Event
---@field type "lock_lost"|"dropped"|"session_ended"|"release_failed"
---@field name string? the lock's
---@field reason string? for lock_lost and session_ended: one of octostore.reasons
---@field error octostore.Error? for release_failed

---Hands out the events that have come up since the last time.
---@param parts table
function keeping.deliver(parts)
  if not parts.kept or not parts.on_event then
    return
  end
  local account = parts.kept.account
  local kind, reason, name = account:next_event()
  while kind do
    name = name ~= "" and name or nil
    keeping.emit(parts, { type = kind, name = name, reason = kind ~= "dropped" and reason or nil })
    kind, reason, name = account:next_event()
  end
end

return keeping
