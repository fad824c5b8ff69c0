-- Which calls are repeated after which faults, and what a repeat says about the first attempt.
-- Uses: a client on a fake driver, whose clock is virtual.
-- Owner: nothing.

local answers = require "spec.support.answers"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"

local broken = fake_driver.broken

local CALLS = {
  health = function(client, given) return client:health(given) end,
  acquire_lock = function(client, given) return client:acquire_lock("jobs", given) end,
  release_lock = function(client, given) return client:release_lock("jobs", answers.LEASE, given) end,
  renew_lock = function(client, given) return client:renew_lock("jobs", answers.LEASE, given) end,
  get_lock_status = function(client, given) return client:get_lock_status("jobs", given) end,
  list_locks = function(client, given) return client:list_locks(given) end,
  create_session = function(client, given) return client:create_session(60, given) end,
  keep_session_alive = function(client, given) return client:keep_session_alive(answers.SESSION, given) end,
  get_session = function(client, given) return client:get_session(answers.SESSION, given) end,
  end_session = function(client, given) return client:end_session(answers.SESSION, given) end,
  rotate_token = function(client, given) return client:rotate_token(given) end,
}

local SAFE = {
  "health", "acquire_lock", "release_lock", "renew_lock", "get_lock_status", "list_locks", "keep_session_alive",
  "get_session", "end_session",
}

local FAULTS = {
  ["a connection that was not made"] = broken(false),
  ["a connection that was lost"] = broken(true),
  ["an answer that did not come in time"] = broken(true, "timeout"),
  ["an internal error"] = answers.error(500, "internal_error"),
  ["an upstream error"] = answers.error(502, "upstream_unavailable"),
  ["a proxy's 503"] = answers.raw(503, "<html>busy</html>"),
  ["a rate limit"] = answers.error(429, "rate_limited"),
}

---How many requests a call sends when every one of them meets the same fault.
local function requests_of(operation, fault)
  local client, driver = fake_driver.client { always = fault }
  local result, err = CALLS[operation](client)
  assert.is_nil(result)
  return #driver.requests, err
end

describe("a call that is safe to repeat", function()
  for _, operation in ipairs(SAFE) do
    for name, fault in pairs(FAULTS) do
      it(("%s: is sent four times at most after %s"):format(operation, name), function()
        local count, err = requests_of(operation, fault)
        assert.are.equal(4, count)
        assert.is_true(err.retryable)
      end)
    end
  end

  it("succeeds when a later attempt does", function()
    local client, driver = fake_driver.client { broken(true), answers.error(503, "internal_error"), answers.acquired() }
    local lock = assert(client:acquire_lock("jobs"))
    assert.are.equal(answers.LEASE, lock.lease_id)
    assert.are.equal(3, #driver.requests)
    assert.are.equal(driver.requests[1].body, driver.requests[3].body)
  end)

  for name, answer in pairs {
    ["held"] = answers.held(),
    ["delayed"] = answers.delayed(),
    ["a limit"] = answers.error(403, "lock_limit_exceeded"),
    ["an authentication error"] = answers.error(401, "authentication_failed"),
    ["an answer that is not the protocol's"] = answers.raw(200, "<html></html>"),
    ["a page of a proxy"] = answers.raw(404, "<html></html>"),
    ["a redirect"] = answers.raw(302, ""),
  } do
    it("is sent once when the answer is " .. name, function()
      assert.are.equal(1, (requests_of("acquire_lock", answer)))
    end)
  end
end)

describe("a call that makes something new", function()
  it("is repeated when nothing of it was sent", function()
    assert.are.equal(4, (requests_of("create_session", broken(false))))
  end)

  it("is repeated after a refusal that passes", function()
    assert.are.equal(4, (requests_of("create_session", answers.error(429, "rate_limited"))))
  end)

  for _, name in ipairs { "a connection that was lost", "an answer that did not come in time", "an internal error" } do
    it("is sent once after " .. name, function()
      local count, err = requests_of("create_session", FAULTS[name])
      assert.are.equal(1, count)
      assert.are.equal("unknown", err.outcome)
      assert.is_false(err.retryable)
    end)
  end
end)

describe("rotate_token", function()
  for name, fault in pairs(FAULTS) do
    it("is sent once after " .. name, function()
      local count, err = requests_of("rotate_token", fault)
      assert.are.equal(1, count)
      assert.is_false(err.retryable)
    end)
  end
end)

describe("repeats", function()
  it("are off for a client with retry = false", function()
    local client, driver = fake_driver.client({ always = broken(false) }, { retry = false })
    expect.failure({ kind = "network" }, client:health())
    assert.are.equal(1, #driver.requests)
  end)

  it("are off for a call with retry = false", function()
    local client, driver = fake_driver.client { always = broken(false) }
    expect.failure({ kind = "network" }, client:health { retry = false })
    assert.are.equal(1, #driver.requests)
    expect.failure({ kind = "network" }, client:health())
    assert.are.equal(5, #driver.requests)
  end)

  it("wait as long as the body's hint asks", function()
    local client, driver = fake_driver.client {
      answers.error(429, "rate_limited", { retry_after_ms = 1500 }), answers.health(),
    }
    assert(client:health())
    assert.are.equal(1, #driver.sleeps)
    assert.is_true(driver.sleeps[1] >= 1.5 and driver.sleeps[1] <= 1.6)
  end)

  it("wait as long as the header's hint asks", function()
    local client, driver = fake_driver.client {
      answers.raw(503, "", { ["retry-after"] = "3" }), answers.health(),
    }
    assert(client:health())
    assert.is_true(driver.sleeps[1] >= 3 and driver.sleeps[1] <= 3.1)
  end)

  it("do not happen when the hint lies beyond the call's time", function()
    local client, driver = fake_driver.client { answers.error(429, "rate_limited", { retry_after_ms = 31000 }) }
    expect.failure({ kind = "rate_limited", retry_after = 31, outcome = "none" }, client:health())
    assert.are.equal(0, #driver.sleeps)
  end)

  it("share the time of the whole call", function()
    local slow = fake_driver.slow(4, broken(true, "timeout"))
    local client, driver = fake_driver.client { slow, slow, slow, slow }
    expect.failure({ kind = "timeout" }, client:health { timeout = 10 })
    assert.are.equal(3, #driver.requests)
    assert.are.equal(10, driver.requests[1].timeout)
    assert.is_true(driver.requests[2].timeout <= 6)
    assert.is_true(driver.requests[3].timeout <= 2)
    assert.is_true(driver.requests[3].connect_timeout <= 2)
  end)

  it("end when the client's budget is spent, and come back with successes", function()
    local client, driver = fake_driver.client { always = broken(false) }
    for _ = 1, 4 do
      client:health()
    end
    local spent = #driver.requests
    assert.are.equal(4 + 10, spent)
    client:health()
    assert.are.equal(spent + 1, #driver.requests)

    driver.script.always = answers.health()
    for _ = 1, 10 do
      assert(client:health())
    end
    driver.script.always = broken(false)
    client:health()
    assert.are.equal(spent + 1 + 10 + 2, #driver.requests)
  end)
end)

describe("a call whose first answer was lost", function()
  local function after_loss(operation, answer)
    local client = fake_driver.client { broken(true), answer, always = answer }
    return CALLS[operation](client)
  end

  it("is a success of release_lock when the lease is gone at the repeat", function()
    assert.is_true((after_loss("release_lock", answers.lease_gone(404))))
    assert.is_true((after_loss("release_lock", answers.lease_gone(400))))
  end)

  it("is a success of release_lock when someone else's session has the lock at the repeat", function()
    assert.is_true((after_loss("release_lock", answers.error(404, "not_found"))))
  end)

  it("is a success of release_lock when an expired session has the lock at the repeat", function()
    assert.is_true((after_loss("release_lock", answers.error(410, "session_expired"))))
  end)

  it("is a success of end_session when the session is gone at the repeat", function()
    assert.is_true((after_loss("end_session", answers.error(404, "not_found"))))
  end)

  it("is no success of renew_lock when the lease is gone at the repeat", function()
    expect.failure({ kind = "lock_lost", reason = "lost", outcome = "none" },
      after_loss("renew_lock", answers.lease_gone(404)))
  end)

  for name, answer in pairs {
    ["breaks again before it is sent"] = broken(false),
    ["is refused by a rate limit"] = answers.error(429, "rate_limited", { retry_after_ms = 60000 }),
    ["is refused for its token"] = answers.error(401, "authentication_failed"),
    ["is answered by a proxy"] = answers.raw(404, "<html></html>"),
  } do
    it("stays of unknown outcome when the repeat " .. name, function()
      expect.failure({ outcome = "unknown" }, after_loss("acquire_lock", answer))
    end)
  end

  it("stays of unknown outcome when it is cancelled before the repeat", function()
    local cancel = require("octostore").cancellation()
    local client = fake_driver.client { function(request, limits, driver)
      cancel:cancel()
      return broken(true)(request, limits, driver)
    end }
    expect.failure({ kind = "cancelled", outcome = "unknown" }, client:acquire_lock("jobs", { cancel = cancel }))
  end)

  it("is of no outcome when all it does is read", function()
    expect.failure({ outcome = "none" }, after_loss("get_lock_status", broken(false)))
  end)
end)

describe("a release whose first answer came", function()
  it("is lock_lost when the lease was gone", function()
    local client = fake_driver.client { answers.lease_gone(404) }
    expect.failure({ kind = "lock_lost", code = "lease_not_current", reason = "lost", status = 404, outcome = "none" },
      client:release_lock("jobs", answers.LEASE))
  end)

  it("is a success when the driver sent it twice unasked and the lease was gone", function()
    local answer = answers.lease_gone(404)
    answer.repeated = true
    local client = fake_driver.client { answer }
    assert.is_true((client:release_lock("jobs", answers.LEASE)))
  end)

  it("is lock_lost when nothing of the attempt before it was sent", function()
    local client = fake_driver.client { broken(false), answers.lease_gone(404) }
    expect.failure({ kind = "lock_lost" }, client:release_lock("jobs", answers.LEASE))
  end)
end)
