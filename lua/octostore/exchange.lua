-- One call: builds the request, sends it, reads the answer, repeats where that is safe.
-- May use: native, errors, cancellation, options, protected. Written straight down, for every driver alike.

local cancellation = require "octostore.cancellation"
local errors = require "octostore.errors"
local native = require "octostore.native"
local options = require "octostore.options"
local protected = require "octostore.protected"

local exchange = {}

---@class octostore.CallOptions
---@field timeout number? seconds for the whole call, retries included
---@field cancel octostore.Cancellation? ends the call early
---@field retry boolean? false: send one request only

local NO_OPTIONS = {}
local ROTATION_STEP = 0.02

---Refusals that tell how things are: a lease of ours is not there, whatever an earlier attempt did.
local CONCLUSIVE =
  { lock_held = true, lock_delayed = true, lock_lost = true, not_found = true, session_expired = true }
---Refusals after which what was to be ended is known to be gone.
local GONE = { lock_lost = true, not_found = true, session_expired = true }

local function check_types(operation, given)
  options.check_type(operation, "options", given, "table")
  options.check_type(operation, "timeout", given.timeout, "number")
  options.check_type(operation, "retry", given.retry, "boolean")
  if given.cancel ~= nil and not cancellation.is(given.cancel) then
    local message = "bad argument 'cancel' to '%s' (octostore.cancellation expected, got %s)"
    error(message:format(operation, type(given.cancel)), 0)
  end
end

---Whether a refused release or renewal proves the end of the lease.
---@param err octostore.Error
---@return boolean
function exchange.proves_end(err)
  return GONE[err.kind] or false
end

---A call in progress.
local Call = {}
Call.__index = Call

---Seconds on the driver's clock: the testing driver has one of its own.
local function now(driver)
  return driver.now and driver:now() or native.now()
end

function Call:left()
  return self.deadline - now(self.driver)
end

function Call:is_cancelled()
  return self.cancel and self.cancel:cancelled()
end

function Call:fault(kind, code, message)
  return errors.wrap(native.fault(self.request, kind, code, message, self.ambiguous))
end

---The answer of one request, or what went wrong. A second value of true says that an earlier
---attempt may have been the one that took effect.
function Call:attempt()
  local limits = {
    timeout = self:left(),
    connect_timeout = math.min(self.client.connect_timeout, self:left()),
    cancel = self.cancel,
  }
  self.started_at = now(self.driver)
  local response, err = self.driver:send(self.request, limits)
  if not response then
    return nil, errors.wrap(err)
  end
  local result
  result, err = native.parse(self.request, response)
  if result ~= nil then
    return result
  end
  self.ambiguous = self.ambiguous or (response.repeated and self.request.method ~= "GET") or false
  return nil, errors.wrap(err)
end

---Whether a rotation is under way. It is over at its deadline at the latest: a coroutine that was
---abandoned in the middle of one holds the others up no longer.
local function is_rotating(client)
  return client.rotating_until ~= nil and now(client.driver) < client.rotating_until
end

---True when the request carried a token that another call has replaced meanwhile; it is then built
---anew. While a rotation is under way its answer is waited for.
function Call:has_new_token(err)
  if err.kind ~= "authentication" or not err.status then
    return false
  end
  while is_rotating(self.client) and self.request.operation ~= "rotate_token" do
    if self:left() <= 0 or self:is_cancelled() then
      return false
    end
    self.driver:sleep(ROTATION_STEP, self.cancel)
  end
  return self.client.endpoint:is_outdated(self.request) and self:build() and true
end

function Call:build()
  local err
  self.request, err = self.make_request()
  return self.request, err
end

---What a repeat that was refused means when an earlier attempt may have taken effect: a lease that
---is no longer current has been released, by that attempt. So has one whose lock someone else's
---session, or an expired one of ours, holds by now: the server then says not_found, session_expired.
function Call:is_settled(err)
  return self.ambiguous and self.request.settled_code and GONE[err.kind]
end

---The error to hand on: what is unknown of an earlier attempt stays unknown.
function Call:final(err)
  if self.ambiguous and not CONCLUSIVE[err.kind] then
    err.outcome = "unknown"
  end
  return err
end

---Waits before the next attempt; false when there must be none.
function Call:wait_to_repeat(attempt, err)
  local delay = self.retry and self.retry:delay(attempt, err, self:left())
  if not delay then
    return false
  end
  self.driver:sleep(delay, self.cancel)
  return true
end

function Call:cancelled_error()
  return self:fault("cancelled", "cancelled", self.cancel:reason() or "cancelled")
end

---@return any? result
---@return octostore.Error?
---@return number? started_at when the last request was sent, on the driver's clock
function Call:run()
  local attempt = 1
  while true do
    if self:is_cancelled() then
      return nil, self:cancelled_error()
    end
    local result, err = self:attempt()
    if result ~= nil then
      self.client.retry:succeeded()
      return result, nil, self.started_at
    end
    if self:is_settled(err) then
      return true, nil, self.started_at
    end
    self.ambiguous = self.ambiguous or err.outcome == "unknown"
    if not self:has_new_token(err) then
      if not self:wait_to_repeat(attempt, err) then
        return nil, self:final(err)
      end
      attempt = attempt + 1
    end
  end
end

local function same(problem)
  return problem
end

---Runs a rotation. They go one after the other, each with the token of the one before.
function Call:rotate()
  while is_rotating(self.client) do
    if self:is_cancelled() then
      return nil, self:cancelled_error()
    elseif self:left() <= 0 then
      return nil, self:fault("timeout", "timeout", "another rotation took all the time")
    end
    self.driver:sleep(ROTATION_STEP, self.cancel)
  end
  self.client.rotating_until = self.deadline
  self:build()
  local ok, result, err = protected.xpcall(function()
    return self:run()
  end, same)
  if ok and result then
    self.client.endpoint:set_token(result.token)
  end
  self.client.rotating_until = nil
  if not ok then
    error(result, 0)
  end
  return result, err
end

---Makes one call. Raises at `level` for arguments of a wrong type.
---@param client table the parts of a client (config.build)
---@param level integer
---@param operation string
---@param given table? the operation's options and octostore.CallOptions
---@param ... any the operation's positional arguments
---@return any? result
---@return octostore.Error?
---@return number? started_at
function exchange.call(client, level, operation, given, ...)
  options.blame(level + 1, check_types, operation, given or NO_OPTIONS)
  given = given or NO_OPTIONS
  if client.closed then
    local message = operation .. ": the client is closed"
    return nil, errors.new("cancelled", "client_closed", message, { operation = operation })
  end
  local problem = given.timeout and options.check_number(operation, "timeout", given.timeout, 0, true)
  if problem then
    return nil, problem
  end
  local first, second, third = ...
  local call = setmetatable({
    client = client,
    driver = client.driver,
    cancel = given.cancel,
    retry = given.retry ~= false and client.retry or nil,
    ambiguous = false,
    make_request = function()
      return native.request(client.endpoint, operation, given, first, second, third)
    end,
  }, Call)
  call.deadline = now(client.driver) + (given.timeout or client.timeout)
  local request, err = call:build()
  if not request then
    if err.wrong_type then
      error(err.message, level + 1)
    end
    return nil, errors.wrap(err)
  end
  if operation == "rotate_token" then
    return call:rotate()
  end
  return call:run()
end

return exchange
