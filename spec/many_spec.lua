-- Several locks at once.
-- Uses: the testing kit on a virtual clock.
-- Owner: nothing.

local expect = require "spec.support.expect"
local octostore = require "octostore"
local testing = require "octostore.testing"

describe("with_locks", function()
  local service, clock, client, other, sent

  local function new_client()
    local driver = testing.driver(service, clock)
    local send = driver.send
    function driver.send(self, request, ...)
      sent[#sent + 1] = request.method .. " " .. request.path
      return send(self, request, ...)
    end
    return assert(octostore.new { base_url = "http://localhost", token = "test-token", driver = driver })
  end

  before_each(function()
    service, clock, sent = testing.service {}, testing.clock(), {}
    client, other = new_client(), new_client()
  end)

  it("holds all of them while the body runs, in the order that was asked for", function()
    local ok, result = client:with_locks({ "b", "c", "a" }, { ttl = 10 }, function(locks)
      locks:check()
      assert.is_true(locks:held())
      assert.are.equal(8, locks:remaining())
      assert.are.same({ "b", "c", "a" }, { locks[1].name, locks[2].name, locks[3].name })
      assert.are.equal(locks[3], locks:named("a"))
      assert.is_nil(locks:named("d"))
      assert.are.equal(3, assert(other:list_locks()).total)
      clock:advance(60)
      assert.is_true(locks:ensure(5))
      return "done"
    end)
    assert.is_true(ok, tostring(result))
    assert.are.equal("done", result)
    assert.are.equal(0, assert(other:list_locks()).total)
  end)

  it("asks for them in the order of their names", function()
    assert.is_true((client:with_locks({ "b", "c", "a" }, nil, function() end)))
    assert.are.same({
      "POST /sessions", "POST /locks/a/acquire", "POST /locks/b/acquire", "POST /locks/c/acquire",
    }, { sent[1], sent[2], sent[3], sent[4] })
    assert.are.equal(7, #sent)
  end)

  it("gives back what it has when one cannot be had, and leaves other locks of the session alone", function()
    local mine = assert(client:lock("mine"))
    local theirs = assert(other:lock("b"))
    local err = expect.failure({ kind = "lock_held", name = "b" },
      client:with_locks({ "c", "b", "a" }, nil, function() error("not run") end))
    assert.is_truthy(err.message:find("held by someone else", 1, true))
    assert.is_true(mine:held() and theirs:held())
    assert.are.equal(2, assert(other:list_locks()).total)
  end)

  it("has one time for all", function()
    local first, second = assert(other:lock("a")), assert(other:lock("b"))
    local start = clock:now()
    expect.failure({ kind = "lock_held", name = "a" }, client:with_locks({ "a", "b" }, { wait = 5 }, error))
    assert.is_true(clock:now() - start < 5.5)
    assert.is_true(first:held() and second:held())
  end)

  it("is lost when one of them is", function()
    local err = expect.failure({ kind = "lock_lost", reason = "lost" },
      client:with_locks({ "a", "b" }, { ttl = 10 }, function(locks)
        local raw = locks[2]
        assert(client:release_lock("b", raw.lease_id))
        clock:advance(8)
        assert.is_false(locks:held())
        assert.are.equal("lost", locks.reason)
        return 1
      end))
    assert.are.same({ n = 1, 1 }, err.results)
    expect.failure({ kind = "lock_lost", reason = "lost" },
      client:with_locks({ "a", "b" }, { ttl = 10 }, function(locks)
        assert(client:release_lock("a", locks[1].lease_id))
        clock:advance(8)
        locks:check()
      end))
    assert.are.equal(0, assert(other:list_locks()).total)
  end)

  it("raises the body's error after the release", function()
    local problem = {}
    local ok, raised = pcall(client.with_locks, client, { "a" }, nil, function() error(problem) end)
    assert.is_false(ok)
    assert.are.equal(problem, raised)
    assert.are.equal(0, assert(other:list_locks()).total)
  end)

  it("refuses what makes no sense", function()
    expect.invalid("names", "at least one", client:with_locks({}, nil, error))
    expect.invalid("names", "differ", client:with_locks({ "a", "b", "a" }, nil, error))
    expect.invalid("lock_delay", "several locks", client:with_locks({ "a" }, { lock_delay = 1 }, error))
    expect.invalid("scope", "'session'", client:with_locks({ "a" }, { scope = "token" }, error))
    expect.invalid("name", "", client:with_locks({ "a", ".." }, nil, error))
    expect.wrong_type("names", "with_locks", function() client:with_locks("a", nil, error) end)
    expect.wrong_type("names[2]", "with_locks", function() client:with_locks({ "a", 5 }, nil, error) end)
    expect.wrong_type("body", "with_locks", function() client:with_locks({ "a" }) end)
    assert.are.equal(0, assert(other:list_locks()).total)
  end)
end)
