-- with_lock: runs a body under a lock and releases it on every path.
-- Uses: a client on a fake driver, whose clock is virtual.
-- Owner: nothing.

local answers = require "spec.support.answers"
local coroutines = require "spec.support.coroutines"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"

local ACQUIRE, RELEASE = "POST /locks/jobs/acquire", "POST /locks/jobs/release"

---A client whose first answer grants the lock; the rest follows the script.
local function client_with(script, options)
  local steps = { answers.acquired(), (table.unpack or unpack)(script or { answers.released() }) }
  return fake_driver.lock_client(steps, options)
end

local function pack(...)
  return { n = select("#", ...), ... }
end

describe("with_lock", function()
  it("gives the body the lock and answers true and the body's results, nils included", function()
    local client, driver = client_with()
    local results = pack(client:with_lock("jobs", { ttl = 10 }, function(lock)
      assert.is_true(lock:held())
      assert.are.equal(7, lock.fencing_token)
      return 1, nil, 3, nil
    end))
    assert.are.same({ n = 5, true, 1, nil, 3, nil }, results)
    assert.are.same({ ACQUIRE, RELEASE }, driver:lines())
  end)

  it("answers true alone when the body returns nothing", function()
    local client = client_with()
    assert.are.same({ n = 1, true }, pack(client:with_lock("jobs", nil, function() end)))
  end)

  it("hands on a body's own nil, err as results", function()
    local client = client_with()
    assert.are.same({ n = 3, true, nil, "its own" },
      pack(client:with_lock("jobs", nil, function() return nil, "its own" end)))
  end)

  it("does not run the body when the lock is not acquired", function()
    local client, driver = fake_driver.lock_client { answers.held() }
    expect.failure({ kind = "lock_held", holder_id = "holder-1" },
      client:with_lock("jobs", nil, function() error("not run") end))
    assert.are.same({ ACQUIRE }, driver:lines())
  end)

  it("lets a body yield to its driver", function()
    local client, driver = coroutines.client { answers.acquired(), answers.health(), answers.released() }
    local results = coroutines.run(function()
      return client:with_lock("jobs", nil, function()
        driver:sleep(1)
        return client:health()
      end)
    end)
    assert.is_true(results[1])
    assert.are.equal("ok", results[2].status)
    assert.are.same({ ACQUIRE, "GET /health", RELEASE }, driver:lines())
  end)
end)

describe("an error in the body of with_lock", function()
  it("is raised again after the release, with the body's traceback", function()
    local client, driver = client_with()
    local function where_it_happened() error("oops") end
    local ok, problem = pcall(client.with_lock, client, "jobs", nil, function() where_it_happened() end)
    assert.is_false(ok)
    assert.is_truthy(problem:find("lock_with_spec.lua:%d+: oops"))
    assert.is_truthy(problem:find("traceback", 1, true))
    assert.is_truthy(problem:find("where_it_happened", 1, true))
    assert.are.same({ ACQUIRE, RELEASE }, driver:lines())
  end)

  it("has its traceback in a coroutine too", function()
    local client, driver = client_with()
    local thread = coroutine.create(function()
      client:with_lock("jobs", nil, function()
        local function where_it_happened() error("oops") end
        where_it_happened()
      end)
    end)
    local ok, problem = coroutine.resume(thread)
    assert.is_false(ok)
    assert.is_truthy(problem:find("where_it_happened", 1, true))
    assert.are.same({ ACQUIRE, RELEASE }, driver:lines())
  end)

  for name, value in pairs { ["a table"] = { 1 }, ["a number"] = 5, ["false"] = false, ["a function"] = print } do
    it("is raised unchanged when it is " .. name, function()
      local client, driver = client_with()
      local ok, problem = pcall(client.with_lock, client, "jobs", nil, function() error(value, 0) end)
      assert.is_false(ok)
      assert.are.equal(value, problem)
      assert.are.same({ ACQUIRE, RELEASE }, driver:lines())
    end)
  end

  it("is not hidden by a release that fails", function()
    local client = client_with { answers.error(403, "forbidden") }
    local problem = {}
    local ok, raised = pcall(client.with_lock, client, "jobs", nil, function() error(problem) end)
    assert.is_false(ok)
    assert.are.equal(problem, raised)
  end)

  it("is raised when the lock was lost as well", function()
    local client, driver = client_with {}
    local problem = {}
    local _, raised = pcall(client.with_lock, client, "jobs", { ttl = 10 }, function()
      driver.time = driver.time + 60
      error(problem)
    end)
    assert.are.equal(problem, raised)
    assert.are.same({ ACQUIRE }, driver:lines())
  end)
end)

describe("a lock that is lost in the body of with_lock", function()
  it("is nil and lock_lost with the body's results, and sends no release", function()
    local client, driver = client_with {}
    local err = expect.failure({ kind = "lock_lost", reason = "uncertain" },
      client:with_lock("jobs", { ttl = 10 }, function()
        driver.time = driver.time + 60
        return 1, nil, 3, nil
      end))
    assert.are.same({ n = 4, 1, nil, 3, nil }, err.results)
    assert.are.same({ ACQUIRE }, driver:lines())
  end)

  it("is nil and lock_lost when check raised in the body", function()
    local client, driver = client_with {}
    local err = expect.failure({ kind = "lock_lost", reason = "uncertain" },
      client:with_lock("jobs", { ttl = 10 }, function(lock)
        driver.time = driver.time + 60
        lock:check()
        error("not reached")
      end))
    assert.is_nil(err.results)
  end)

  it("is nil and lock_lost when ensure told the body so", function()
    local client, driver = client_with { answers.lease_gone() }
    local err = expect.failure({ kind = "lock_lost", reason = "lost" },
      client:with_lock("jobs", { ttl = 10 }, function(lock)
        driver.time = driver.time + 5
        return (lock:ensure(8))
      end))
    assert.are.same({ n = 1 }, err.results)
    assert.are.same({ ACQUIRE, "POST /locks/jobs/renew" }, driver:lines())
  end)

  it("is nil and lock_lost when the server did not know the lease any more at the release", function()
    local client = client_with { answers.lease_gone() }
    local err = expect.failure({ kind = "lock_lost", reason = "lost" },
      client:with_lock("jobs", { ttl = 10 }, function() return "done" end))
    assert.are.same({ n = 1, "done" }, err.results)
  end)
end)

describe("a release in the body of with_lock", function()
  it("is the only one", function()
    local client, driver = client_with()
    assert.are.same({ n = 2, true, "done" }, pack(client:with_lock("jobs", nil, function(lock)
      assert.is_true((lock:release()))
      return "done"
    end)))
    assert.are.same({ ACQUIRE, RELEASE }, driver:lines())
  end)

  it("is tried once more after the body when it failed", function()
    local client, driver = client_with { answers.error(403, "forbidden"), answers.released() }
    assert.is_true((client:with_lock("jobs", nil, function(lock) lock:release() end)))
    assert.are.same({ ACQUIRE, RELEASE, RELEASE }, driver:lines())
  end)

  it("makes a later check in the body raise, which with_lock answers as lock_lost", function()
    local client = client_with()
    expect.failure({ kind = "lock_lost", reason = "released" }, client:with_lock("jobs", nil, function(lock)
      lock:release()
      lock:check()
    end))
  end)
end)

describe("a release after the body that fails", function()
  local events

  local function record(event) events[#events + 1] = event end

  before_each(function() events = {} end)

  it("is told as an event, and the body's results stand", function()
    local client = client_with({ answers.error(403, "forbidden") }, { on_event = record })
    assert.are.same({ n = 2, true, "done" }, pack(client:with_lock("jobs", nil, function() return "done" end)))
    assert.are.equal(1, #events)
    assert.are.equal("release_failed", events[1].type)
    assert.are.equal("jobs", events[1].name)
    expect.failure({ kind = "forbidden" }, nil, events[1].error)
  end)

  it("is told when the body failed as well", function()
    local client = client_with({ answers.error(403, "forbidden") }, { on_event = record })
    pcall(client.with_lock, client, "jobs", nil, function() error("oops") end)
    assert.are.equal(1, #events)
  end)

  it("survives a fault in the event hook", function()
    local client = client_with({ answers.error(403, "forbidden") }, { on_event = function() error("in the hook") end })
    assert.is_true((client:with_lock("jobs", nil, function() end)))
  end)

  it("is silent when it does not fail", function()
    local client = client_with(nil, { on_event = record })
    assert.is_true((client:with_lock("jobs", nil, function() end)))
    assert.are.same({}, events)
  end)
end)
