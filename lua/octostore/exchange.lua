-- One call: builds the request, sends it, reads the answer, repeats where that is safe.
-- May use: native, errors, cancellation, keeping, options, protected. Written straight down, for every driver alike.

local cancellation = require "octostore.cancellation"
local errors = require "octostore.errors"
local keeping = require "octostore.keeping"
local native = require "octostore.native"
local options = require "octostore.options"
local protected = require "octostore.protected"

local exchange = {}

---@class octostore.CallOptions
---@field timeout number? seconds for the whole call, retries included
---@field cancel octostore.Cancellation? ends the call early
---@field retry boolean? false: send one request only

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

local function is_cancelled(cancel)
  return cancel and cancel:cancelled()
end

---Sends a request once.
---@param client table
---@param request userdata
---@param started_at number now, by the client's clock: nothing has been sent yet
---@param deadline number
---@param cancel octostore.Cancellation?
---@return any? result
---@return octostore.Error?
---@return number started_at on the client's clock, before anything was sent
---@return boolean? repeated the transport sent it twice: an earlier one may have taken effect
local function attempt(client, request, started_at, deadline, cancel)
  local left = deadline - started_at
  local connect_timeout = left < client.connect_timeout and left or client.connect_timeout
  local response, err = client.driver:send(request, left, connect_timeout, cancel)
  if not response then
    return nil, errors.wrap(err), started_at
  end
  local result
  result, err = native.parse(request, response)
  if result ~= nil then
    return result, nil, started_at
  end
  return nil, errors.wrap(err), started_at, response.repeated
end

---A call that needs more than its first answer: what is known of its attempts so far.
local Call = {}
Call.__index = Call

function Call:attempt()
  return attempt(self.client, self.request, self.client.now(), self.deadline, self.cancel)
end

function Call:left()
  return self.deadline - self.client.now()
end

function Call:fault(kind, code, message)
  return errors.wrap(native.fault(self.request, kind, code, message, self.ambiguous))
end

function Call:cancelled_error()
  return self:fault("cancelled", "cancelled", self.cancel:reason() or "cancelled")
end

---Whether a rotation is under way. It is over at its deadline at the latest: a coroutine that was
---abandoned in the middle of one holds the others up no longer.
local function is_rotating(client)
  return client.rotating_until ~= nil and client.now() < client.rotating_until
end

---A refused token may have been replaced in the file that it came from.
local function read_token_file(client)
  local token = client.token_file and native.read_token_file(client.token_file)
  if token then
    client.endpoint:set_token(token)
    keeping.take_token(client)
  end
end

---True when the request carried a token that has been replaced meanwhile, by another call or in its
---file; it is then built anew. While a rotation is under way its answer is waited for.
function Call:has_new_token(err)
  if err.kind ~= "authentication" or not err.status then
    return false
  end
  while is_rotating(self.client) and self.request.operation ~= "rotate_token" do
    if self:left() <= 0 or is_cancelled(self.cancel) then
      return false
    end
    self.client.driver:sleep(ROTATION_STEP, self.cancel)
  end
  read_token_file(self.client)
  if not self.client.endpoint:is_outdated(self.request) then
    return false
  end
  self.request = self.make_request() or self.request
  return true
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
function Call:wait_to_repeat(attempts, err)
  local delay = self.retry and self.retry:delay(attempts, err, self:left())
  if not delay then
    return false
  end
  self.client.driver:sleep(delay, self.cancel)
  return true
end

---Goes on from a first attempt that failed.
---@param err octostore.Error of the attempt
---@param started_at number when it was sent
---@param repeated boolean? as attempt() returns it
---@return any? result
---@return octostore.Error?
---@return number? started_at when the last request was sent, on the client's clock
function Call:recover(err, started_at, repeated)
  local attempts = 1
  local result
  while true do
    self.ambiguous = self.ambiguous or (repeated and self.request.method ~= "GET") or false
    if self:is_settled(err) then
      return true, nil, started_at
    end
    self.ambiguous = self.ambiguous or err.outcome == "unknown"
    if not self:has_new_token(err) then
      if not self:wait_to_repeat(attempts, err) then
        return nil, self:final(err)
      end
      attempts = attempts + 1
    end
    if is_cancelled(self.cancel) then
      return nil, self:cancelled_error()
    end
    result, err, started_at, repeated = self:attempt()
    if result ~= nil then
      self.client.retry:succeeded()
      return result, nil, started_at
    end
  end
end

local function same(problem)
  return problem
end

---Runs a rotation. They go one after the other, each with the token of the one before.
function Call:rotate()
  while is_rotating(self.client) do
    if is_cancelled(self.cancel) then
      return nil, self:cancelled_error()
    elseif self:left() <= 0 then
      return nil, self:fault("timeout", "timeout", "another rotation took all the time")
    end
    self.client.driver:sleep(ROTATION_STEP, self.cancel)
  end
  self.client.rotating_until = self.deadline
  self.request = self.make_request()
  local ok, result, err = protected.xpcall(function()
    return self:attempt()
  end, same)
  if ok and result then
    self.client.endpoint:set_token(result.token)
    keeping.take_token(self.client)
  end
  self.client.rotating_until = nil
  if not ok then
    error(result, 0)
  end
  return result, err
end

---Goes on with a call whose first attempt failed with `err`, or was not made when there is none.
function Call:go_on(err, started_at, repeated)
  if err then
    return self:recover(err, started_at, repeated)
  elseif is_cancelled(self.cancel) then
    return nil, self:cancelled_error()
  end
  return self:rotate()
end

local function check(client, operation, given)
  if client.closed then
    local message = operation .. ": the client is closed"
    return errors.new("cancelled", "client_closed", message, { operation = operation })
  end
  return given.timeout and options.check_number(operation, "timeout", given.timeout, 0, true)
end

local function new_call(client, request, deadline, operation, given, first, second, third)
  return setmetatable({
    client = client,
    request = request,
    deadline = deadline,
    cancel = given and given.cancel,
    retry = not (given and given.retry == false) and client.retry,
    ambiguous = false,
    make_request = function()
      return native.request(client.endpoint, operation, given, first, second, third)
    end,
  }, Call)
end

---Checks the arguments of a call without making it. Raises at `level` for a wrong type.
---@return octostore.Error?
function exchange.check(client, level, operation, given, first, second, third)
  options.blame(level + 1, check_types, operation, given)
  local request, err = native.request(client.endpoint, operation, given, first, second, third)
  if not request and err.wrong_type then
    error(err.message, level + 1)
  end
  return check(client, operation, given) or (err and errors.wrap(err))
end

---Makes one call. Raises at `level` for arguments of a wrong type.
---@param client table the parts of a client (config.build)
---@param level integer
---@param operation string
---@param given table? the operation's options and octostore.CallOptions
---@param first any the operation's positional arguments, three at most
---@return any? result
---@return octostore.Error?
---@return number? started_at
function exchange.call(client, level, operation, given, first, second, third)
  if given then
    options.blame(level + 1, check_types, operation, given)
  end
  local problem = (given or client.closed) and check(client, operation, given)
  if problem then
    return nil, problem
  end
  local request, err = native.request(client.endpoint, operation, given, first, second, third)
  if not request then
    if err.wrong_type then
      error(err.message, level + 1)
    end
    return nil, errors.wrap(err)
  end
  local started_at = client.now()
  local deadline = started_at + (given and given.timeout or client.timeout)
  local cancel = given and given.cancel
  local result, repeated
  if operation ~= "rotate_token" and not (cancel and cancel:cancelled()) then
    result, err, started_at, repeated = attempt(client, request, started_at, deadline, cancel)
    if result ~= nil then
      client.retry:succeeded()
      return result, nil, started_at
    end
  end
  -- Most calls have ended by now: what a second attempt needs is made only here, since tables and
  -- closures cost more than everything else on this side of a request.
  return new_call(client, request, deadline, operation, given, first, second, third):go_on(err, started_at, repeated)
end

return exchange
