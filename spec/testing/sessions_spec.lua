-- Sessions of the service in virtual time: what they hold, how they end, and what ends with them.
-- May use: octostore.testing, spec.support.in_process.

local in_process = require "spec.support.in_process"

describe("sessions of octostore.testing", function()
  local world

  before_each(function()
    world = in_process.new()
    world:status "a" -- the sweeps are counted from the first request
  end)

  local function open(ttl_seconds, token)
    return world:request("POST", "/sessions", { ttl_seconds = ttl_seconds }, token).json.session_id
  end

  local function ephemeral(name, session_id, token)
    return world:acquire(name, { ttl_seconds = 60, session_id = session_id, ephemeral = true }, token)
  end

  local function call(method, session_id, suffix, token)
    return world:request(method, "/sessions/" .. session_id .. (suffix or ""), nil, token)
  end

  it("bring their TTL between 10 and 300 seconds without a word", function()
    for asked, given in pairs { [0] = 10, [10] = 10, [300] = 300, [301] = 300 } do
      local response = world:request("POST", "/sessions", { ttl_seconds = asked })
      assert.same({ 201, given / 2 }, { response.status, response.json.keepalive_interval_secs })
    end
  end)

  it("exclude each other and the plain token", function()
    local one, two = open(60), open(60)
    assert.equal("acquired", ephemeral("a", one).status)
    assert.equal("held", ephemeral("a", two).status)
    assert.equal("held", world:acquire("a").status)
    assert.equal("acquired", ephemeral("a", one).status)
  end)

  it("let any request of their user end a lease", function()
    local lock = ephemeral("a", open(60))
    assert.equal(200, world:request("POST", "/locks/a/release", { lease_id = lock.lease_id }).status)
  end)

  it("hide their locks from other users", function()
    local lock = ephemeral("a", open(60))
    local refused = world:request("POST", "/locks/a/release", { lease_id = lock.lease_id }, "bob-token")
    assert.same({ 404, "not_found" }, { refused.status, refused.json.code })
  end)

  it("belong to one user", function()
    local session = open(60)
    assert.equal(404, call("GET", session, "", "bob-token").status)
    assert.equal(404, call("POST", session, "/keepalive", "bob-token").status)
    assert.equal(404, call("DELETE", session, "", "bob-token").status)
  end)

  it("free their ephemeral locks at once when deleted, and keep the others", function()
    local session = open(60)
    ephemeral("a", session)
    world:acquire("b", { ttl_seconds = 60, session_id = session })
    assert.equal(2, call("GET", session).json.lock_count)
    assert.same({ 204, "" }, { call("DELETE", session).status, call("DELETE", open(10)).body })
    assert.equal("free", world:status("a").status)
    assert.equal("held", world:status("b").status)
  end)

  it("delay their locks by the delay of each", function()
    local session = open(60)
    world:acquire("a", { ttl_seconds = 60, session_id = session, ephemeral = true, lock_delay_seconds = 5 })
    call("DELETE", session)
    assert.equal("delayed", world:acquire("a").status)
  end)

  it("end at their TTL, and are forgotten by the sweep", function()
    local session = open(12)
    ephemeral("a", session)
    world.clock:advance(12)
    assert.is_true(call("GET", session).json.active)
    world.clock:advance(0.001)
    assert.is_false(call("GET", session).json.active)
    assert.equal(410, call("POST", session, "/keepalive").status)
    local refused = world:request("POST", "/locks/b/acquire", { session_id = session, ephemeral = true })
    assert.same({ 410, "session_expired" }, { refused.status, refused.json.code })
    world.clock:advance(3)
    assert.equal(404, call("GET", session).status)
    assert.equal("free", world:status("a").status)
  end)

  it("refuse the leases of an expired session until the sweep frees them", function()
    local lock = ephemeral("a", open(12))
    world.clock:advance(12.5)
    for _, verb in ipairs { "renew", "release" } do
      local refused = world:request("POST", "/locks/a/" .. verb, { lease_id = lock.lease_id })
      assert.same({ 410, "session_expired" }, { refused.status, refused.json.code })
    end
  end)

  it("have to be named for an ephemeral lock", function()
    assert.equal(400, world:request("POST", "/locks/a/acquire", { ephemeral = true }).status)
  end)

  it("tell the end of their locks to subscribers", function()
    local events = {}
    world.service:subscribe(function(event)
      events[#events + 1] = event.event
    end)
    local session = open(60)
    ephemeral("a", session)
    call("DELETE", session)
    assert.same({ "acquired", "released" }, events)
  end)
end)
