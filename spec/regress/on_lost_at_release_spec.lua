-- A lock whose loss only its release finds out: on_lost was not called.
-- Uses: octostore, its testing kit.

local expect = require "spec.support.expect"
local octostore = require "octostore"
local testing = require "octostore.testing"

describe("on_lost", function()
  local client, lost

  local function options()
    return { ttl = 10, on_lost = function(lock, reason) lost[#lost + 1] = lock.name .. " " .. reason end }
  end

  before_each(function()
    lost = {}
    local service = testing.service { users = { { name = "a", token = "token-a" } } }
    local driver = testing.driver(service, testing.clock())
    client = assert(octostore.new { base_url = "http://localhost", token = "token-a", driver = driver })
  end)

  it("is called when the release finds that the lease is gone, once", function()
    local lock = assert(client:lock("jobs", options()))
    assert(client:release_lock("jobs", lock.lease_id)) -- behind the handle's back
    expect.failure({ kind = "lock_lost", reason = "lost" }, lock:release())
    assert.are.same({ "jobs lost" }, lost)
    expect.failure({ kind = "lock_lost", reason = "lost" }, lock:release())
    assert.is_false((pcall(lock.check, lock)))
    assert.are.same({ "jobs lost" }, lost)
  end)

  it("is called when the release after a body finds it", function()
    expect.failure({ kind = "lock_lost", reason = "lost" }, client:with_lock("jobs", options(), function(lock)
      assert(client:release_lock("jobs", lock.lease_id))
    end))
    assert.are.same({ "jobs lost" }, lost)
  end)

  it("is not called when the lock was released by its owner", function()
    assert(client:with_lock("jobs", options(), function() end))
    assert(assert(client:lock("jobs", options())):release())
    assert.are.same({}, lost)
  end)
end)
