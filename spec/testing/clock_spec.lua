-- The clock that a spec turns.
-- May use: octostore.testing.

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
