-- Checks for options that are read in Lua.
-- Uses: octostore.options.
-- Owner: nothing.

local expect = require "spec.support.expect"
local options = require "octostore.options"

describe("options.check_type", function()
  it("takes nil and each type that it names", function()
    options.check_type("new", "driver", nil, "string", "table")
    options.check_type("new", "driver", "blocking", "string", "table")
    options.check_type("new", "driver", {}, "string", "table")
  end)

  it("raises for another type with function, argument and types, and no position of its own", function()
    local ok, problem = pcall(options.check_type, "new", "driver", 5, "string", "table")
    assert.is_false(ok)
    assert.are.equal("bad argument 'driver' to 'new' (string or table expected, got number)", problem)
  end)

  it("does not take false for nil", function()
    assert.is_false(pcall(options.check_type, "new", "token", false, "string"))
  end)
end)

describe("options.shown", function()
  it("makes one short line of any value", function()
    assert.are.equal("5", options.shown(5))
    assert.are.equal("a?b", options.shown("a\nb"))
    assert.are.equal(60, #options.shown(("x"):rep(500)))
  end)
end)

describe("options.unknown", function()
  it("is silent when every key is known", function()
    assert.is_nil(options.unknown("new", { token = "t" }, { token = { "string" }, timeout = { "number" } }))
  end)

  it("names the function and the key", function()
    expect.failure({ kind = "validation", code = "unknown_option", message = "new: unknown option 'tokn'" },
      nil, options.unknown("new", { tokn = "t" }, { token = true }))
  end)

  it("names keys that are not strings", function()
    local err = options.unknown("new", { "t" }, { token = true })
    assert.are.equal("new: unknown option '1'", err.message)
  end)

  it("keeps a hostile key to one short line", function()
    local err = options.unknown("new", { ["a\nb" .. ("x"):rep(500)] = 1 }, {})
    expect.failure({}, nil, err)
    assert.is_true(#err.message < 100)
  end)
end)

describe("options.check_number", function()
  it("takes numbers from the least on", function()
    assert.is_nil(options.check_number("new", "n", 1, 1))
    assert.is_nil(options.check_number("new", "n", 1e9, 1))
    assert.is_nil(options.check_number("new", "n", 0.001, 0, true))
  end)

  for _, value in ipairs { 0, -1, 0 / 0, 1 / 0, -1 / 0 } do
    it("refuses " .. tostring(value) .. " where more than 0 is asked for", function()
      expect.invalid("timeout", "must be more than 0", nil, options.check_number("new", "timeout", value, 0, true))
    end)
  end

  it("says what the least is when that is allowed itself", function()
    expect.invalid("attempts", "must be at least 1 (got 0)", nil, options.check_number("retry", "attempts", 0, 1))
  end)
end)

describe("options.blame", function()
  local function guarded(value)
    options.blame(2, options.check_type, "guarded", "value", value, "string")
  end

  it("gives the complaint the position of the caller", function()
    expect.wrong_type("value", "guarded", function() guarded(5) end)
  end)

  it("is silent when the check is", function()
    guarded("text")
  end)
end)
