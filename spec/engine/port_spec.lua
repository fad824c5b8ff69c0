-- Ports: exchanges that the engine carries, and the queue of their completions.
-- Uses: the fault server; LuaSocket's select for the descriptor.
-- Owner: the server is stopped, ports are closed.

local fault_server = require "spec.support.fault_server"
local fork = require "spec.support.fork"
local interpreter = require "spec.support.interpreter"
local native = require "octostore.native"
local process = require "spec.support.process"
local socket = require "socket"

describe("a port", function()
  local server, port

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)
  before_each(function() port = native.port(false) end)
  after_each(function() port:close() end)

  local function request(behaviour, operation)
    local endpoint = assert(native.endpoint(server:url(behaviour), "token", nil, false))
    return assert(native.request(endpoint, operation or "health", nil, "jobs"))
  end

  ---Whether the descriptor turns readable within so many seconds.
  local function is_readable(seconds)
    local descriptor = port:descriptor()
    local ready = socket.select({ { getfd = function() return descriptor end, dirty = function() return false end } },
      nil, seconds)
    return #ready == 1
  end

  ---The next completion: id, response, error.
  local function next_completion()
    assert.is_true(is_readable(5), "nothing has completed")
    return port:take()
  end

  it("hands back an answer under the id of its exchange", function()
    assert.is_nil(port:take())
    assert.is_false(is_readable(0))
    local asked = request("good")
    local id = port:submit(asked, 5, 5)
    local answered, response = next_completion()
    assert.are.equal(id, answered)
    assert.are.equal(200, response.status)
    assert.are.same({ ["x-request-id"] = "req_fault" }, response.headers)
    assert.is_false(response.repeated)
    assert.are.equal("ok", native.parse(asked, response).status)
    assert.is_nil(port:take())
    assert.is_false(is_readable(0))
  end)

  it("carries many at a time, each for itself", function()
    local stalled = port:submit(request("stall-headers"), 30, 5)
    local wanted, seen = {}, {}
    for _ = 1, 100 do
      wanted[port:submit(request("good"), 5, 5)] = true
    end
    for _ = 1, 100 do
      local id, response = next_completion()
      assert.are.equal(200, response.status)
      seen[id] = true
    end
    assert.are.same(wanted, seen)
    assert.is_nil(seen[stalled])
  end)

  it("tells what went wrong in the words of the blocking driver", function()
    port:submit(request("stall-headers"), 0.1, 5)
    local _, response, err = next_completion()
    assert.is_nil(response)
    assert.are.equal("timeout", err.kind)
    assert.are.equal("health", err.operation)
    port:submit(request("stall-headers", "acquire_lock"), 0.1, 5)
    _, _, err = next_completion()
    assert.are.equal("unknown", err.outcome)
    local nobody = assert(native.endpoint("http://127.0.0.1:1", "token", nil, false))
    port:submit(assert(native.request(nobody, "acquire_lock", nil, "jobs")), 5, 5)
    _, _, err = next_completion()
    assert.are.equal("network", err.kind)
    assert.are.equal("connect_failed", err.code)
    assert.are.equal("none", err.outcome)
  end)

  it("ends an exchange that is cancelled, and no other", function()
    local url, path = server:url("stall-headers")
    local endpoint = assert(native.endpoint(url, "token", nil, false))
    local first = port:submit(assert(native.request(endpoint, "release_lock", nil, "jobs",
      "11111111-2222-4333-8444-555555555555")), 30, 5)
    server:wait_for_request(path)
    local second = port:submit(request("good"), 5, 5)
    assert.are.equal(second, (next_completion()))
    port:cancel(first)
    port:cancel(first)
    port:cancel(12345)
    local id, response, err = next_completion()
    assert.are.equal(first, id)
    assert.is_nil(response)
    assert.are.equal("cancelled", err.kind)
    assert.are.equal("unknown", err.outcome)
    assert.is_nil(port:take())
  end)

  it("can be closed with exchanges under way, and raises afterwards", function()
    port:submit(request("stall-headers"), 30, 5)
    port:submit(request("good"), 30, 5)
    port:close()
    port:close()
    assert.has_error(function() port:take() end, "the port is closed")
    assert.has_error(function() port:submit(request("good"), 5, 5) end, "the port is closed")
  end)

  it("is collected with exchanges under way", function()
    for _ = 1, 20 do
      native.port(false):submit(request("stall-headers"), 30, 5)
    end
    collectgarbage()
    collectgarbage()
    port:submit(request("good"), 5, 5)
    assert.are.equal(200, select(2, next_completion()).status)
  end)

  it("belongs to the process that opened it", function()
    local directory = process.tmpdir()
    finally(function() process.remove_tmpdir(directory) end)
    assert.matches("^child false .*parent process\nparent true$", interpreter.run(fork.prelude(directory) .. [[
      local native = require "octostore.native"
      local port = native.port(false)
      local pid = fork.fork()
      if pid == 0 then
        io.write("child ", tostring(pcall(port.take, port)), " ", select(2, pcall(port.take, port)), "\n")
        io.flush()
        port:close()
        os.exit(0)
      end
      fork.wait(pid)
      io.write("parent ", tostring((pcall(port.take, port))))
    ]], { ASAN_OPTIONS = "detect_leaks=0" }))
  end)
end)
