-- Time over real sockets: timeouts per call and per client, and cancellation in the middle of an exchange.
-- Uses: the fault server, a listener whose queue is full.
-- Owner: the server is stopped at the end.

local expect = require "spec.support.expect"
local fault_server = require "spec.support.fault_server"
local native = require "octostore.native"
local octostore = require "octostore"
local socket = require "socket"

---A port of loopback that answers no more connections, with the sockets that fill its queue.
local function full_port()
  local listener = assert(socket.bind("127.0.0.1", 0, 0))
  local _, port = listener:getsockname()
  local fillers = { listener }
  repeat
    local filler = socket.tcp()
    filler:settimeout(0.05)
    fillers[#fillers + 1] = filler
  until not filler:connect("127.0.0.1", port) or #fillers > 64
  return port, function()
    for _, each in ipairs(fillers) do
      each:close()
    end
  end
end

---Runs a call that must take about so many seconds, never less.
local function takes(seconds, call)
  local start = socket.gettime()
  call()
  local took = socket.gettime() - start
  assert.is_true(took >= seconds - 0.01, "too early: " .. took)
  assert.is_true(took <= seconds + 0.25, "too late: " .. took)
end

describe("the time of an exchange", function()
  local server

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)

  for _, behaviour in ipairs { "stall-headers", "stall-body", "trickle" } do
    it("ends at the call's timeout: " .. behaviour, function()
      local client = server:client(behaviour)
      takes(0.2, function()
        expect.failure({ kind = "timeout", code = "timeout", outcome = "unknown", retryable = true },
          client:acquire_lock("jobs", { timeout = 0.2 }))
      end)
    end)
  end

  it("ends at the client's timeout", function()
    local client = server:client("stall-headers", { timeout = 0.15 })
    takes(0.15, function()
      expect.failure({ kind = "timeout", outcome = "none" }, client:health())
    end)
  end)

  it("ends at what set_timeout said", function()
    local client = server:client("stall-headers")
    client:set_timeout(0.1)
    takes(0.1, function()
      expect.failure({ kind = "timeout" }, client:health())
    end)
  end)

  it("holds for all attempts together", function()
    local client, path = server:client("stall-headers", { retry = true, timeout = 0.2 })
    takes(0.2, function()
      expect.failure({ kind = "timeout" }, client:health())
    end)
    assert.are.equal(1, #server:requests(path))
  end)

  it("may be a fraction of a millisecond", function()
    expect.failure({ kind = "timeout" }, server:client("stall-headers"):health { timeout = 0.0001 })
  end)

  it("may be longer than any clock counts", function()
    assert(server:client("good", { timeout = 1e300, connect_timeout = 1e300 }):health())
    assert(server:client("good"):health { timeout = 1e18 })
  end)

  it("is bounded for making a connection, and nothing was sent then", function()
    local port, free = full_port()
    local client = assert(octostore.new {
      base_url = "http://127.0.0.1:" .. port, token = "token", retry = false, connect_timeout = 0.2,
    })
    takes(0.2, function()
      expect.failure({ kind = "timeout", code = "connect_timeout", outcome = "none" }, client:acquire_lock("jobs"))
    end)
    free()
  end)

  it("is bounded by the call's when a connection takes longer", function()
    local port, free = full_port()
    local client = assert(octostore.new { base_url = "http://127.0.0.1:" .. port, token = "token", retry = false })
    takes(0.1, function()
      local err = expect.failure({ kind = "timeout", outcome = "none" }, client:acquire_lock("jobs", { timeout = 0.1 }))
      assert.is_true(err.code == "timeout" or err.code == "connect_timeout")
    end)
    free()
  end)
end)

describe("a cancellation", function()
  local server

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)

  ---A cancellation that is set by the first question asked so many seconds after the first one.
  local function cancel_after(seconds)
    local cancel = octostore.cancellation()
    local start
    function cancel:cancelled()
      start = start or native.now()
      if native.now() - start >= seconds then
        self:cancel("enough")
      end
      return self._cancelled
    end
    return cancel
  end

  it("ends an exchange within 100 ms, of unknown outcome once it was sent", function()
    local client, path = server:client("stall-headers")
    local cancel = cancel_after(0.1)
    takes(0.1, function()
      local err = expect.failure({ kind = "cancelled", code = "cancelled", outcome = "unknown", retryable = false },
        client:acquire_lock("jobs", { cancel = cancel }))
      assert.is_truthy(err.message:find("enough", 1, true))
    end)
    assert.are.equal(1, #server:requests(path))
  end)

  it("ends a read without effect", function()
    local client = server:client("stall-body")
    expect.failure({ kind = "cancelled", outcome = "none" }, client:health { cancel = cancel_after(0.05) })
  end)

  it("ends the wait before a repeat", function()
    local client, path = server:client("busy", { retry = true, timeout = 100 })
    takes(0.1, function()
      expect.failure({ kind = "cancelled" }, client:health { cancel = cancel_after(0.1) })
    end)
    assert.are.equal(1, #server:requests(path))
  end)

  it("leaves the client usable", function()
    local client = server:client("close-once")
    expect.failure({}, client:health())
    local cancel = octostore.cancellation()
    cancel:cancel()
    expect.failure({ kind = "cancelled" }, client:health { cancel = cancel })
    assert(client:health())
  end)
end)
