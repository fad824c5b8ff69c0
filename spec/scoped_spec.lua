-- Scoped locks in sessions: who excludes whom, and when the gate of a name opens again.
-- Uses: the testing kit on a virtual clock. Waiting, releases and bodies are in lock_*_spec.
-- Owner: nothing.

local coroutines = require "spec.support.coroutines"
local expect = require "spec.support.expect"
local octostore = require "octostore"
local testing = require "octostore.testing"

local TOKEN = "test-token"

describe("scoped locks", function()
  local service, clock

  before_each(function()
    service, clock = testing.service {}, testing.clock()
  end)

  local function client_with(options)
    local driver = testing.driver(service, clock)
    local given = { base_url = "http://localhost", token = TOKEN, driver = driver }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    return assert(octostore.new(given)), driver
  end

  ---What another client with the same token is told about the name.
  local function status(name)
    return assert(client_with():get_lock_status(name or "jobs")).status
  end

  it("exclude two clients that share a token", function()
    local first, second = client_with(), client_with()
    local lock = assert(first:lock("jobs"))
    expect.failure({ kind = "lock_held", retryable = true }, second:lock("jobs"))
    assert.is_true((lock:release()))
    assert(second:lock("jobs"))
  end)

  it("fail at once for the one that holds the lock itself, however long it would wait", function()
    local client = client_with()
    local lock = assert(client:lock("jobs"))
    local before = clock:now()
    expect.failure({ kind = "lock_held", same_process = true, retryable = false, code = "held_by_caller" },
      client:lock("jobs", { wait = 60 }))
    assert.are.equal(before, clock:now())
    assert.is_true(lock:held())
  end)

  it("exclude the coroutines of one client, which wait without a request", function()
    local client, driver = client_with()
    local sent = 0
    local send, sleep = driver.send, driver.sleep
    function driver.send(...)
      sent = sent + 1
      return send(...)
    end
    function driver.sleep(...)
      sleep(...)
      coroutine.yield()
    end
    local inside, most, order = 0, 0, {}
    local function worker(name)
      return function()
        return client:with_lock("jobs", { wait = 60 }, function()
          inside = inside + 1
          most = math.max(most, inside)
          driver:sleep(5)
          order[#order + 1] = name
          inside = inside - 1
        end)
      end
    end
    local results = { coroutines.run(worker("a"), worker("b"), worker("c")) }
    for _, result in ipairs(results) do
      assert.is_true(result[1])
    end
    assert.are.equal(1, most)
    assert.are.equal(3, #order)
    assert.is_true(sent < 15, sent .. " requests")
  end)

  it("are held or waited for once in a process: the error says so", function()
    local client = client_with()
    local lock = assert(client:lock("jobs"))
    coroutine.wrap(function()
      expect.failure({ kind = "lock_held", same_process = true, retryable = true, code = "held_in_process" },
        client:lock("jobs"))
      local err = expect.failure({ same_process = true }, client:lock("jobs", { wait = 2 }))
      assert.is_truthy(err.message:find("this process has been seen holding it for 2.0 s", 1, true), err.message)
    end)()
    lock:release()
  end)

  it("ask the server no more than four times a second, however many wait", function()
    local holder = assert(client_with():lock("jobs"))
    local client, driver = client_with()
    local times, send, sleep = {}, driver.send, driver.sleep
    function driver.send(self, request, ...)
      if request.path:find("acquire", 1, true) then
        times[#times + 1] = clock:now()
      end
      return send(self, request, ...)
    end
    local turn = 0
    function driver.sleep(_, seconds) -- all waiters sleep at the same time
      local until_turn = turn + math.ceil(seconds / 0.01)
      while turn < until_turn do
        coroutine.yield()
      end
    end
    local waiters = {}
    for i = 1, 50 do
      waiters[i] = coroutine.create(function() return client:lock("jobs", { wait = 8 }) end)
    end
    local alive = true
    while alive do
      alive = false
      for _, waiter in ipairs(waiters) do
        if coroutine.status(waiter) ~= "dead" then
          assert(coroutine.resume(waiter))
          alive = true
        end
      end
      turn = turn + 1
      sleep(driver, 0.01)
    end
    assert.is_true(holder:held())
    for i = 5, #times do
      assert.is_true(times[i] - times[i - 4] >= 0.99, ("5 requests in %.2f s"):format(times[i] - times[i - 4]))
    end
    assert.is_true(#times >= 5 and #times <= 40, #times .. " requests")
  end)

  it("are renewed for as long as they are held", function()
    local lock = assert(client_with():lock("jobs", { ttl = 5 }))
    clock:advance(86400)
    assert.is_true(lock:held())
    assert.are.equal("held", status())
  end)

  it("ask for 60 seconds at most at first, and for their TTL when they are renewed", function()
    local client = client_with { session = { ttl = 300 } }
    local lock = assert(client:lock("jobs", { ttl = 600 }))
    local function lasts()
      return octostore.parse_time(client:get_lock_status("jobs").expires_at) - clock:now()
    end
    assert.are.equal(60, lasts())
    clock:advance(31)
    assert.is_true(lasts() > 560, lasts())
    assert.is_true(lock:held())
  end)

  it("end by max_hold, with the lease released", function()
    local lost = {}
    local lock = assert(client_with():lock("jobs", {
      ttl = 10,
      max_hold = 25,
      on_lost = function(...) lost[#lost + 1] = { ... } end,
    }))
    clock:advance(24)
    assert.is_true(lock:held())
    clock:advance(1)
    assert.is_false(lock:held())
    assert.are.equal("max_hold", lock.reason)
    clock:advance(0.1)
    assert.are.equal("free", status())
    pcall(lock.check, lock)
    pcall(lock.check, lock)
    assert.are.same({ { lock, "max_hold" } }, lost)
  end)

  it("tell of a lock that was collected as garbage, and release it", function()
    local events = {}
    local client = client_with { on_event = function(event) events[#events + 1] = event end }
    assert(client:lock("jobs"))
    collectgarbage()
    collectgarbage()
    clock:advance(0.1)
    assert.are.equal("free", status())
    assert(client:lock("other"))
    assert.are.same({ { type = "dropped", name = "jobs" } }, events)
    assert(client:lock("jobs"))
  end)

  it("are free again after a coroutine that was acquiring one is abandoned", function()
    local client, driver = client_with()
    assert(client:lock("warm-up")):release()
    local send = driver.send
    local thread = coroutine.create(function() return client:lock("jobs") end)
    function driver.send(...)
      local response = send(...)
      coroutine.yield() -- the answer is there, and nobody takes it
      return response
    end
    coroutine.resume(thread)
    driver.send = send
    assert.are.equal("held", status())
    thread = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    clock:advance(0.1)
    assert.are.equal("free", status())
    assert(client:lock("jobs"))
  end)

  it("keep the gate shut until a release that was lost is confirmed", function()
    local client, driver = client_with { retry = false }
    local lock = assert(client:lock("jobs", { ttl = 10 }))
    local send = driver.send
    function driver.send() error("the network is down") end
    assert.is_false((pcall(lock.release, lock)))
    assert.is_false(lock:held())
    coroutine.wrap(function()
      expect.failure({ kind = "lock_held", same_process = true }, client:lock("jobs"))
    end)()
    driver.send = send
    clock:advance(11) -- the time that the owner had for it, and a try
    assert(client:lock("jobs"))
  end)

  it("never adopt the lease of an earlier lock", function()
    local client, driver = client_with { session = { ttl = 300 } }
    local send = driver.send
    local first = assert(client:lock("jobs", { ttl = 10 }))
    driver:pause()
    clock:advance(100) -- the gate's own time is over as well
    function driver.send(self, request, ...)
      local response = send(self, request, ...)
      if request.path:find("acquire", 1, true) then
        response.body = response.body:gsub('"lease_id":"[^"]*"', '"lease_id":"' .. first.lease_id .. '"')
      end
      return response
    end
    driver:resume()
    clock:advance(0.1)
    assert.are.equal("uncertain", first.reason)
    expect.failure({ kind = "timeout", code = "too_slow" }, client:lock("jobs", { ttl = 10 }))
    assert.is_false(first:held())
  end)

  it("with scope 'token' are not exclusive between clients, but within one", function()
    local first, second = client_with(), client_with()
    local lock = assert(first:lock("jobs", { scope = "token" }))
    local same = assert(second:lock("jobs", { scope = "token" }))
    assert.are.equal(lock.lease_id, same.lease_id)
    expect.failure({ kind = "lock_held", same_process = true }, first:lock("jobs", { scope = "token" }))
    clock:advance(300)
    assert.is_true(lock:held())
    first:close()
    assert.are.equal("released", lock.reason)
  end)

  it("refuse what they cannot do", function()
    local client = client_with()
    expect.invalid("scope", "'session' or 'token'", client:lock("jobs", { scope = "global" }))
    expect.invalid("session_id", "give session", client:lock("jobs", { session_id = "x" }))
    expect.invalid("ephemeral", "give session", client:lock("jobs", { ephemeral = true }))
    expect.invalid("max_hold", "more than 0", client:lock("jobs", { max_hold = 0 }))
    expect.invalid("wait", "at least 0", client:lock("jobs", { wait = -1 }))
    expect.wrong_type("max_hold", "lock", function() client:lock("jobs", { max_hold = "1" }) end)
    expect.wrong_type("on_lost", "lock", function() client:lock("jobs", { on_lost = 1 }) end)
    expect.wrong_type("session", "lock", function() client:lock("jobs", { session = {} }) end)
    expect.wrong_type("scope", "lock", function() client:lock("jobs", { scope = 1 }) end)
    expect.wrong_type("name", "acquire_lock", function() client:lock(5) end)
  end)
end)
