-- When a failed call may be sent again, after which delay, and how much of it there may be.
-- Uses: octostore.retry with errors made by hand; exchange_retry_spec shows it at work.
-- Owner: nothing.

local errors = require "octostore.errors"
local expect = require "spec.support.expect"
local retry = require "octostore.retry"

local function fault(kind, fields)
  local all = { retryable = true }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return errors.new(kind, "code", "words", all)
end

local function policy(given)
  return assert(retry.new(given))
end

describe("a retry policy", function()
  for _, kind in ipairs { "network", "timeout", "server", "rate_limited" } do
    it("repeats after a fault of kind " .. kind, function()
      assert.is_number(policy():delay(1, fault(kind), 30))
    end)

    it("does not repeat after one of kind " .. kind .. " that must not be repeated", function()
      assert.is_nil(policy():delay(1, fault(kind, { retryable = false }), 30))
    end)
  end

  for _, kind in ipairs { "lock_held", "lock_delayed", "limit", "protocol", "authentication", "validation" } do
    it("leaves " .. kind .. " to the caller", function()
      assert.is_nil(policy():delay(1, fault(kind), 30))
    end)
  end

  it("sends four requests at most", function()
    local retries = policy()
    assert.is_number(retries:delay(3, fault("network"), 30))
    assert.is_nil(retries:delay(4, fault("network"), 30))
  end)

  it("can be given another number of requests", function()
    local retries = policy { attempts = 2 }
    assert.is_number(retries:delay(1, fault("network"), 30))
    assert.is_nil(retries:delay(2, fault("network"), 30))
  end)

  it("sends one request only when switched off", function()
    assert.is_nil(policy(false):delay(1, fault("network"), 30))
  end)

  it("is the default when it is true", function()
    assert.are.same(policy(), policy(true))
  end)
end)

describe("the delay before a repeat", function()
  local function delays(given, attempt, err)
    local list = {}
    for i = 1, 200 do
      list[i] = policy(given):delay(attempt, err or fault("network"), 1e9)
    end
    table.sort(list)
    return list[1], list[#list]
  end

  it("is spread over all of a range that doubles", function()
    for attempt, bound in ipairs { 0.1, 0.2, 0.4 } do
      local least, most = delays({}, attempt)
      assert.is_true(least >= 0 and least < bound / 4, "least: " .. least)
      assert.is_true(most <= bound and most > bound * 3 / 4, "most: " .. most)
    end
  end)

  it("grows no further than the cap", function()
    local _, most = delays({ attempts = 100, base = 0.1, cap = 1 }, 50)
    assert.is_true(most <= 1 and most > 0.75)
  end)

  it("is never shorter than the server's hint", function()
    local least, most = delays({}, 1, fault("rate_limited", { retry_after = 7 }))
    assert.is_true(least >= 7 and most <= 7.1)
  end)

  it("must end before the call does", function()
    local err = fault("server", { retry_after = 10 })
    assert.is_nil(policy():delay(1, err, 10))
    assert.is_number(policy():delay(1, err, 10.2))
  end)

  it("stays finite with the largest numbers", function()
    local least = delays({ attempts = 1e15, base = 1e300, cap = 1e300 }, 3)
    assert.is_true(least >= 0)
    assert.is_nil(policy():delay(1, fault("server", { retry_after = 1e15 }), 30))
  end)
end)

describe("the budget for repeats", function()
  local function spend(retries)
    local spent = 0
    while spent < 1000 and retries:delay(1, fault("network"), 30) do
      spent = spent + 1
    end
    return spent
  end

  it("is ten repeats", function()
    assert.are.equal(10, spend(policy()))
  end)

  it("earns one back for ten successes, no sooner", function()
    local retries = policy { budget = 1 }
    assert.are.equal(1, spend(retries))
    for _ = 1, 9 do
      retries:succeeded()
    end
    assert.are.equal(0, spend(retries))
    retries:succeeded()
    assert.are.equal(1, spend(retries))
  end)

  it("never grows beyond its start", function()
    local retries = policy { budget = 2 }
    for _ = 1, 100 do
      retries:succeeded()
    end
    assert.are.equal(2, spend(retries))
  end)

  it("is not touched by a repeat that does not happen", function()
    local retries = policy { budget = 1 }
    assert.is_nil(retries:delay(1, fault("server", { retry_after = 60 }), 30))
    assert.are.equal(1, spend(retries))
  end)

  it("may be nothing", function()
    assert.are.equal(0, spend(policy { budget = 0 }))
  end)
end)

describe("the options for repeats", function()
  it("are checked for names", function()
    expect.failure({ kind = "validation", code = "unknown_option" }, retry.new { attemps = 2 })
  end)

  for _, case in ipairs {
    { "attempts", 0, "at least 1" },
    { "base", -1, "at least 0" },
    { "cap", 0 / 0, "at least 0" },
    { "budget", 1 / 0, "at least 0" },
  } do
    it(("refuse %s = %s"):format(case[1], tostring(case[2])), function()
      expect.invalid(case[1], case[3], retry.new { [case[1]] = case[2] })
    end)
  end

  it("raise for wrong types", function()
    for _, value in ipairs { "2", true, false } do
      local ok, problem = pcall(retry.new, { attempts = value })
      assert.is_false(ok)
      assert.is_truthy(problem:find("bad argument 'retry.attempts' to 'new' (number expected", 1, true))
    end
    assert.is_false(pcall(retry.new, 5))
  end)
end)
