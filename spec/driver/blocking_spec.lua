-- The blocking driver by itself: what it hands back, and its life cycle.
-- Uses: the fault server; the specs in spec/transport have the faults.
-- Owner: the server is stopped at the end.

local blocking = require "octostore.driver.blocking"
local cancellation = require "octostore.cancellation"
local fault_server = require "spec.support.fault_server"
local native = require "octostore.native"

local TIMEOUT = 5

describe("the blocking driver", function()
  local server, driver

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)
  before_each(function() driver = blocking.new { secure = false } end)
  after_each(function() driver:close() end)

  local function request(behaviour, operation)
    local endpoint = assert(native.endpoint(server:url(behaviour), "token", nil, false))
    return assert(native.request(endpoint, operation or "health", nil, "jobs"))
  end

  it("answers status, body and the headers that matter", function()
    local response = assert(driver:send(request("good"), TIMEOUT, TIMEOUT))
    assert.are.equal(200, response.status)
    assert.are.equal('{"status":"ok","storage":"wal","db_size_bytes":1}', response.body)
    assert.are.same({ ["x-request-id"] = "req_fault" }, response.headers)
    assert.is_false(response.repeated)
  end)

  it("hands on the hint of a server that is busy", function()
    local response = assert(driver:send(request("busy"), TIMEOUT, TIMEOUT))
    assert.are.equal(503, response.status)
    assert.are.equal("60", response.headers["retry-after"])
  end)

  it("keeps an answer until the next request, and never takes it for the answer to another one", function()
    local first, second = request("good"), request("good")
    local response = assert(driver:send(first, TIMEOUT, TIMEOUT))
    assert.is_false(pcall(native.parse, second, response))
    assert.are.equal("ok", assert(native.parse(first, response)).status)
    assert(driver:send(second, TIMEOUT, TIMEOUT))
    assert.is_false(pcall(native.parse, first, response))
  end)

  it("says when the request was sent twice", function()
    local endpoint = assert(native.endpoint(server:url("close-second"), "token", nil, false))
    local again = assert(native.request(endpoint, "health", nil))
    assert.is_false(assert(driver:send(again, TIMEOUT, TIMEOUT)).repeated)
    assert.is_true(assert(driver:send(again, TIMEOUT, TIMEOUT)).repeated)
  end)

  it("can send after an exchange that was cancelled", function()
    local cancel = cancellation.new()
    cancel:cancel("stop")
    local response, err = driver:send(request("stall-headers"), TIMEOUT, TIMEOUT, cancel)
    assert.is_nil(response)
    assert.are.equal("cancelled", err.kind)
    assert(driver:send(request("good"), TIMEOUT, TIMEOUT))
  end)

  it("sleeps for as long as it is told", function()
    local before = native.now()
    driver:sleep(0.12)
    local took = native.now() - before
    assert.is_true(took >= 0.12 and took < 0.3)
  end)

  it("does not sleep once it is cancelled", function()
    local cancel = cancellation.new()
    cancel:cancel()
    local before = native.now()
    driver:sleep(10, cancel)
    assert.is_true(native.now() - before < 1)
  end)

  it("can be closed again", function()
    driver:close()
    driver:close()
  end)

  it("raises when it is used after that", function()
    driver:close()
    local ok, problem = pcall(driver.send, driver, request("good"), TIMEOUT, TIMEOUT)
    assert.is_false(ok)
    assert.is_truthy(tostring(problem):find("the transport is closed", 1, true))
  end)

  it("can be collected in the middle of an exchange", function()
    local transport = native.transport(false, nil, nil)
    assert.is_nil(native.start(transport, request("stall-headers"), TIMEOUT, TIMEOUT, 0.01))
    assert.is_nil(native.step(transport, 0.01))
    transport = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
  end)
end)
