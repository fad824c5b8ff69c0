-- One line of a script: how many of the requests that match it meet which faults.
-- May use: nothing. What the faults do is in wire.lua; here they are only written down and checked.
-- A fault is for the next request that matches unless times, nth or every says otherwise.

---Faults of one rule happen in the order in which they are written, as in
---`faults:on("acquire_lock"):delay_request(2):drop_answer()`. The request reaches the service where one of
---them says so, and otherwise at the end.
---@class octostore.testing.Rule
local methods = {}

local Rule = {}

-- Nothing can come after these: the exchange is over.
local LAST = {
  refuse = true,
  drop_request = true,
  drop_answer = true,
  reset = true,
  stall_request = true,
  stall_answer = true,
  status = true,
  html = true,
}
local LOST = { leases = true, everything = true }
local STATUS_OPTIONS = { code = "string", retry_after = "number", bare = "boolean" }

local HUGE = 1.7e308 -- every number but infinity

-- Raises a problem, if there is one, where the method that found it was called.
local function blame(self, problem)
  if problem then
    error(("faults: on '%s': %s"):format(self.name, problem), 3)
  end
end

local function shown(value)
  return type(value) == "string" and ("'%s'"):format(value) or tostring(value)
end

function Rule:__index(name)
  local method = methods[name]
  if not method then
    error(("faults: on '%s': there is no fault '%s'"):format(self.name, tostring(name)), 2)
  end
  return method
end

-- ---- checks: each returns a problem or nil ----

local function number_problem(name, value, what, least, most)
  if not (type(value) == "number" and value >= least and value <= most) then
    local range = most == HUGE and ("of at least %g"):format(least) or ("from %g to %g"):format(least, most)
    return ("%s takes %s %s (got %s)"):format(name, what, range, shown(value))
  end
end

local function whole_problem(name, value, what, least, most)
  local problem = number_problem(name, value, what, least, most)
  if not problem and value % 1 ~= 0 then
    return ("%s takes %s that is whole (got %s)"):format(name, what, shown(value))
  end
  return problem
end

local function seconds_problem(name, value)
  return number_problem(name, value, "a number of seconds", 0, HUGE)
end

local function type_problem(name, value, wanted)
  if type(value) ~= wanted then
    return ("%s takes a %s (got %s)"):format(name, wanted, type(value))
  end
end

local function status_options_problem(options)
  local problem = type_problem("status", options, "table")
  local words = "status takes the options code, retry_after and bare (got %s = %s)"
  for key, value in pairs(problem and {} or options) do
    if type(value) ~= STATUS_OPTIONS[key] then
      return words:format(tostring(key), shown(value))
    end
  end
  return problem or options.retry_after and seconds_problem("status with retry_after", options.retry_after)
end

-- ---- which requests ----

---The next `count` requests that match.
---@param count integer
---@return octostore.testing.Rule
function methods:times(count)
  blame(self, whole_problem("times", count, "a count", 1, HUGE))
  self.left = count
  return self
end

---The n-th request that matches, counted from here; with times or every behind it, those from the n-th on.
---@param n integer
---@return octostore.testing.Rule
function methods:nth(n)
  blame(self, whole_problem("nth", n, "a number", 1, HUGE))
  self.first = n
  return self
end

---Every request that matches and that no rule with a count takes.
---@return octostore.testing.Rule
function methods:every()
  self.left = math.huge
  return self
end

-- ---- what happens to it ----

-- Returns a problem or nil, as the checks do.
local function add(self, name, first, second)
  local last = self.faults[#self.faults]
  if last and LAST[last.name] then
    return ("nothing comes after %s (got %s)"):format(last.name, name)
  end
  self.faults[#self.faults + 1] = { name = name, first, second }
end

---The service carries the request out here, whatever the client is told: `:commit():status(502)`.
---@return octostore.testing.Rule
function methods:commit()
  blame(self, add(self, "commit"))
  return self
end

---The connection is refused: nothing is sent, outcome "none".
---@return octostore.testing.Rule
function methods:refuse()
  blame(self, add(self, "refuse"))
  return self
end

---The connection breaks before the request reaches the service; the client cannot tell.
---@return octostore.testing.Rule
function methods:drop_request()
  blame(self, add(self, "drop_request"))
  return self
end

---The service carries the request out, and the connection breaks before the answer arrives.
---@return octostore.testing.Rule
function methods:drop_answer()
  blame(self, add(self, "drop_answer"))
  return self
end

---The peer resets the connection before the request reaches the service. `:commit():reset()`: after it did.
---@return octostore.testing.Rule
function methods:reset()
  blame(self, add(self, "reset"))
  return self
end

---Nothing happens until the call's timeout: the request never reaches the service.
---@return octostore.testing.Rule
function methods:stall_request()
  blame(self, add(self, "stall_request"))
  return self
end

---The service carries the request out, and nothing arrives until the call's timeout: no headers, or a
---body that never ends. To the client these are the same.
---@return octostore.testing.Rule
function methods:stall_answer()
  blame(self, add(self, "stall_answer"))
  return self
end

---The request reaches the service that many seconds late, also when its client has given up by then.
---@param seconds number
---@return octostore.testing.Rule
function methods:delay_request(seconds)
  blame(self, seconds_problem("delay_request", seconds) or add(self, "delay_request", seconds))
  return self
end

---The service carries the request out at once, and the answer takes that many seconds: all of it late, or
---trickling in. To the client these are the same.
---@param seconds number
---@return octostore.testing.Rule
function methods:delay_answer(seconds)
  blame(self, seconds_problem("delay_answer", seconds) or add(self, "delay_answer", seconds))
  return self
end

---The request reaches the service twice; the second answer arrives.
---@return octostore.testing.Rule
function methods:duplicate()
  blame(self, add(self, "duplicate"))
  return self
end

---The request is answered, and a copy of it reaches the service that many seconds later.
---@param seconds number
---@return octostore.testing.Rule
function methods:duplicate_later(seconds)
  blame(self, seconds_problem("duplicate_later", seconds) or add(self, "duplicate_later", seconds))
  return self
end

---The answer is this status, with the service's error body (429 with retry_after is its rate limit); the
---request does not reach the service.
---`bare` leaves the body out, as a proxy does; `retry_after` is the hint, in seconds.
---@param status integer 400 to 599
---@param options { code: string?, retry_after: number?, bare: boolean? }?
---@return octostore.testing.Rule
function methods:status(status, options)
  options = options == nil and {} or options
  blame(self, whole_problem("status", status, "an HTTP status", 400, 599) or status_options_problem(options))
  blame(self, add(self, "status", status, options))
  return self
end

---The answer is a page of something in between; the request does not reach the service.
---@param status integer? 200 unless said otherwise
---@return octostore.testing.Rule
function methods:html(status)
  status = status == nil and 200 or status
  blame(self, whole_problem("html", status, "an HTTP status", 200, 599) or add(self, "html", status))
  return self
end

---The service carries the request out, and its answer arrives with status 200 and this text: half of
---what it was unless one is given, "" for an empty one.
---@param text string?
---@return octostore.testing.Rule
function methods:garbage(text)
  blame(self, text ~= nil and type_problem("garbage", text, "string") or add(self, "garbage", text))
  return self
end

---The service carries the request out, and its answer is about another lease, or another session.
---@return octostore.testing.Rule
function methods:other_id()
  blame(self, add(self, "other_id"))
  return self
end

---The service carries the request out, and edit(answer) changes { status, headers, body } or returns another.
---@param edit fun(answer: table): table?
---@return octostore.testing.Rule
function methods:edit_answer(edit)
  blame(self, type_problem("edit_answer", edit, "function") or add(self, "edit_answer", edit))
  return self
end

---The server's clock jumps before the request goes on; see Service:step_clock.
---@param seconds number below 0: backwards
---@return octostore.testing.Rule
function methods:clock_step(seconds)
  blame(self, number_problem("clock_step", seconds, "a number of seconds", -1e9, 1e9))
  blame(self, add(self, "clock_step", seconds))
  return self
end

---The server restarts before the request goes on; see Service:restart. `:restart():reset()`: the request
---dies with it.
---@param lost "leases"|"everything"|nil
---@return octostore.testing.Rule
function methods:restart(lost)
  local problem = lost ~= nil and not LOST[lost] and "restart loses nothing, 'leases' or 'everything' (got %s)"
  blame(self, problem and problem:format(shown(lost)) or add(self, "restart", lost))
  return self
end

-- ---- for the script ----

-- In words: "release_lock: drop_answer".
local function describe(self)
  local words = {}
  for i, fault in ipairs(self.faults) do
    local first = type(fault[1]) == "number" and ("(%g)"):format(fault[1]) or ""
    words[i] = fault.name .. first
  end
  return table.concat(words, ", ")
end

local rule = {}

---Whether the request is one of those that the rule is for; counts it.
function rule.is_due(self, request)
  if not self.matches(request) then
    return false
  end
  self.seen = self.seen + 1
  return self.seen >= self.first and self.left > 0
end

---Uses the rule up by one request.
---@return table faults
function rule.take(self)
  if #self.faults == 0 then
    error(("faults: the rule for %s says no fault"):format(self.name), 0)
  end
  self.left, self.met = self.left - 1, self.met + 1
  return self.faults
end

---@return boolean
function rule.is_counted(self)
  return self.left < math.huge
end

---Whether some of the requests that it is for have not come.
---@return boolean
function rule.is_unmet(self)
  return rule.is_counted(self) and self.left > 0 or self.met == 0
end

rule.describe = describe

---@param name string the pattern, for messages
---@param matches fun(request: table): boolean
---@return octostore.testing.Rule
function rule.new(name, matches)
  return setmetatable({ name = name, matches = matches, faults = {}, first = 1, left = 1, seen = 0, met = 0 }, Rule)
end

return rule
