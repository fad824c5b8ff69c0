-- Semaphores.
-- Uses: the testing kit on a virtual clock.
-- Owner: nothing.

local expect = require "spec.support.expect"
local octostore = require "octostore"
local testing = require "octostore.testing"

describe("a semaphore", function()
  local service, clock, sent

  before_each(function()
    service, clock, sent = testing.service {}, testing.clock(), 0
  end)

  local function new_client()
    local driver = testing.driver(service, clock)
    local send = driver.send
    function driver.send(...)
      sent = sent + 1
      return send(...)
    end
    return assert(octostore.new { base_url = "http://localhost", token = "test-token", driver = driver })
  end

  it("lets as many in as it has slots", function()
    local client = new_client()
    local first = assert(assert(client:semaphore("jobs", 2)):acquire())
    local second = assert(assert(new_client():semaphore("jobs", 2)):acquire())
    local third = assert(new_client():semaphore("jobs", 2))
    local err = expect.failure({ kind = "lock_held", code = "no_slot", retryable = true }, third:acquire())
    assert.is_true(err.retry_after > 0)
    assert.are_not.equal(first.name, second.name)
    assert.is_true((second:release()))
    assert.is_true(assert(third:acquire()):held())
  end)

  it("gives one client several slots, and one coroutine too", function()
    local semaphore = assert(new_client():semaphore("jobs", 2))
    local first, second = assert(semaphore:acquire()), assert(semaphore:acquire())
    expect.failure({ code = "no_slot" }, semaphore:acquire())
    assert.is_true(first:held() and second:held())
  end)

  it("is waited for, at a bounded rate", function()
    local slots = {}
    for i = 1, 4 do
      slots[i] = assert(assert(new_client():semaphore("jobs", 4)):acquire())
    end
    local waiter = assert(new_client():semaphore("jobs", 4))
    local start, before = clock:now(), sent
    expect.failure({ code = "no_slot" }, waiter:acquire { wait = 20 })
    assert.is_true(math.abs(clock:now() - start - 20) < 1)
    local background = 2 * 20 * 5 / 10 -- renewals and keepalives of five clients, generously
    assert.is_true(sent - before < 4 * 20 + 12 + background, sent - before .. " requests")
    assert.is_true(slots[4]:held())
  end)

  it("runs a body under a slot", function()
    local semaphore = assert(new_client():semaphore("jobs", 1))
    local ok, result = semaphore:with({ ttl = 10 }, function(lock)
      expect.failure({ code = "no_slot" }, semaphore:acquire())
      return lock.name
    end)
    assert.is_true(ok)
    assert.are.equal("jobs/of-1/1", result)
    assert.is_true(assert(semaphore:acquire()):held())
  end)

  it("keeps apart those who disagree on the number of slots", function()
    local one, two = assert(new_client():semaphore("jobs", 1)), assert(new_client():semaphore("jobs", 2))
    assert.are_not.equal(assert(one:acquire()).name, assert(two:acquire()).name)
  end)

  it("hands on what is not a taken slot", function()
    local semaphore = assert(new_client():semaphore("jobs", 3))
    expect.invalid("ttl", "1 to 3600", semaphore:acquire { ttl = 0 })
    expect.invalid("wait", "at least 0", semaphore:acquire { wait = -1 })
  end)

  it("refuses what is none", function()
    local client = new_client()
    for _, slots in ipairs { 0, 101, 1.5, -1, 0 / 0 } do
      expect.invalid("slots", "from 1 to 100", client:semaphore("jobs", slots))
    end
    expect.invalid("name", "", client:semaphore("..", 2))
    expect.wrong_type("slots", "semaphore", function() client:semaphore("jobs") end)
    expect.wrong_type("name", "semaphore", function() client:semaphore(5, 2) end)
    expect.wrong_type("body", "with", function() assert(client:semaphore("jobs", 1)):with() end)
    assert.are.equal("octostore.semaphore(jobs, 3)", tostring(client:semaphore("jobs", 3)))
  end)
end)
