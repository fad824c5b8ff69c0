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

  it("tells an event as often as it is told to, from then on", function()
    local world = in_process.new()
    local seen = {}
    world.service:subscribe(function(event) seen[#seen + 1] = event.event end)
    local lock = world:acquire("a")
    world.service:duplicate_events(2)
    world:request("POST", "/locks/a/release", { lease_id = lock.lease_id })
    assert.same({ "acquired", "released", "released" }, seen)
    world.service:duplicate_events(1)
    world:acquire("a")
    assert.equal(4, #seen)
    for _, copies in ipairs { 0, 1.5, "2" } do
      assert.has_error(function() world.service:duplicate_events(copies) end)
    end
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

  describe("reads a request as the real server does:", function()
    local world

    before_each(function()
      world = in_process.new()
    end)

    local function send(method, path, headers, body)
      return world.service({ method = method, path = path, headers = headers, body = body }, world.clock:now())
    end

    it("blanks around a header's value are no part of it", function()
      assert.equal(200, send("GET", "/locks", { authorization = " Bearer alice-token\t" }).status)
      local refused = send("GET", "/locks", { authorization = "Bearer " })
      assert.matches('"code":"authentication_required"', refused.body, 1, true)
    end)

    it("a body is JSON by its media type, whose parameters have to be sound", function()
      local good = { "application/json", "APPLICATION/JSON; charset=utf-8", "application/json;",
        'application/json;a="b c"', "application/problem+json", "application/json+x" }
      local bad = { "", "text/json", "application/jsonx", "application/+json", "application/json ; a=b",
        "application/json; charset", "application/json;;", "application/json, text/plain" }
      local function status(content_type)
        local headers = { authorization = "Bearer alice-token", ["content-type"] = content_type }
        return send("POST", "/locks/a/acquire", headers, "{}").status
      end
      for _, content_type in ipairs(good) do
        assert.equal(200, status(content_type), content_type)
      end
      for _, content_type in ipairs(bad) do
        assert.equal(415, status(content_type), content_type)
      end
    end)

    it("OPTIONS is answered for every path, with the methods of a known one", function()
      local known, unknown = send("OPTIONS", "/locks/a/acquire"), send("OPTIONS", "/nowhere")
      assert.same({ 200, "POST", "" }, { known.status, known.headers.allow, known.body })
      assert.same({ 200, nil }, { unknown.status, unknown.headers.allow })
    end)

    it("a fragment is cut off, and bytes of a query that are not UTF-8 are replaced", function()
      local headers = { authorization = "Bearer alice-token" }
      assert.matches('"name":"a"', send("GET", "/locks/a#b", headers).body, 1, true)
      assert.matches('"prefix":"a\239\191\189"', send("GET", "/locks?prefix=a%ff", headers).body, 1, true)
    end)
  end)
end)
