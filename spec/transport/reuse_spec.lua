-- Connections: kept, replaced unseen when they have gone stale, and never trusted with what must be sent once.
-- Uses: the fault server, which counts connections.
-- Owner: the server is stopped at the end.

local answers = require "spec.support.answers"
local expect = require "spec.support.expect"
local fault_server = require "spec.support.fault_server"

describe("connections", function()
  local server

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)

  ---Numbers of the connections that the requests below a path went over, from 1.
  local function connections(path)
    local numbers, known, count = {}, {}, 0
    for i, request in ipairs(server:requests(path)) do
      if not known[request.connection] then
        count = count + 1
        known[request.connection] = count
      end
      numbers[i] = known[request.connection]
    end
    return numbers
  end

  it("are kept from call to call", function()
    local client, path = server:client("good")
    for _ = 1, 3 do
      assert(client:health())
      assert(client:acquire_lock("jobs"))
      assert(client:release_lock("jobs", answers.LEASE))
    end
    assert.are.same({ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, connections(path))
  end)

  it("are not shared between clients", function()
    local url, path = server:url("good")
    local first = server:client("good", { base_url = url })
    local second = server:client("good", { base_url = url })
    assert(first:health())
    assert(second:health())
    assert.are.same({ 1, 2 }, connections(path))
  end)

  it("are replaced unseen when the server has closed them while they were idle", function()
    local client, path = server:client("close-idle")
    assert(client:acquire_lock("jobs"))
    assert(client:acquire_lock("jobs"))
    assert(client:health())
    assert.are.same({ 1, 2, 3 }, connections(path))
  end)

  it("are replaced unseen when the server closes them instead of an answer", function()
    local client, path = server:client("close-second")
    assert(client:acquire_lock("jobs"))
    assert(client:acquire_lock("jobs"))
    assert.are.same({ 1, 1, 2 }, connections(path))
  end)

  it("that were replaced so may have released the lock: it is gone at the repeat, which is a success", function()
    local client, path = server:client("release-unanswered")
    assert(client:health())
    assert.is_true((client:release_lock("jobs", answers.LEASE)))
    assert.are.same({ 1, 1, 2 }, connections(path))
  end)

  it("carry rotate_token once: over a fresh one, whatever becomes of it", function()
    local client, path = server:client("close-second")
    assert(client:health())
    expect.failure({ kind = "protocol", outcome = "unknown" }, client:rotate_token())
    assert.are.same({ 1, 2 }, connections(path))
  end)

  it("carry rotate_token once when they are closed instead of an answer", function()
    local client, path = server:client("close", { retry = true })
    local err = expect.failure({ kind = "network", outcome = "unknown", retryable = false }, client:rotate_token())
    assert.is_truthy(err.message:find("the old token may be dead", 1, true))
    assert.are.equal(1, #server:requests(path))
  end)

  it("carry create_session once when they are closed instead of an answer", function()
    local client, path = server:client("close-second", { retry = true })
    assert(client:health())
    client:create_session()
    client:health()
    client:create_session()
    local sessions = 0
    for _, request in ipairs(server:requests(path)) do
      sessions = sessions + (request.path == "sessions" and 1 or 0)
    end
    assert.are.equal(2, sessions)
  end)

  it("are not used again after a call that ran out of time", function()
    local client, path = server:client("stall-body")
    client:health { timeout = 0.05 }
    client:health { timeout = 0.05 }
    assert.are.same({ 1, 2 }, connections(path))
  end)
end)
