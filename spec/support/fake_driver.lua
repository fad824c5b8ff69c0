-- A driver that follows a script and whose clock only the script and sleeps turn.
-- Uses: octostore, octostore.native for the errors of a network.
-- Owner: the spec; nothing runs in the background.

local answers = require "spec.support.answers"
local native = require "octostore.native"
local octostore = require "octostore"

local fake_driver = {}

fake_driver.BASE_URL = "https://locks.example"
fake_driver.TOKEN = "secret-token-0123456789"

local Driver = {}
Driver.__index = Driver

---@return number
function Driver:now()
  return self.time
end

---@param seconds number
function Driver:sleep(seconds)
  self.sleeps[#self.sleeps + 1] = seconds
  self.time = self.time + seconds
end

---What the client would have done in the background by now happens when the spec says so.
function Driver:attach(agent)
  self.background = agent.wake
end

local function record(self, request, limits)
  self.requests[#self.requests + 1] = {
    operation = request.operation,
    method = request.method,
    url = request.url,
    path = request.path,
    headers = request.headers,
    body = request.body,
    at = self.time,
    timeout = limits.timeout,
    connect_timeout = limits.connect_timeout,
  }
end

local function next_step(self, request)
  local step = self.script[#self.requests] or self.script.always
  return step or error(("the script has no answer to request %d: %s %s"):format(
    #self.requests, request.method, request.path), 0)
end

---A client whose locks live in a session of its own: making it and ending it are no steps of the script.
local function is_of_session(self, request)
  return self.keeps_sessions and request.operation:find("session", 1, true)
end

local function session_answer(request)
  if request.operation == "create_session" then
    return answers.session()
  end
  return answers.raw(204, "")
end

---Answers with the next step of the script: a response, or a function that is called with request, limits and driver.
function Driver:send(request, timeout, connect_timeout, cancel)
  if is_of_session(self, request) then
    table.insert(self.session_calls, request.operation)
    return session_answer(request)
  end
  local limits = { timeout = timeout, connect_timeout = connect_timeout, cancel = cancel }
  record(self, request, limits)
  local step = next_step(self, request)
  if type(step) == "function" then
    return step(request, limits, self)
  end
  return step
end

---The requests as lines: "POST /locks/x/acquire".
function Driver:lines()
  local lines = {}
  for i, request in ipairs(self.requests) do
    lines[i] = request.method .. " " .. request.path
  end
  return lines
end

---@param script table steps in order; `always` answers whatever comes after them
function fake_driver.new(script)
  return setmetatable({ script = script or {}, requests = {}, session_calls = {}, sleeps = {}, time = 1000 }, Driver)
end

---A client on a fake driver.
---@param script table
---@param options table? further options of octostore.new
---@return octostore.Client client
---@return table driver
function fake_driver.client(script, options)
  local driver = fake_driver.new(script)
  local given = { base_url = fake_driver.BASE_URL, token = fake_driver.TOKEN, driver = driver }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(octostore.new(given)), driver
end

---A client for locks: it has a session that lasts for four minutes of the driver's clock, and nothing
---renews in the background.
function fake_driver.lock_client(script, options)
  local given = { session = { ttl = 300 } }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  local client, driver = fake_driver.client(script, given)
  driver.keeps_sessions = true
  return client, driver
end

---A step: the exchange breaks. `sent` says whether any of the request had left.
---@param sent boolean
---@param kind string? "network" unless said otherwise
function fake_driver.broken(sent, kind)
  return function(request)
    return nil, native.fault(request, kind or "network", kind or "connection_lost", "it broke", sent)
  end
end

---A step: another one, after so many seconds.
function fake_driver.slow(seconds, step)
  return function(request, limits, driver)
    driver.time = driver.time + seconds
    if type(step) == "function" then
      return step(request, limits, driver)
    end
    return step
  end
end

return fake_driver
