-- Waiting for a lock that someone else holds.
-- Uses: a client on a fake driver, whose clock is virtual.
-- Owner: nothing.

local answers = require "spec.support.answers"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"
local octostore = require "octostore"

---Steps: the answer until a moment of the virtual clock, another one from then on.
local function until_then(seconds, before, after)
  return function(request, limits, driver)
    local step = driver.time < 1000 + seconds and before or after
    if type(step) == "function" then
      return step(request, limits, driver)
    end
    return step
  end
end

describe("a lock of someone else", function()
  it("is asked for once when no wait is given", function()
    local client, driver = fake_driver.lock_client { answers.held() }
    local err = expect.failure({ kind = "lock_held" }, client:lock("jobs"))
    assert.are.equal(1, #driver.requests)
    assert.are.equal(0, #driver.sleeps)
    assert.is_nil(err.message:find("waited", 1, true))
  end)

  it("is acquired soon after it is released", function()
    local client, driver = fake_driver.lock_client {
      always = until_then(5, answers.held { retry_after_ms = 60000 }, answers.acquired()),
    }
    assert(client:lock("jobs", { wait = 30 }))
    assert.is_true(driver.time >= 1005 and driver.time <= 1006.2, driver.time)
  end)

  it("is asked for again after 0.25 to 1.25 seconds", function()
    local client, driver = fake_driver.lock_client { always = answers.held() }
    client:lock("jobs", { wait = 60 })
    for i = 1, #driver.sleeps - 1 do
      assert.is_true(driver.sleeps[i] >= 0.25 and driver.sleeps[i] <= 1.25, driver.sleeps[i])
    end
    assert.is_true(#driver.requests > 45 and #driver.requests < 240)
  end)

  it("is asked for as soon as the holder's lease may end", function()
    local client, driver = fake_driver.lock_client { always = answers.held { retry_after_ms = 300 } }
    client:lock("jobs", { wait = 10 })
    for _, seconds in ipairs(driver.sleeps) do
      assert.is_true(seconds <= 0.3)
    end
  end)

  it("causes no storm when the hint is 0", function()
    local client, driver = fake_driver.lock_client { always = answers.held { retry_after_ms = 0 } }
    client:lock("jobs", { wait = 10 })
    assert.is_true(#driver.requests <= 42)
  end)

  it("is given up when the wait is over, with one try at its very end", function()
    local client, driver = fake_driver.lock_client { always = answers.held() }
    expect.failure({ kind = "lock_held", retryable = true }, client:lock("jobs", { wait = 5 }))
    assert.is_true(math.abs(driver.time - 1005) < 1e-6, driver.time)
    assert.are.equal(driver.time, driver.requests[#driver.requests].at)
  end)

  it("is asked for under each try's own time", function()
    local client, driver = fake_driver.lock_client { always = answers.held() }
    client:lock("jobs", { wait = 2, timeout = 0.5 })
    for _, request in ipairs(driver.requests) do
      assert.are.equal(0.5, request.timeout)
    end
  end)
end)

describe("the error of a wait in vain", function()
  local function wait_in_vain(step)
    local client = fake_driver.lock_client { always = step }
    return select(2, client:lock("jobs", { wait = 10 }))
  end

  it("names the holder, its metadata and for how long it was seen", function()
    local err = wait_in_vain(answers.held { metadata = "worker 7" })
    expect.failure({ kind = "lock_held", holder_id = "holder-1", metadata = "worker 7" }, nil, err)
    assert.is_true(math.abs(err.waited - 10) < 1e-6)
    assert.is_true(math.abs(err.seen_for - 10) < 1e-6)
    for _, words in ipairs { "waited 10.0 s", "holder-1", "for 10.0 s", "worker 7" } do
      assert.is_truthy(err.message:find(words, 1, true), err.message)
    end
  end)

  it("counts from when the last holder was first seen", function()
    local err = wait_in_vain(until_then(6, answers.held { holder = "first" }, answers.held { holder = "second" }))
    assert.are.equal("second", err.holder_id)
    assert.is_true(math.abs(err.waited - 10) < 1e-6)
    assert.is_true(err.seen_for <= 4 and err.seen_for > 2.5)
  end)

  it("is one line of bounded length whatever the metadata is", function()
    local err = wait_in_vain(answers.held { metadata = "a\\nb\\u001b[31m" .. ("\195\188"):rep(500) })
    expect.failure({}, nil, err)
    assert.is_nil(err.message:find("%c"))
    assert.is_true(#err.message < 400)
  end)
end)

describe("waiting", function()
  it("goes on while a lock is within its delay, never asking before its end", function()
    local client, driver = fake_driver.lock_client {
      always = until_then(2.5, answers.delayed(), answers.acquired()),
    }
    assert(client:lock("jobs", { wait = 10 }))
    assert.are.equal(2, #driver.requests)
    assert.is_true(driver.time >= 1002.5)
  end)

  it("goes on while the limit of locks is reached", function()
    local client = fake_driver.lock_client {
      always = until_then(3, answers.error(403, "lock_limit_exceeded"), answers.acquired()),
    }
    assert(client:lock("jobs", { wait = 10 }))
  end)

  it("goes on through faults that pass", function()
    local client = fake_driver.lock_client {
      always = until_then(3, fake_driver.broken(true), answers.acquired()),
    }
    assert(client:lock("jobs", { wait = 10 }))
  end)

  for name, answer in pairs {
    ["a refused token"] = answers.error(401, "authentication_failed"),
    ["a forbidden name"] = answers.error(403, "forbidden"),
    ["an answer that is not the service's"] = answers.raw(200, "<html></html>"),
  } do
    it("ends at once with " .. name, function()
      local client, driver = fake_driver.lock_client { answer }
      local result, err = client:lock("jobs", { wait = 10 })
      assert.is_nil(result)
      assert.is_true(octostore.is_error(err))
      assert.are.equal(1, #driver.requests)
    end)
  end

  it("ends when it is cancelled", function()
    local cancel = octostore.cancellation()
    local client, driver = fake_driver.lock_client { answers.held(), answers.held() }
    local sleep = driver.sleep
    function driver.sleep(...)
      sleep(...)
      if #driver.sleeps == 2 then
        cancel:cancel("enough")
      end
    end
    expect.failure({ kind = "cancelled" }, client:lock("jobs", { wait = 100, cancel = cancel }))
    assert.are.equal(2, #driver.requests)
  end)

  it("ends when the client is closed meanwhile", function()
    local client, driver = fake_driver.lock_client { answers.held() }
    function driver.sleep() client:close() end
    expect.failure({ kind = "cancelled", code = "client_closed" }, client:lock("jobs", { wait = 100 }))
  end)

  it("counts the authority from the try that succeeded", function()
    local client = fake_driver.lock_client { answers.held(), fake_driver.slow(1, answers.acquired()) }
    assert.are.equal(7, assert(client:lock("jobs", { ttl = 10, wait = 10 })):remaining())
  end)
end)
