-- Errors that arise in Lua, and the constants that name their kinds.
-- Uses: octostore.errors.
-- Owner: nothing.

local errors = require "octostore.errors"

describe("errors", function()
  it("have the kinds that the documentation lists", function()
    local names = {}
    for constant, name in pairs(errors.kinds) do
      assert.are.equal(constant:lower(), name)
      names[#names + 1] = name
    end
    table.sort(names)
    assert.are.same({
      "authentication", "cancelled", "conflict", "forbidden", "limit", "lock_delayed", "lock_held", "lock_lost",
      "network", "not_found", "protocol", "rate_limited", "server", "session_expired", "timeout", "validation",
    }, names)
  end)

  it("name why a lock ended", function()
    assert.are.same({
      LOST = "lost", UNCERTAIN = "uncertain", RELEASED = "released",
      SESSION = "session", FORKED = "forked", MAX_HOLD = "max_hold",
    }, errors.reasons)
  end)

  it("are without effect and not worth a repeat unless they say otherwise", function()
    local err = errors.new("conflict", "some_code", "some words")
    assert.are.same(
      { kind = "conflict", code = "some_code", message = "some words", retryable = false, outcome = "none" },
      setmetatable(err, nil))
  end)

  it("carry further fields", function()
    local err = errors.new("lock_lost", "not_held", "gone", { reason = "lost", outcome = "unknown" })
    assert.are.equal("lost", err.reason)
    assert.are.equal("unknown", err.outcome)
  end)

  it("name the argument of a broken rule", function()
    local err = errors.validation("ttl", "ttl must be more")
    assert.are.equal("validation", err.kind)
    assert.are.equal("invalid_argument", err.code)
    assert.are.equal("ttl", err.argument)
  end)

  it("become one line of text with their kind", function()
    assert.are.equal("octostore: timeout: too late", tostring(errors.new("timeout", "timeout", "too late")))
  end)

  it("are told from other tables", function()
    assert.is_true(errors.is_error(errors.wrap({ kind = "server", message = "" })))
    assert.is_false(errors.is_error({ kind = "server", message = "" }))
    assert.is_false(errors.is_error("server"))
    assert.is_false(errors.is_error(nil))
  end)
end)
