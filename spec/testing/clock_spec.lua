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

  it("shares nothing with another clock", function()
    local one, two = testing.clock(1), testing.clock(1)
    one:advance(5)
    assert.equal(1, two:now())
  end)
end)
