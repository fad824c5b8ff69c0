-- Locks of the service in virtual time: who holds what until when, delays, sweeps, lists and the limit.
-- May use: octostore.testing, spec.support.in_process.

local in_process = require "spec.support.in_process"

describe("locks of octostore.testing", function()
  local world

  before_each(function()
    world = in_process.new()
    world:status "a" -- the sweeps are counted from the first request
  end)

  local function advance(seconds)
    world.clock:advance(seconds)
  end

  local function mutate(verb, name, lease_id, token)
    return world:request("POST", "/locks/" .. name .. "/" .. verb, { lease_id = lease_id }, token)
  end

  local function outcome(response)
    return { response.status, response.json and response.json.code }
  end

  it("gives one token the same lease again, and another token none", function()
    local first = world:acquire("a", { ttl_seconds = 60, metadata = "first" })
    local again = world:acquire("a", { ttl_seconds = 60, metadata = "second" })
    local other = world:acquire("a", { ttl_seconds = 60 }, "bob-token")
    assert.same({ first.lease_id, first.fencing_token, "first" },
      { again.lease_id, again.fencing_token, again.metadata })
    assert.same({ "held", "first", 60000 }, { other.status, other.metadata, other.retry_after_ms })
  end)

  it("gives a new lease and a greater token once the old lease is over", function()
    local first = world:acquire("a", { ttl_seconds = 7 })
    advance(7.001)
    local second = world:acquire("a", { ttl_seconds = 7 })
    assert.not_equal(first.lease_id, second.lease_id)
    assert.is_true(second.fencing_token > first.fencing_token)
  end)

  it("at the moment of expiry still releases, but renews no longer", function()
    local lock = world:acquire("a", { ttl_seconds = 7 })
    advance(7)
    assert.same({ 404, "lease_not_current" }, outcome(mutate("renew", "a", lock.lease_id)))
    assert.equal(200, mutate("release", "a", lock.lease_id).status)
  end)

  it("neither renews nor releases an expired lease that is not swept yet", function()
    local lock = world:acquire("a", { ttl_seconds = 7 })
    advance(7.001)
    assert.same({ 404, "lease_not_current" }, outcome(mutate("renew", "a", lock.lease_id)))
    assert.same({ 404, "lease_not_current" }, outcome(mutate("release", "a", lock.lease_id)))
  end)

  it("tells a lease of another holder from one that is gone", function()
    local lock = world:acquire "a"
    assert.same({ 400, "lease_not_current" }, outcome(mutate("release", "a", lock.lease_id, "bob-token")))
    assert.equal(200, mutate("release", "a", lock.lease_id).status)
    assert.same({ 404, "lease_not_current" }, outcome(mutate("release", "a", lock.lease_id)))
  end)

  it("renews for a minute when no TTL is given", function()
    local lock = world:acquire("a", { ttl_seconds = 10 })
    assert.equal(30000, mutate("renew", "a", lock.lease_id).json.renew_after_ms)
  end)

  it("delays a name after its release, for every holder", function()
    local lock = world:acquire("a", { ttl_seconds = 60, lock_delay_seconds = 3 })
    mutate("release", "a", lock.lease_id)
    for _, token in ipairs { "alice-token", "bob-token" } do
      local delayed = world:acquire("a", { ttl_seconds = 5 }, token)
      assert.same({ "delayed", 3, 3000 }, { delayed.status, delayed.lock_delay_seconds, delayed.retry_after_ms })
    end
    advance(3)
    assert.equal("acquired", world:acquire("a", { ttl_seconds = 5 }, "bob-token").status)
  end)

  it("counts the delay of an expired lock from the sweep that finds it", function()
    world:acquire("a", { ttl_seconds = 7, lock_delay_seconds = 4 })
    advance(12) -- swept at 10
    assert.equal(2000, world:acquire("a").retry_after_ms)
  end)

  it("makes up for every sweep that was due", function()
    world:acquire("a", { ttl_seconds = 7, lock_delay_seconds = 4 })
    advance(3600)
    assert.equal("acquired", world:acquire("a", nil, "bob-token").status)
  end)

  it("refuses a hundred-and-first lock before it looks who holds it", function()
    for i = 1, 100 do
      world:acquire("l" .. i)
    end
    world:acquire("bobs", nil, "bob-token")
    for _, name in ipairs { "free", "bobs" } do
      local refused = world:request("POST", "/locks/" .. name .. "/acquire", { ttl_seconds = 5 })
      assert.same({ 403, "lock_limit_exceeded" }, outcome(refused))
    end
    assert.equal("acquired", world:acquire("l1").status)
  end)

  it("counts expired locks no longer, swept or not", function()
    for i = 1, 100 do
      world:acquire("l" .. i, { ttl_seconds = 7 })
    end
    advance(7.001)
    assert.equal("acquired", world:acquire("free").status)
  end)

  it("keeps an ACL beyond the lease", function()
    local acl = { acquire = { "user:ALICE" } }
    local lock = world:acquire("a", { ttl_seconds = 5, acl = acl })
    mutate("release", "a", lock.lease_id)
    local refused = world:request("POST", "/locks/a/acquire", { ttl_seconds = 5 }, "bob-token")
    assert.same({ 403, "forbidden" }, outcome(refused))
    assert.same({ "user:alice" }, world:status("a").acl.acquire)
  end)

  it("lists what is held under a prefix, without lease ids", function()
    world:acquire "b.1"
    world:acquire("b.2", { ttl_seconds = 7 })
    world:acquire "c"
    advance(7.001)
    local list = world:request("GET", "/locks?prefix=b.").json
    assert.same({ 1, "b.1", "b." }, { list.total, list.locks[1].name, list.prefix })
    assert.is_nil(list.locks[1].lease_id)
  end)

  it("holds a namespaced token to its names", function()
    world = in_process.new { users = { { name = "carol", token = "alice-token", namespace = "team" } } }
    assert.equal("acquired", world:acquire("team.a").status)
    for _, name in ipairs { "other", "team", "teams.a" } do
      assert.equal(403, world:request("GET", "/locks/" .. name).status)
    end
    assert.equal("team.", world:request("GET", "/locks").json.prefix)
  end)

  it("begins a watch with the state of the lock", function()
    local function watch()
      local request = { method = "GET", path = "/locks/a/watch", headers = { authorization = "Bearer alice-token" } }
      return world.service(request, world.clock:now())
    end
    local free = watch()
    assert.equal("text/event-stream", free.headers["content-type"])
    assert.matches('^data: {"event":"released","lock_name":"a","observed_at":"[^"]+"}\n\n$', free.body)
    world:acquire "a"
    assert.matches('"event":"acquired"', watch().body)
  end)
end)
