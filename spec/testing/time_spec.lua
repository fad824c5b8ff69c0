-- What time does in the service: leases, delays, sessions and sweeps on a clock that the spec turns.
-- May use: octostore.testing, spec.support.in_process.

local in_process = require "spec.support.in_process"
local octostore = require "octostore"
local testing = require "octostore.testing"

describe("time in octostore.testing", function()
  local world

  before_each(function()
    world = in_process.new()
  end)

  local function advance(seconds)
    world.clock:advance(seconds)
  end

  it("ends a lease after its TTL and not before", function()
    world:acquire("a", { ttl_seconds = 10 })
    advance(9.999)
    assert.equal("held", world:status("a").status)
    advance(0.002)
    assert.equal("free", world:status("a").status)
  end)

  it("shows the last token of an expired lock until the sweep, then the next one", function()
    local token = world:acquire("a", { ttl_seconds = 1 }).fencing_token
    advance(1.5)
    assert.equal(token, world:status("a").fencing_token)
    advance(5)
    assert.equal(token + 1, world:status("a").fencing_token)
  end)

  it("never shortens a lease when the same holder acquires again", function()
    local first = world:acquire("a", { ttl_seconds = 60 })
    local again = world:acquire("a", { ttl_seconds = 5 })
    assert.same({ first.lease_id, first.expires_at }, { again.lease_id, again.expires_at })
  end)

  it("shortens a lease when it is renewed with less", function()
    local lock = world:acquire("a", { ttl_seconds = 60 })
    world:request("POST", "/locks/a/renew", { lease_id = lock.lease_id, ttl_seconds = 1 })
    advance(1.1)
    assert.equal("free", world:status("a").status)
  end)

  it("starts the delay of an expired lock when its expiry is noticed", function()
    world:acquire("a", { ttl_seconds = 11, lock_delay_seconds = 5 })
    advance(12) -- expired at 11, and the sweep would come at 15
    assert.equal("delayed", world:acquire("a", { ttl_seconds = 5 }, "bob-token").status)
    advance(4.9)
    assert.equal("delayed", world:acquire("a", { ttl_seconds = 5 }, "bob-token").status)
    advance(0.2)
    assert.equal("acquired", world:acquire("a", { ttl_seconds = 5 }, "bob-token").status)
  end)

  it("keeps an expired session's locks held until the sweep", function()
    local session = world:request("POST", "/sessions", { ttl_seconds = 11 }).json
    world:acquire("a", { ttl_seconds = 60, session_id = session.session_id, ephemeral = true })
    advance(11.5)
    assert.equal("held", world:status("a").status)
    local kept = world:request("POST", "/sessions/" .. session.session_id .. "/keepalive")
    assert.same({ 410, "session_expired" }, { kept.status, kept.json.code })
    advance(4)
    assert.equal("free", world:status("a").status)
    assert.equal(404, world:request("POST", "/sessions/" .. session.session_id .. "/keepalive").status)
  end)

  it("keeps a session alive for its own TTL with each keepalive", function()
    local session = world:request("POST", "/sessions", { ttl_seconds = 10 }).json
    for _ = 1, 5 do
      advance(9)
      assert.equal(200, world:request("POST", "/sessions/" .. session.session_id .. "/keepalive").status)
    end
  end)

  it("lets campaigns through again after the minute of their limit", function()
    world = in_process.new { election_requests_per_minute = 2 }
    local function create()
      return world:request("POST", "/elections", nil, false)
    end
    create()
    create()
    local refused = create()
    assert.same({ 429, "60" }, { refused.status, refused.headers["retry-after"] })
    advance(60)
    assert.equal(201, create().status)
  end)

  it("sweeps when it is told to", function()
    local token = world:acquire("a", { ttl_seconds = 1 }).fencing_token
    advance(1.5)
    world.service:sweep(world.clock:now())
    assert.equal(token + 1, world:status("a").fencing_token)
  end)

  it("writes times as the server does", function()
    local lock = world:acquire("a", { ttl_seconds = 60 })
    assert.equal("2026-01-01T00:01:00Z", lock.expires_at)
    advance(0.25)
    assert.equal("2026-01-01T00:01:00.250Z", world:acquire("b").expires_at)
    assert.equal(world.clock:now() + 60, octostore.parse_time(world:acquire("b").expires_at))
  end)
end)

describe("octostore.testing.clock", function()
  it("stands still until it is turned", function()
    local clock = testing.clock(100)
    assert.equal(100, clock:now())
    clock:advance(1.5)
    assert.equal(101.5, clock:now())
  end)
end)

describe("octostore.testing.driver", function()
  local service, clock, driver, client

  before_each(function()
    service, clock = testing.service { users = { { name = "alice", token = "alice-token" } } }, testing.clock()
    driver = testing.driver(service, clock)
    client = assert(octostore.new { base_url = "http://localhost", token = "alice-token", driver = driver })
  end)

  it("sleeps by turning the clock", function()
    testing.driver(service, clock):sleep(2.5)
    assert.equal(testing.clock():now() + 2.5, clock:now())
  end)

  it("gives a client's locks the clock of the spec, and renews them as it turns", function()
    local lock = assert(client:lock("a", { ttl = 10 }))
    assert.equal(8, lock:remaining())
    clock:advance(3600)
    assert.is_true(lock:held())
    assert.is_true(lock:remaining() > 3)
  end)

  it("renews nothing while it is paused, and goes on when it is resumed", function()
    local lock = assert(client:lock("a", { ttl = 10 }))
    driver:pause()
    clock:advance(7)
    driver:resume()
    clock:advance(7)
    assert.is_true(lock:held())
    driver:pause()
    clock:advance(8)
    assert.is_false(lock:held())
    assert.equal("uncertain", lock.reason)
    driver:resume()
    clock:advance(0.1)
    assert.is_false(lock:held())
  end)

  it("lets a client wait for a lock in no time at all", function()
    local other = testing.driver(service, clock)
    other = assert(octostore.new { base_url = "http://localhost", token = "alice-token", driver = other })
    local session = assert(other:create_session(300))
    assert(other:acquire_lock("a", { ttl = 20, session_id = session.session_id, ephemeral = true }))
    local started = clock:now()
    assert(client:lock("a", { ttl = 10, wait = 60 }))
    local waited = clock:now() - started
    assert.is_true(waited > 19.999 and waited < 25, tostring(waited))
  end)
end)
