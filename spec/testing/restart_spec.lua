-- The service's own faults: a clock that is stepped, a restart that finds everything again or not.
-- May use: octostore.testing, spec.support.{expect,in_process}.

local expect = require "spec.support.expect"
local in_process = require "spec.support.in_process"

describe("the service of octostore.testing", function()
  local world

  before_each(function() world = in_process.new() end)

  it("steps its clock alone", function()
    local lock = world:acquire("a")
    world.service:step_clock(30)
    assert.are.equal(lock.expires_at, world:status("a").expires_at)
    assert.are.equal("held", world:status("a").status)
    world.service:step_clock(31)
    assert.are.equal("free", world:status("a").status)
    world.service:step_clock(-31)
    assert.are.equal("2026-01-01T00:01:30Z", world:acquire("b").expires_at)
  end)

  it("steps its clock by a number", function()
    expect.raises("bad argument 'seconds' to 'step_clock'", function() world.service:step_clock("60") end)
  end)

  it("sweeps every five seconds of a clock that does not jump", function()
    local expired = 0
    world.service:subscribe(function(event) expired = expired + (event.event == "expired" and 1 or 0) end)
    world:acquire("a")
    world.service:step_clock(3600)
    world:status("b")
    assert.are.equal(0, expired)
    world.clock:advance(5)
    world:status("b")
    assert.are.equal(1, expired)
  end)

  local function restarted(lost)
    local seen = {}
    world.service:subscribe(function(event) seen[#seen + 1] = event.event end)
    local session = world:request("POST", "/sessions", { ttl_seconds = 60 }).json.session_id
    world:acquire("a")
    local token = world:request("POST", "/auth/token/rotate", nil, "bob-token").json.token
    world.service:restart(lost)
    local result = {
      lock = world:status("a").status,
      session = world:request("GET", "/sessions/" .. session).status,
      rotated = world:request("GET", "/locks", nil, token).status,
      next_token = world:acquire("b").fencing_token,
    }
    assert.are.same({ "acquired", "acquired" }, seen)
    assert.are.equal(1, world:request("GET", "/status").json.total_acquires)
    return result
  end

  it("restarts and finds everything again", function()
    assert.are.same({ lock = "held", session = 200, rotated = 200, next_token = 2 }, restarted())
  end)

  it("restarts without its leases", function()
    assert.are.same({ lock = "free", session = 404, rotated = 200, next_token = 2 }, restarted("leases"))
  end)

  it("restarts on a new database", function()
    assert.are.same({ lock = "free", session = 404, rotated = 401, next_token = 1 }, restarted("everything"))
  end)

  it("refuses to lose anything else", function()
    expect.raises("restart loses nothing", function() world.service:restart("locks") end)
  end)
end)
