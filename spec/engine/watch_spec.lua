-- The watch of a lock that is waited for: a hint to look again, sooner than the next try would.
-- Uses: a server over HTTP (the real one where it is there), a child interpreter.
-- Owner: the server is stopped, clients are closed.

local interpreter = require "spec.support.interpreter"
local native = require "octostore.native"
local octostore = require "octostore"
local servers = require "spec.support.servers"
local socket = require "socket"

describe("the watch of a lock", function()
  local server, client

  setup(function() server = servers.real_available() and servers.real() or servers.embedded() end)
  teardown(function() server:stop() end)
  before_each(function() client = assert(octostore.new(server.base_url, server.tokens.alice)) end)
  after_each(function() client:close() end)

  ---Another process that holds a lock for so long; answers a function that waits for its end and tells when it
  ---released the lock.
  local function holder(name, seconds)
    local pipe = assert(io.popen(interpreter.command([[
      local native = require "octostore.native"
      local client = assert(require("octostore").new(os.getenv("SPEC_URL"), os.getenv("SPEC_TOKEN")))
      local lock = assert(client:lock(os.getenv("SPEC_NAME"), { ttl = 30, wait = 5 }))
      print("held")
      io.stdout:flush()
      native.sleep(tonumber(os.getenv("SPEC_SECONDS")))
      lock:release()
      io.write(("%.3f"):format(native.now()))
    ]], {
      SPEC_URL = server.base_url,
      SPEC_TOKEN = server.tokens.alice,
      SPEC_NAME = name,
      SPEC_SECONDS = seconds,
    }), "r"))
    assert.are.equal("held", pipe:read("*l"))
    return function()
      local released = tonumber(pipe:read("*a"))
      pipe:close()
      return released
    end
  end

  it("wakes a waiter soon after the release, long before its next try", function()
    for _ = 1, 3 do
      local released_at = holder("watch/wakes", "1.8")
      local lock = assert(client:lock("watch/wakes", { wait = 30 }))
      local now = native.now()
      assert.is_true(now - released_at() < 0.3)
      assert.is_true((lock:release()))
    end
  end)

  it("is no more than a hint: without it a waiter looks again in time", function()
    client._parts.kept = nil
    local released_at = holder("watch/missing", "1")
    local watch = native.port(false)
    local closed = getmetatable(watch).__index.watch
    watch:close()
    getmetatable(watch).__index.watch = function(_, request) return closed(native.port(false), request, 0.01, 0.01) end
    finally(function() getmetatable(watch).__index.watch = closed end)
    local lock = assert(client:lock("watch/missing", { wait = 30 }))
    assert.is_true(native.now() - released_at() < 2.5)
    lock:release()
  end)

  it("ends with its client, and the wait with an error", function()
    local waiter = assert(octostore.new(server.base_url, server.tokens.alice))
    local lock = assert(client:lock("watch/closed"))
    local driver, looks = waiter._parts.driver, 0
    local sleep = driver.sleep
    function driver.sleep(...)
      looks = looks + 1
      if looks == 3 then
        waiter:close()
      end
      sleep(...)
    end
    local waited, err = waiter:lock("watch/closed", { wait = 20 })
    assert.is_nil(waited)
    assert.are.equal("client_closed", err.code)
    lock:release()
  end)

  it("counts how often the lock has become free, and is over when it is cancelled or its time has passed", function()
    local port = native.port(false)
    finally(function() port:close() end)
    local endpoint = assert(native.endpoint(server.base_url, server.tokens.alice, nil, false))
    local request = assert(native.request(endpoint, "watch_lock", nil, "watch/counts"))
    local function wait_until(condition)
      local deadline = native.now() + 5
      while not condition() do
        assert.is_true(native.now() < deadline, "it did not happen")
        socket.sleep(0.01)
      end
    end
    local lock = assert(client:lock("watch/counts"))
    local id, brief = port:watch(request, 30, 5), port:watch(request, 0.2, 5)
    assert.are.equal(0, port:changes(id))
    wait_until(function() return port:changes(brief) == nil end)
    lock:release()
    wait_until(function() return port:changes(id) == 1 end)
    assert(client:lock("watch/counts")):release()
    wait_until(function() return port:changes(id) == 2 end)
    port:cancel(id)
    wait_until(function() return port:changes(id) == nil end)
    assert.is_nil(port:take())
  end)

  it("leaves room for other requests, however many there are", function()
    local port = native.port(false)
    finally(function() port:close() end)
    local endpoint = assert(native.endpoint(server.base_url, server.tokens.alice, nil, false))
    for i = 1, 100 do
      port:watch(assert(native.request(endpoint, "watch_lock", nil, "watch/many/" .. i)), 30, 5)
    end
    local id = port:submit(assert(native.request(endpoint, "health", nil)), 5, 5)
    local deadline = native.now() + 5
    local answered, response
    repeat
      answered, response = port:take()
      socket.sleep(0.01)
    until answered or native.now() > deadline
    assert.are.equal(id, answered)
    assert.are.equal(200, response.status)
  end)
end)
