-- A lock that was acquired: its authority in time, its renewal, its release.
-- Uses: a client on a fake driver, whose clock is virtual; lock_with_spec and lock_wait_spec have the rest.
-- Owner: nothing.

local answers = require "spec.support.answers"
local cjson = require "cjson"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"

local slow, broken = fake_driver.slow, fake_driver.broken

---A held lock of 10 seconds, whose margin is 2, after which the driver follows the script.
local function lock_with(script, options)
  local client, driver = fake_driver.lock_client({ answers.acquired { token = "7", metadata = "m" } }, options)
  local lock = assert(client:lock("jobs", { ttl = 10 }))
  for i, step in ipairs(script or {}) do
    driver.script[i + 1] = step
  end
  driver.script.always = script and script.always
  return lock, driver
end

describe("a scoped lock", function()
  it("has what the answer said", function()
    local lock = lock_with()
    assert.are.equal("jobs", lock.name)
    assert.are.equal(7, lock.fencing_token)
    assert.are.equal(answers.LEASE, lock.lease_id)
    assert.are.equal(answers.EXPIRES, lock.expires_at)
    assert.are.equal("m", lock.metadata)
    assert.is_nil(lock.reason)
  end)

  it("asks for 60 seconds unless said otherwise", function()
    local client, driver = fake_driver.lock_client { answers.acquired(), answers.acquired() }
    local first, second = assert(client:lock("jobs")), assert(client:lock("other", {}))
    assert.is_true(first:held() and second:held())
    assert.are.equal(60, cjson.decode(driver.requests[1].body).ttl_seconds)
    assert.are.equal(60, cjson.decode(driver.requests[2].body).ttl_seconds)
  end)

  it("passes the options of acquire_lock on", function()
    local client, driver = fake_driver.lock_client { answers.acquired() }
    assert(client:lock("jobs", { ttl = 5, metadata = { pid = 7 }, lock_delay = 3, wait = 0 }))
    local sent = cjson.decode(driver.requests[1].body)
    assert.are.equal(5, sent.ttl_seconds)
    assert.are.equal(3, sent.lock_delay_seconds)
    assert.are.same({ pid = 7 }, cjson.decode(sent.metadata))
    assert.is_nil(sent.wait)
  end)

  it("says what it is", function()
    local lock, driver = lock_with { answers.released() }
    assert.are.equal("octostore.lock(jobs, held)", tostring(lock))
    driver.time = driver.time + 8
    lock:held()
    assert.are.equal("octostore.lock(jobs, uncertain)", tostring(lock))
  end)
end)

describe("the authority of a lock", function()
  it("lasts the TTL less a fifth", function()
    local lock, driver = lock_with()
    assert.are.equal(8, lock:remaining())
    driver.time = driver.time + 7.5
    assert.is_true(lock:held())
    assert.are.equal(0.5, lock:remaining())
    lock:check()
    driver.time = driver.time + 0.5
    assert.is_false(lock:held())
    assert.are.equal(0, lock:remaining())
  end)

  it("lasts the TTL less half a second at least", function()
    local client = fake_driver.lock_client { answers.acquired() }
    assert.are.equal(0.5, assert(client:lock("jobs", { ttl = 1 })):remaining())
  end)

  it("counts from before the request was sent", function()
    local client = fake_driver.lock_client { slow(3, answers.acquired()) }
    assert.are.equal(5, assert(client:lock("jobs", { ttl = 10 })):remaining())
  end)

  it("counts from the attempt that was answered, not from the first", function()
    local client = fake_driver.lock_client { slow(4, broken(true)), slow(1, answers.acquired()) }
    assert.are.equal(7, assert(client:lock("jobs", { ttl = 10 })):remaining())
  end)

  it("is not granted by an answer that comes too late, and the lease is given back", function()
    local client, driver = fake_driver.lock_client { slow(8, answers.acquired()), answers.released() }
    expect.failure({ kind = "timeout", code = "too_slow" }, client:lock("jobs", { ttl = 10 }))
    driver.background()
    assert.are.same({ "POST /locks/jobs/acquire", "POST /locks/jobs/release" }, driver:lines())
    assert.are.equal(answers.LEASE, cjson.decode(driver.requests[2].body).lease_id)
  end)

  it("ends for good: no clock brings it back", function()
    local lock, driver = lock_with()
    driver.time = driver.time + 9
    assert.is_false(lock:held())
    driver.time = driver.time - 9
    assert.is_false(lock:held())
    assert.are.equal("uncertain", lock.reason)
  end)

  it("is told by check with an error that stays the same", function()
    local lock, driver = lock_with()
    driver.time = driver.time + 9
    local ok, first = pcall(lock.check, lock)
    assert.is_false(ok)
    expect.failure({ kind = "lock_lost", reason = "uncertain", retryable = false, outcome = "none" }, nil, first)
    assert.are.equal(first, select(2, pcall(lock.check, lock)))
  end)

  it("costs no request to ask about", function()
    local lock, driver = lock_with()
    lock:held()
    lock:remaining()
    lock:check()
    driver.time = driver.time + 9
    lock:held()
    assert.are.equal(1, #driver.requests)
  end)
end)

describe("ensure", function()
  it("sends nothing while enough remains", function()
    local lock, driver = lock_with()
    assert.is_true((lock:ensure(8)))
    assert.is_true((lock:ensure(0)))
    assert.are.equal(1, #driver.requests)
  end)

  it("renews by the lock's own TTL when less remains", function()
    local lock, driver = lock_with { answers.renewed() }
    driver.time = driver.time + 4
    assert.is_true((lock:ensure(5)))
    assert.are.equal(8, lock:remaining())
    assert.are.equal("POST /locks/jobs/renew", driver:lines()[2])
    assert.are.same({ lease_id = answers.LEASE, ttl_seconds = 10 }, cjson.decode(driver.requests[2].body))
  end)

  it("counts the new authority from before the renewal was sent", function()
    local lock, driver = lock_with { slow(2, answers.renewed()) }
    driver.time = driver.time + 4
    assert.is_true((lock:ensure(5)))
    assert.are.equal(6, lock:remaining())
  end)

  it("takes no longer than the authority that remains", function()
    local lock, driver = lock_with({ answers.renewed() }, { timeout = 30 })
    driver.time = driver.time + 6
    assert.is_true((lock:ensure(5)))
    assert.are.equal(2, driver.requests[2].timeout)
  end)

  it("takes no longer than the client's calls", function()
    local lock, driver = lock_with({ answers.renewed() }, { timeout = 1 })
    driver.time = driver.time + 4
    assert.is_true((lock:ensure(5)))
    assert.are.equal(1, driver.requests[2].timeout)
  end)

  it("is granted nothing by an answer that comes after the deadline", function()
    local lock, driver = lock_with { slow(5, answers.renewed()) }
    driver.time = driver.time + 4
    expect.failure({ kind = "lock_lost", reason = "uncertain" }, lock:ensure(5))
    assert.is_false(lock:held())
  end)

  it("says when the renewal took so long that too little remains", function()
    local lock, driver = lock_with { slow(3.5, answers.renewed()) }
    driver.time = driver.time + 4
    expect.failure({ kind = "timeout", code = "too_slow" }, lock:ensure(8))
    assert.are.equal(4.5, lock:remaining())
  end)

  for name, answer in pairs {
    ["the lease is gone"] = answers.lease_gone(404),
    ["another lease has the name"] = answers.lease_gone(400),
    ["someone else's session has the lock"] = answers.error(404, "not_found"),
    ["an expired session of ours has the lock"] = answers.error(410, "session_expired"),
  } do
    it("ends the lock when the server says that " .. name, function()
      local lock, driver = lock_with { answer }
      driver.time = driver.time + 4
      expect.failure({ kind = "lock_lost", reason = "lost" }, lock:ensure(5))
      assert.are.equal("lost", lock.reason)
      assert.is_false(lock:held())
      expect.failure({ kind = "lock_lost", reason = "lost" }, lock:ensure(1))
      assert.are.equal(2, #driver.requests)
    end)
  end

  for name, answer in pairs {
    ["refused for its token"] = answers.error(401, "authentication_failed"),
    ["answered by a proxy"] = answers.raw(404, "<html></html>"),
    ["about another lease"] = answers.renewed(answers.OTHER_LEASE),
  } do
    it("leaves the lock held until its deadline when the renewal is " .. name, function()
      local lock, driver = lock_with { always = answer }
      driver.time = driver.time + 4
      local result, err = lock:ensure(5)
      assert.is_nil(result)
      assert.are_not.equal("lock_lost", err.kind)
      assert.are.equal(4, lock:remaining())
    end)
  end

  it("repeats a renewal that broke, as long as the lock is held", function()
    local lock, driver = lock_with { broken(true), answers.renewed() }
    driver.time = driver.time + 4
    assert.is_true((lock:ensure(5)))
    assert.are.equal(3, #driver.requests)
  end)

  it("refuses more than a renewal could give", function()
    local lock, driver = lock_with()
    for _, seconds in ipairs { 8.1, -1, 0 / 0, 1 / 0 } do
      expect.invalid("seconds", "from 0 to 8", lock:ensure(seconds))
    end
    assert.are.equal(1, #driver.requests)
  end)

  it("raises for a wrong type at the caller's line", function()
    local lock = lock_with()
    expect.wrong_type("seconds", "ensure", function() lock:ensure("5") end)
    expect.wrong_type("seconds", "ensure", function() lock:ensure() end)
  end)
end)

describe("the release of a lock", function()
  it("ends its authority and frees it", function()
    local lock, driver = lock_with { answers.released() }
    assert.is_true((lock:release()))
    assert.is_false(lock:held())
    assert.are.equal("released", lock.reason)
    assert.are.equal("POST /locks/jobs/release", driver:lines()[2])
    expect.failure({ kind = "lock_lost", reason = "released" }, lock:ensure(1))
  end)

  it("is done once", function()
    local lock, driver = lock_with { answers.released() }
    assert.is_true((lock:release()))
    assert.is_true((lock:release()))
    assert.are.equal(2, #driver.requests)
  end)

  it("has 10 seconds of its own", function()
    local lock, driver = lock_with({ answers.released() }, { timeout = 1 })
    assert.is_true((lock:release()))
    assert.are.equal(10, driver.requests[2].timeout)
  end)

  it("sends nothing when the deadline has passed", function()
    local lock, driver = lock_with()
    driver.time = driver.time + 8
    expect.failure({ kind = "lock_lost", reason = "uncertain" }, lock:release())
    assert.are.equal(1, #driver.requests)
  end)

  it("says that the lock was lost when the server did not know the lease any more", function()
    local lock, driver = lock_with { answers.lease_gone() }
    expect.failure({ kind = "lock_lost", reason = "lost" }, lock:release())
    assert.are.equal("lost", lock.reason)
    expect.failure({ kind = "lock_lost", reason = "lost" }, lock:release())
    assert.are.equal(2, #driver.requests)
  end)

  it("is a success when its first answer was lost and the lease is gone at the repeat", function()
    local lock = lock_with { broken(true), answers.lease_gone() }
    assert.is_true((lock:release()))
    assert.are.equal("released", lock.reason)
  end)

  it("can be tried again after it failed; authority has ended all the same", function()
    local lock, driver = lock_with { answers.error(403, "forbidden"), answers.released() }
    expect.failure({ kind = "forbidden" }, lock:release())
    assert.is_false(lock:held())
    assert.is_true((lock:release()))
    assert.are.equal(3, #driver.requests)
  end)

  it("stays one when the background has freed the lock after a first try that failed", function()
    local lock = lock_with { answers.error(403, "forbidden"), answers.lease_gone() }
    expect.failure({ kind = "forbidden" }, lock:release())
    assert.is_true((lock:release()))
    assert.are.equal("released", lock.reason)
  end)

  it("is a success when an earlier one, of unknown outcome, has freed the lock", function()
    local lock, driver = lock_with({ broken(true), answers.lease_gone() }, { retry = false })
    expect.failure({ kind = "network", outcome = "unknown" }, lock:release())
    assert.is_true((lock:release()))
    assert.are.equal("released", lock.reason)
    assert.are.equal(3, #driver.requests)
  end)

  it("happens at the end of a scope, whatever comes of it", function()
    for _, step in ipairs { answers.released(), answers.lease_gone(), answers.error(403, "forbidden") } do
      local lock, driver = lock_with { step }
      getmetatable(lock).__close(lock)
      assert.are.equal("POST /locks/jobs/release", driver:lines()[2])
      assert.is_false(lock:held())
    end
  end)

  if _VERSION >= "Lua 5.4" then
    it("happens when a <close> variable goes out of scope, by an error too", function()
      local lock, driver = lock_with { answers.released() }
      local chunk = assert(load("local lock <close> = ...; error('in the scope', 0)"))
      assert.has_error(function() chunk(lock) end, "in the scope")
      assert.are.equal("POST /locks/jobs/release", driver:lines()[2])
    end)
  end
end)
