-- The driver that plugs the service into a client: no network, and time is the clock's.
-- May use: nothing; the service and the clock are handed in.

---@class octostore.testing.Driver
local Driver = {}
Driver.__index = Driver

---Hands a request to the service.
---@param request table|userdata with method, path, headers and body
---@return table response
function Driver:send(request)
  return self._service({
    method = request.method,
    path = request.path,
    headers = request.headers,
    body = request.body,
    peer = "127.0.0.1",
  }, self._clock:now())
end

---Waits by turning the clock.
---@param seconds number
function Driver:sleep(seconds)
  self._clock:advance(seconds)
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
    wake = agent.wake,
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
---@return octostore.testing.Driver
function driver.new(service, clock)
  return setmetatable({ _service = service, _clock = clock }, Driver)
end

return driver
