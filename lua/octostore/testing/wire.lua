-- One exchange on the way between client and service, and what can happen to it there.
-- May use: faults (the words of refusals), native (errors as a network makes them). Time is the
-- clock's: what takes seconds turns it, and ends with the client's patience at the latest.

local native = require "octostore.native"
local refusals = require "octostore.testing.faults"

local wire = {}

---@class octostore.testing.Wire
local Wire = {}
Wire.__index = Wire

local CODES = {
  [400] = "invalid_input",
  [401] = "authentication_failed",
  [403] = "forbidden",
  [404] = "not_found",
  [409] = "conflict",
  [410] = "session_expired",
  [429] = "rate_limited",
}
local OTHER_ID = "ffffffff-ffff-4fff-8fff-ffffffffffff"
local PAGE = "<html><head><title>Error</title></head><body><h1>Please try again</h1></body></html>"

-- The service takes the request in; what it answers is on its way.
function Wire:deliver()
  self.response = self.hand_over()
end

function Wire:deliver_once()
  if not self.response then
    self:deliver()
  end
end

function Wire:answer(response)
  self.over, self.response = true, response
end

function Wire:fail(kind, code, message, sent)
  self.over, self.response = true, nil
  -- What a client does in the background sends tables, and asks only whether there was an answer.
  local is_call = type(self.request) == "userdata"
  self.err = is_call and native.fault(self.request, kind, code, message, sent) or { kind = kind, code = code }
end

-- What is left of a request once its client has gone takes no time: nobody waits for it.
function Wire:wait(seconds)
  if self.abandoned then
    return
  end
  local moment = self.clock:now() + seconds
  local last = math.min(moment, self.deadline)
  if last == math.huge then
    error("faults: a stall ends with the timeout of the request, and this one has none", 0)
  end
  self.clock:advance(math.max(0, last - self.clock:now()), self.cancel)
  if self.cancel and self.cancel:cancelled() then
    self:fail("cancelled", "cancelled", self.cancel:reason() or "cancelled", true)
  elseif math.max(moment, self.clock:now()) > self.deadline then
    self:fail("timeout", "timeout", "no complete answer in time", true)
  end
end

-- ---- the faults, by the names of their methods in rule.lua ----

local steps = {}

function steps.commit(self)
  self:deliver_once()
end

function steps.refuse(self)
  self:fail("network", "connect_failed", "the connection was refused", false)
end

function steps.drop_request(self)
  self:fail("network", "connection_lost", "the connection was lost", true)
end

function steps.drop_answer(self)
  self:deliver_once()
  steps.drop_request(self)
end

function steps.reset(self)
  self:fail("network", "connection_lost", "the connection was reset by the peer", true)
end

function steps.stall_request(self)
  self:wait(math.huge)
end

function steps.stall_answer(self)
  self:deliver_once()
  self:wait(math.huge)
end

-- A request that is under way arrives also when its client no longer waits for it.
function steps.delay_request(self, seconds)
  local arrival, rest = self.clock:now() + seconds, self.at + 1
  self:wait(seconds)
  if self.over then
    self.clock:at(arrival, function()
      self.over, self.abandoned = false, true
      self:run(rest)
    end)
  end
end

function steps.delay_answer(self, seconds)
  self:deliver_once()
  self:wait(seconds)
end

function steps.duplicate(self)
  self:deliver_once()
  self:deliver()
end

function steps.duplicate_later(self, seconds)
  self:deliver_once()
  self.clock:at(self.clock:now() + seconds, self.hand_over)
end

function steps.status(self, status, options)
  local code = options.code or CODES[status] or "internal_error"
  local refusal = { code = code, status = status, details = "A scripted fault", retry_after = options.retry_after }
  local response = refusals.response(refusal, "req_scripted_fault")
  if options.bare then
    response.body, response.headers["content-type"] = "", nil
  end
  self:answer(response)
end

function steps.html(self, status)
  self:answer { status = status, headers = { ["content-type"] = "text/html" }, body = PAGE }
end

function steps.garbage(self, text)
  self:deliver_once()
  local body = self.response.body
  self.response.status, self.response.body = 200, text or body:sub(1, math.floor(#body / 2))
end

function steps.other_id(self)
  self:deliver_once()
  local body, leases = self.response.body:gsub('("lease_id":")[^"]*', "%1" .. OTHER_ID)
  local other, sessions = body:gsub('("session_id":")[^"]*', "%1" .. OTHER_ID)
  if leases + sessions == 0 then
    error("faults: other_id: the answer has no lease_id or session_id", 0)
  end
  self.response.body = other
end

function steps.edit_answer(self, edit)
  self:deliver_once()
  self.response = edit(self.response) or self.response
end

function steps.clock_step(self, seconds)
  self.service:step_clock(seconds)
end

function steps.restart(self, lost)
  self.service:restart(lost)
end

-- ---- running them ----

-- Goes through the faults from number `from` on; without an end among them the answer arrives.
function Wire:run(from)
  for i = from, #self.faults do
    local step = self.faults[i]
    self.at = i
    steps[step.name](self, step[1], step[2])
    if self.over then
      return
    end
  end
  self:deliver_once()
end

---@class octostore.testing.Exchange
---@field request table|userdata
---@field timeout number? seconds
---@field cancel octostore.Cancellation?
---@field deliver fun(): table hands the request to the service, at the clock's time
---@field service octostore.testing.Service
---@field clock octostore.testing.Clock

---Sends a request that meets faults.
---@param exchange octostore.testing.Exchange
---@param faults { name: string, [integer]: any }[] in their order, with their arguments
---@return table? response
---@return table? error
function wire.send(exchange, faults)
  local self = setmetatable({
    request = exchange.request,
    cancel = exchange.cancel,
    deadline = exchange.timeout and exchange.clock:now() + exchange.timeout or math.huge,
    hand_over = exchange.deliver,
    service = exchange.service,
    clock = exchange.clock,
    faults = faults,
    over = false,
    abandoned = false,
  }, Wire)
  self:run(1)
  return self.response, self.err
end

return wire
