-- The driver that plugs the service into a client: no network, and time is the clock's.
-- May use: nothing; the service, the clock and a script of faults are handed in.

---@class octostore.testing.Driver
local Driver = {}
Driver.__index = Driver

---Hands a request to the service, through the faults that the script has for it.
---@param request table|userdata with method, path, headers and body
---@param timeout number? seconds; only a fault takes time
---@param _connect_timeout number? nothing connects here
---@param cancel octostore.Cancellation?
---@return table? response
---@return table? error
function Driver:send(request, timeout, _connect_timeout, cancel)
  local plain = {
    method = request.method,
    path = request.path,
    headers = request.headers,
    body = request.body,
    peer = "127.0.0.1",
  }
  local function deliver()
    return self._service(plain, self._clock:now())
  end
  if not self._faults then
    return deliver()
  end
  return self._faults:send({
    request = request,
    timeout = timeout,
    cancel = cancel,
    deliver = deliver,
    service = self._service,
    clock = self._clock,
  })
end

---Waits by turning the clock.
---@param seconds number
---@param cancel octostore.Cancellation? ends the wait early
function Driver:sleep(seconds, cancel)
  self._clock:advance(seconds, cancel)
end

---The clock that the client's locks count on.
---@return number seconds
function Driver:now()
  return self._clock:now()
end

---Takes what the client does beside its calls, the renewal of its locks, along with the clock.
---@param agent octostore.testing.Agent
function Driver:attach(agent)
  self._clock:attach({
    next_wake = function()
      return not self._paused and agent.next_wake() or nil
    end,
    wake = function()
      agent.wake()
      if self._faults then
        self._faults:raise_problem()
      end
    end,
  })
end

---Freezes the process that the client would be in, as SIGSTOP or a swapped-out machine does: nothing is
---renewed while the clock goes on.
function Driver:pause()
  self._paused = true
end

---Lets it go on; what was due meanwhile comes with the clock's next turn.
function Driver:resume()
  self._paused = false
end

function Driver:close() end

local driver = {}

---@param service octostore.testing.Service
---@param clock octostore.testing.Clock
---@param faults octostore.testing.Faults?
---@return octostore.testing.Driver
function driver.new(service, clock, faults)
  return setmetatable({ _service = service, _clock = clock, _faults = faults }, Driver)
end

return driver
