-- The service as a value: what it is made of, and that it depends on nothing outside it.
-- May use: octostore.testing, spec.support.in_process.

local in_process = require "spec.support.in_process"
local testing = require "octostore.testing"

describe("octostore.testing.service", function()
  it("gives the same answers at every run", function()
    local function run()
      local world = in_process.new()
      local lock = world:acquire("a")
      return lock.lease_id .. world:request("GET", "/health").headers["x-request-id"]
    end
    assert.equal(run(), run())
  end)

  it("gives other identifiers with another seed", function()
    local one, two = in_process.new { seed = 1 }, in_process.new { seed = 2 }
    assert.not_equal(one:acquire("a").lease_id, two:acquire("a").lease_id)
  end)

  it("shares nothing with another service", function()
    local one, two = in_process.new(), in_process.new()
    one:acquire "a"
    assert.equal("free", two:status("a").status)
  end)

  it("has a user of its own when it is given none", function()
    local service = testing.service()
    local request = { method = "GET", path = "/locks", headers = { authorization = "Bearer test-token" } }
    assert.equal(200, service(request, 0).status)
  end)

  it("reads header names in any case", function()
    local service = testing.service()
    local request = { method = "GET", path = "/locks", headers = { AUTHORIZATION = "Bearer test-token" } }
    assert.equal(200, service(request, 0).status)
  end)

  it("does not change the request it is given", function()
    local function fresh()
      return { method = "GET", path = "/locks?prefix=a", headers = { Authorization = "Bearer test-token" } }
    end
    local request = fresh()
    testing.service()(request, 0)
    assert.same(fresh(), request)
  end)

  it("counts fencing tokens exactly beyond what a double holds", function()
    local world = in_process.new { first_fencing_token = "9223372036854775799" }
    local bodies = {}
    for i = 1, 3 do
      bodies[i] = world:request("POST", "/locks/l" .. i .. "/acquire", { ttl_seconds = 60 }).body:match('token":(%d+)')
    end
    assert.same({ "9223372036854775799", "9223372036854775800", "9223372036854775801" }, bodies)
  end)

  it("tells its subscribers every event of a lock", function()
    local world = in_process.new()
    local events = {}
    world.service:subscribe(function(event)
      events[#events + 1] = event.event .. " " .. event.lock_name
    end)
    local lock = world:acquire "a"
    world:request("POST", "/locks/a/renew", { lease_id = lock.lease_id, ttl_seconds = 5 })
    world:request("POST", "/locks/a/release", { lease_id = lock.lease_id })
    assert.same({ "acquired a", "renewed a", "released a" }, events)
  end)

  it("raises a fault of its own instead of answering with it", function()
    local world = in_process.new()
    world.service.locks.by_name = nil
    assert.has_error(function()
      world:status "a"
    end)
  end)
end)
