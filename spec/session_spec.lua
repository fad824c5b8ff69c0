-- Sessions: made, kept alive, inspected, shared, lost and ended.
-- Uses: the testing kit on a virtual clock.
-- Owner: nothing.

local expect = require "spec.support.expect"
local octostore = require "octostore"
local testing = require "octostore.testing"

describe("a session", function()
  local service, clock, driver, client, events

  before_each(function()
    service, clock, events = testing.service {}, testing.clock(), {}
    driver = testing.driver(service, clock)
    client = assert(octostore.new {
      base_url = "http://localhost",
      token = "test-token",
      driver = driver,
      session = { ttl = 30 }, -- its keepalive is due before any renewal of a lock
      on_event = function(event) events[#events + 1] = event end,
    })
  end)

  local function other_client()
    local another = testing.driver(service, clock)
    return assert(octostore.new { base_url = "http://localhost", token = "test-token", driver = another })
  end

  it("is kept alive until it is closed", function()
    local session = assert(client:session { ttl = 10 })
    clock:advance(3600)
    assert.is_nil(session:ended())
    assert.is_true(session:remaining() > 2)
    assert.is_true(assert(session:inspect()).active)
    assert.is_true((session:close()))
    assert.are.equal("released", session:ended())
    assert.are.equal("released", session.reason)
    assert.are.equal(0, session:remaining())
    assert.is_true((session:close()))
    expect.failure({ kind = "not_found" }, other_client():get_session(session.session_id))
  end)

  it("has its margin and TTL from its options", function()
    assert.are.equal(8, assert(client:session { ttl = 10 }):remaining())
    assert.are.equal(5, assert(client:session { ttl = 10, margin = 5 }):remaining())
    assert.are.equal(48, assert(client:session()):remaining()) -- 60 seconds
  end)

  it("is refused with a TTL that the server would clamp, and other bad values", function()
    for _, ttl in ipairs { 9, 301, 10.5, 0 / 0 } do
      expect.invalid("ttl", "from 10 to 300", client:session { ttl = ttl })
    end
    expect.invalid("margin", "half of its ttl", client:session { ttl = 10, margin = 5.1 })
    expect.failure({ kind = "validation", code = "unknown_option" }, client:session { tll = 10 })
    expect.wrong_type("ttl", "session", function() client:session { ttl = "10" } end)
    expect.invalid("ttl", "from 10 to 300",
      octostore.new { base_url = "http://localhost", token = "x", session = { ttl = 5 } })
  end)

  it("holds the locks that it is given for, of other clients too", function()
    local session = assert(client:session())
    local mine = assert(client:lock("a", { session = session }))
    local theirs = assert(other_client():lock("b", { session = session }))
    assert.are.equal(2, assert(session:inspect()).lock_count)
    assert.is_true((session:close()))
    assert.are.equal("released", mine.reason)
    assert.are.equal("released", theirs.reason)
    assert.are.equal(0, assert(client:list_locks()).total)
    expect.failure({ kind = "session_expired" }, client:lock("a", { session = session }))
  end)

  it("that is proved gone takes all its locks along, and the client goes on in a new one", function()
    local lock, second = assert(client:lock("a")), assert(client:lock("b"))
    assert(other_client():end_session(client._parts.session.session_id))
    assert.is_true(lock:held()) -- nobody knows yet
    clock:advance(60)
    assert.are.equal("session", lock.reason)
    assert.are.equal("session", second.reason)
    local again = assert(client:lock("a"))
    assert.is_true(again:held())
    assert.are.equal("session_ended", events[1].type)
    assert.are.equal("lost", events[1].reason)
    assert.are.equal(3, #events)
    assert.are.same({ type = "lock_lost", name = events[2].name, reason = "session" }, events[2])
  end)

  it("is proved gone by a call of its own as well, and by an acquire in it", function()
    local session = assert(client:session())
    local lock = assert(client:lock("a", { session = session }))
    assert(other_client():end_session(session.session_id))
    expect.failure({ kind = "not_found" }, session:inspect())
    assert.are.equal("lost", session:ended())
    assert.are.equal("session", lock.reason)
    local first = assert(client:lock("b"))
    assert(other_client():end_session(client._parts.session.session_id))
    local second = assert(client:lock("c", { wait = 5 }))
    assert.are.equal("session", first.reason)
    assert.is_true(second:held())
  end)

  it("that was not renewed in time leaves its locks uncertain", function()
    local lock = assert(client:lock("a", { ttl = 600 }))
    driver:pause()
    clock:advance(25)
    driver:resume()
    assert.is_false(lock:held())
    assert.are.equal("uncertain", lock.reason)
    assert.is_true(assert(client:lock("b")):held())
  end)

  it("that is forgotten is ended", function()
    assert(client:session())
    collectgarbage()
    collectgarbage()
    clock:advance(0.1)
    local count = 0
    for _ in pairs(service.sessions.by_id or {}) do
      count = count + 1
    end
    assert.are.equal(0, count)
  end)

  it("keeps secrets out of its text", function()
    local session = assert(client:session())
    assert.are.equal("octostore.session(alive)", tostring(session))
    assert.is_nil(tostring(session):find(session.session_id, 1, true))
  end)
end)
