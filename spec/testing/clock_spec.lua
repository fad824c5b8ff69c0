-- The clock that a spec turns.
-- May use: octostore.testing, spec.support.{expect,faulty}.

local expect = require "spec.support.expect"
local faulty = require "spec.support.faulty"
local octostore = require "octostore"
local testing = require "octostore.testing"

describe("octostore.testing.clock", function()
  it("starts at the same moment every time, or where it is told", function()
    assert.equal(1767225600, testing.clock():now())
    assert.equal(testing.clock():now(), testing.clock():now())
    assert.equal(12.5, testing.clock(12.5):now())
  end)

  it("moves by what it is turned, fractions and backward steps included", function()
    local clock = testing.clock(100)
    clock:advance(0.25)
    clock:advance(60)
    assert.equal(160.25, clock:now())
    clock:advance(-60)
    assert.equal(100.25, clock:now())
  end)

  it("stops at the moments of its agents, in their order, and not twice at the same", function()
    local clock = testing.clock(100)
    local woken = {}
    local function agent(name, moments)
      clock:attach {
        next_wake = function() return moments[1] end,
        wake = function()
          table.insert(woken, name .. clock:now())
          table.remove(moments, 1)
        end,
      }
    end
    agent("a", { 103, 104, 112 })
    agent("b", { 99, 103.5 })
    clock:advance(10)
    assert.same({ "b100", "a103", "b103.5", "a104" }, woken)
    assert.equal(110, clock:now())
  end)

  it("lets an agent turn it, and wakes the others meanwhile", function()
    local clock = testing.clock(0)
    local slow, quick = { 1 }, { 2 }
    local woken = {}
    clock:attach {
      next_wake = function() return slow[1] end,
      wake = function()
        clock:advance(3)
        slow[1] = nil
      end,
    }
    clock:attach {
      next_wake = function() return quick[1] end,
      wake = function()
        table.insert(woken, clock:now())
        quick[1] = nil
      end,
    }
    clock:advance(2.5)
    assert.same({ 2 }, woken)
    assert.equal(4, clock:now())
  end)

  it("shares nothing with another clock", function()
    local one, two = testing.clock(1), testing.clock(1)
    one:advance(5)
    assert.equal(1, two:now())
  end)
end)

describe("a moment of the testing clock", function()
  local clock, order

  before_each(function()
    clock, order = testing.clock(100), {}
  end)

  local function note(name)
    return function() order[#order + 1] = name .. " " .. clock:now() end
  end

  it("runs what was put down for a moment, in the order of the moments", function()
    clock:at(103, note "c")
    clock:at(101, note "a")
    clock:at(103, note "d")
    clock:at(102, note "b")
    clock:at(110, note "never")
    clock:advance(2)
    clock:advance(3)
    assert.are.same({ "a 101", "b 102", "c 103", "d 103" }, order)
    assert.are.equal(105, clock:now())
  end)

  it("runs what belongs to the past at the next turn", function()
    clock:at(50, note "past")
    assert.are.same({}, order)
    clock:advance(0)
    assert.are.same({ "past 100" }, order)
  end)

  it("may be turned and given more by what it runs", function()
    clock:at(101, function()
      note "first" ()
      clock:at(102, note "second")
      clock:advance(5)
    end)
    clock:advance(2)
    assert.are.same({ "first 101", "second 102" }, order)
    assert.are.equal(106, clock:now())
  end)

  it("runs backwards when told to, and then nothing else", function()
    clock:at(99, note "no")
    clock:advance(-5)
    assert.are.same({}, order)
    assert.are.equal(95, clock:now())
  end)

  it("ends a wait of the driver when that is cancelled", function()
    local cancel = octostore.cancellation()
    clock:at(101.5, function() cancel:cancel() end)
    testing.driver(testing.service(), clock):sleep(10, cancel)
    assert.are.equal(101.5, clock:now())
  end)

  it("is a number, and something happens at it", function()
    expect.raises("bad argument 'time' to 'at'", function() clock:at("101", note "x") end)
    expect.raises("bad argument 'time' to 'at'", function() clock:at(0 / 0, note "x") end)
    expect.raises("bad argument 'fn' to 'at' (function expected, got nil)", function() clock:at(101) end)
  end)

  it("lets another worker in while a client waits", function()
    local world = faulty.new()
    local theirs = assert(world:client_of("bob-token"):lock("jobs", { ttl = 60 }))
    world.clock:at(world.start + 7, function() assert(theirs:release()) end)
    assert(world.client:lock("jobs", { ttl = 60, wait = 30 }))
    assert.is_true(world:elapsed() >= 7 and world:elapsed() < 9, world:elapsed())
  end)
end)
