-- One call from its arguments to its result: time, cancellation, the options that every call takes.
-- Uses: a client on a fake driver, whose clock is virtual; exchange_retry_spec has the repeats.
-- Owner: nothing.

local answers = require "spec.support.answers"
local exchange = require "octostore.exchange"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"
local octostore = require "octostore"

describe("the time of a call", function()
  it("is 30 seconds, 5 of them to connect, unless said otherwise", function()
    local client, driver = fake_driver.client { answers.health() }
    assert(client:health())
    assert.are.equal(30, driver.requests[1].timeout)
    assert.are.equal(5, driver.requests[1].connect_timeout)
  end)

  it("is the client's", function()
    local client, driver = fake_driver.client({ answers.health() }, { timeout = 12, connect_timeout = 3 })
    assert(client:health())
    assert.are.equal(12, driver.requests[1].timeout)
    assert.are.equal(3, driver.requests[1].connect_timeout)
  end)

  it("is what set_timeout said last", function()
    local client, driver = fake_driver.client({ answers.health() }, { timeout = 12 })
    assert.is_true(client:set_timeout(1.5))
    assert(client:health())
    assert.are.equal(1.5, driver.requests[1].timeout)
  end)

  it("is the call's own, and bounds the time to connect", function()
    local client, driver = fake_driver.client { answers.health(), answers.health() }
    assert(client:health { timeout = 0.25 })
    assert.are.equal(0.25, driver.requests[1].timeout)
    assert.are.equal(0.25, driver.requests[1].connect_timeout)
    assert(client:health())
    assert.are.equal(30, driver.requests[2].timeout)
  end)

  it("is told to whoever asks for the moment at which the request was sent", function()
    local client = fake_driver.client {
      fake_driver.slow(2, fake_driver.broken(true)), fake_driver.slow(3, answers.acquired()),
    }
    local result, err, started_at = exchange.call(client._parts, 2, "acquire_lock", nil, "jobs")
    assert(result, err)
    local driver = client._parts.driver
    assert.are.equal(driver.requests[2].at, started_at)
    assert.are.equal(driver.time - 3, started_at)
  end)
end)

describe("a cancelled call", function()
  local cancel

  before_each(function() cancel = octostore.cancellation() end)

  it("is not sent when it was cancelled before", function()
    local client, driver = fake_driver.client {}
    cancel:cancel("no more")
    local err = expect.failure({ kind = "cancelled", code = "cancelled", outcome = "none", retryable = false },
      client:acquire_lock("jobs", { cancel = cancel }))
    assert.is_truthy(err.message:find("acquire_lock: no more", 1, true))
    assert.are.equal(0, #driver.requests)
  end)

  it("is not repeated when it is cancelled between two attempts", function()
    local client, driver = fake_driver.client { fake_driver.broken(false) }
    function driver.sleep() cancel:cancel("enough") end
    expect.failure({ kind = "cancelled", outcome = "none" }, client:acquire_lock("jobs", { cancel = cancel }))
    assert.are.equal(1, #driver.requests)
  end)

  it("hands its cancellation to the driver, which ends the exchange and the sleep", function()
    local seen = {}
    local client, driver = fake_driver.client { function(request, limits)
      seen.exchange = limits.cancel
      return fake_driver.broken(false)(request)
    end, answers.health() }
    function driver.sleep(_, _, given) seen.sleep = given end
    assert(client:health { cancel = cancel })
    assert.are.equal(cancel, seen.exchange)
    assert.are.equal(cancel, seen.sleep)
  end)

  it("has a one-line message whatever the reason is", function()
    local client = fake_driver.client {}
    cancel:cancel("two\nlines" .. ("x"):rep(5000))
    local err = expect.failure({ kind = "cancelled" }, client:health { cancel = cancel })
    assert.is_true(#err.message < 400)
  end)

  it("needs no reason", function()
    local client = fake_driver.client {}
    cancel:cancel()
    assert.are.equal("octostore: cancelled: health: cancelled", tostring(select(2, client:health { cancel = cancel })))
  end)
end)

describe("the options that every call takes", function()
  local calls = {
    health = function(client, given) return client:health(given) end,
    acquire_lock = function(client, given) return client:acquire_lock("jobs", given) end,
    release_lock = function(client, given) return client:release_lock("jobs", answers.LEASE, given) end,
    renew_lock = function(client, given) return client:renew_lock("jobs", answers.LEASE, given) end,
    get_lock_status = function(client, given) return client:get_lock_status("jobs", given) end,
    list_locks = function(client, given) return client:list_locks(given) end,
    rotate_token = function(client, given) return client:rotate_token(given) end,
    create_session = function(client, given) return client:create_session(60, given) end,
    keep_session_alive = function(client, given) return client:keep_session_alive(answers.SESSION, given) end,
    get_session = function(client, given) return client:get_session(answers.SESSION, given) end,
    end_session = function(client, given) return client:end_session(answers.SESSION, given) end,
    lock = function(client, given) return client:lock("jobs", given) end,
    with_lock = function(client, given) return client:with_lock("jobs", given, function() end) end,
  }

  for name, call in pairs(calls) do
    local operation = name:gsub("^.*lock$", { lock = "acquire_lock", with_lock = "acquire_lock" })

    it("refuse a timeout of 0 in " .. name, function()
      local client, driver = fake_driver.client {}
      expect.invalid("timeout", "must be more than 0", call(client, { timeout = 0 }))
      expect.invalid("timeout", "must be more than 0", call(client, { timeout = 0 / 0 }))
      assert.are.equal(0, #driver.requests)
    end)

    it("refuse a name that is not known in " .. name, function()
      local client, driver = fake_driver.client {}
      local err = expect.failure({ kind = "validation", code = "unknown_option" }, call(client, { timeot = 1 }))
      assert.are.equal(operation .. ": unknown option 'timeot'", err.message)
      assert.are.equal(0, #driver.requests)
    end)
  end

  it("raise for wrong types at the caller's line", function()
    local client = fake_driver.client {}
    expect.wrong_type("timeout", "health", function() client:health { timeout = "1" } end)
    expect.wrong_type("retry", "health", function() client:health { retry = {} } end)
    expect.wrong_type("cancel", "health", function() client:health { cancel = true } end)
    expect.wrong_type("cancel", "acquire_lock", function() client:acquire_lock("jobs", { cancel = {} }) end)
    expect.wrong_type("options", "health", function() client:health(5) end)
    expect.wrong_type("options", "list_locks", function() client:list_locks("prefix") end)
    expect.wrong_type("options", "release_lock", function() client:release_lock("jobs", answers.LEASE, 5) end)
    expect.wrong_type("timeout", "rotate_token", function() client:rotate_token { timeout = "1" } end)
    expect.wrong_type("options", "rotate_token", function() client:rotate_token("now") end)
  end)
end)
