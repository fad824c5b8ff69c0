-- Waiting for a lock: when to look again, and what to say when it was in vain.
-- May use: errors, keeping, native.

local errors = require "octostore.errors"
local keeping = require "octostore.keeping"
local native = require "octostore.native"

local waiting = {}

---No more than four looks a second while nothing changes, and one a second in the long run.
local POLL = { least = 0.25, base = 0.25, cap = 1 }
---A lock of this process is no request away.
local NEAR = { least = 0.02, most = 0.25 }

---Who holds the lock, and since when this waiter has seen it.
local Sighting = {}
Sighting.__index = Sighting

---@param err octostore.Error
---@param at number
function Sighting:update(err, at)
  if err.kind == "lock_held" and (not self.since or err.holder_id ~= self.holder_id) then
    self.holder_id, self.since = err.holder_id, at
  end
end

function waiting.sighting()
  return setmetatable({}, Sighting)
end

---What a stranger wrote, for a message: one line, not long, no half character at its end.
local function printable(text)
  text = text:gsub("%c", "?")
  return #text <= 80 and text or text:sub(1, 80):gsub("[\192-\255][\128-\191]*$", "") .. "..."
end

---Dresses the last error of a wait that was in vain.
---@param err octostore.Error
---@param wait number seconds that were given
---@param waited number seconds
---@param sighting table
---@param at number
---@return octostore.Error
function waiting.give_up(err, wait, waited, sighting, at)
  err.waited = waited
  if err.kind == "lock_held" and wait > 0 then
    local words = " (waited %.1f s; %s has been seen holding it for %.1f s%s)"
    local metadata = err.metadata and (", metadata '%s'"):format(printable(err.metadata)) or ""
    local holder = err.same_process and "this process" or printable(err.holder_id)
    err.message = err.message .. words:format(waited, holder, at - sighting.since, metadata)
    err.seen_for = at - sighting.since
  end
  return err
end

---Seconds until the next try. A holder may release at any time, so the end of its lease is only the
---latest moment to look again; every other hint of the server is a time before which it is useless.
---@param err octostore.Error
---@param attempt integer from 1
---@return number
function waiting.delay(err, attempt)
  if err.same_process then
    return math.min(NEAR.least * attempt, NEAR.most)
  end
  local held = err.kind == "lock_held"
  local hint = not held and err.retry_after or POLL.least
  local delay = native.retry_delay(attempt, math.max(hint, POLL.least), POLL.base, POLL.cap)
  if held and err.retry_after then
    delay = math.min(delay, math.max(err.retry_after, POLL.least))
  end
  return delay
end

-- ---- the watch ----

local LOOK = 0.05 -- seconds between two looks at a watch

---Has the engine watch a lock. A hint only: what is missed is found by asking again in time.
---@param parts table
---@param name string
---@param seconds number for as long
---@return table? watch
function waiting.watch(parts, name, seconds)
  local port = keeping.port(parts)
  local request = port and native.request(parts.endpoint, "watch_lock", nil, name)
  return request and { port = port, id = port:watch(request, seconds, parts.connect_timeout), seen = 0 }
end

---@param watch table?
function waiting.unwatch(watch)
  if watch then
    watch.port:cancel(watch.id)
  end
end

---Whether the lock has become free since the last time.
local function has_changed(watch)
  local changes = watch.port:changes(watch.id)
  local changed = changes ~= nil and changes > watch.seen
  watch.seen = changes or watch.seen
  return changed
end

---Sleeps; ends early when the watch tells that the lock has become free, or when it is cancelled.
---@param parts table
---@param seconds number
---@param cancel octostore.Cancellation?
---@param watch table?
function waiting.sleep(parts, seconds, cancel, watch)
  if not watch then
    parts.driver:sleep(seconds, cancel)
    return
  end
  local deadline = parts.now() + seconds
  local left = seconds
  while left > 0 and not has_changed(watch) and not (cancel and cancel:cancelled()) do
    parts.driver:sleep(math.min(left, LOOK), cancel)
    left = deadline - parts.now()
  end
end

-- ---- what others have learnt ----

---Keeps what the server said of a name, for other waiters of the same client.
---@param parts table
---@param try table whose answer it was
---@param err octostore.Error
function waiting.share(parts, try, err)
  try.last_refusal = { err = err, at = parts.now(), try = try } -- the table below does not keep it alive
  parts.refusals[try.name] = try.last_refusal
end

---What another waiter was told so short a time ago that asking again would be a storm.
---@param parts table
---@param try table
---@return octostore.Error?
function waiting.recent(parts, try)
  local known = parts.refusals[try.name]
  if known and known.try ~= try and parts.now() - known.at < POLL.least then
    return errors.new(known.err.kind, known.err.code, known.err.message, known.err)
  end
end

return waiting
