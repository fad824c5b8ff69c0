-- The flag that one part of a program sets and calls in flight watch; exchange_spec shows what it ends.
-- Uses: octostore.cancellation.
-- Owner: nothing.

local cancellation = require "octostore.cancellation"
local expect = require "spec.support.expect"

describe("a cancellation", function()
  it("starts unset", function()
    local cancel = cancellation.new()
    assert.is_false(cancel:cancelled())
    assert.is_nil(cancel:reason())
  end)

  it("is set with a reason", function()
    local cancel = cancellation.new()
    cancel:cancel("shutting down")
    assert.is_true(cancel:cancelled())
    assert.are.equal("shutting down", cancel:reason())
  end)

  it("needs no reason", function()
    local cancel = cancellation.new()
    cancel:cancel()
    assert.is_true(cancel:cancelled())
    assert.is_nil(cancel:reason())
  end)

  it("keeps its first reason", function()
    local cancel = cancellation.new()
    cancel:cancel("first")
    cancel:cancel("second")
    assert.are.equal("first", cancel:reason())
  end)

  it("raises for a reason that is not a string", function()
    local cancel = cancellation.new()
    expect.wrong_type("reason", "cancel", function() cancel:cancel({}) end)
    assert.is_false(cancel:cancelled())
  end)

  it("is told from other tables", function()
    assert.is_true(cancellation.is(cancellation.new()))
    assert.is_false(cancellation.is({}))
    assert.is_false(cancellation.is(true))
  end)
end)
