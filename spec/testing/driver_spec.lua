-- The driver between a client and the service: what it hands over, and whose time it counts.
-- May use: octostore.testing.

local testing = require "octostore.testing"

describe("octostore.testing.driver", function()
  local service, clock, driver

  before_each(function()
    service, clock = testing.service(), testing.clock()
    driver = testing.driver(service, clock)
  end)

  local function request(method, path, body)
    local headers = { ["content-type"] = "application/json", authorization = "Bearer test-token" }
    return { method = method, path = path, headers = headers, body = body }
  end

  it("answers with the service's response at the clock's time", function()
    local response = driver:send(request("POST", "/locks/a/acquire", '{"ttl_seconds":60}'))
    assert.equal(200, response.status)
    assert.matches('"expires_at":"2026-01-01T00:01:00Z"', response.body, 1, true)
  end)

  it("indexes the request and nothing else, as it may be userdata", function()
    local fields = request("GET", "/locks/a")
    local opaque = setmetatable({}, {
      __index = fields,
      __pairs = function()
        error "a request cannot be iterated"
      end,
    })
    assert.equal(200, driver:send(opaque).status)
  end)

  it("sees a lease expire while it sleeps", function()
    driver:send(request("POST", "/locks/a/acquire", '{"ttl_seconds":7}'))
    assert.matches('"status":"held"', driver:send(request("GET", "/locks/a")).body, 1, true)
    driver:sleep(7.5)
    assert.matches('"status":"free"', driver:send(request("GET", "/locks/a")).body, 1, true)
  end)

  it("tells the clock's time", function()
    driver:sleep(1.5)
    assert.equal(clock:now(), driver:now())
    assert.equal(testing.clock():now() + 1.5, driver:now())
  end)

  it("lets two drivers of one service see the same locks", function()
    driver:send(request("POST", "/locks/a/acquire", "{}"))
    local other = testing.driver(service, clock)
    assert.matches('"status":"held"', other:send(request("GET", "/locks/a")).body, 1, true)
  end)

  it("can be closed more than once", function()
    driver:close()
    driver:close()
  end)
end)
