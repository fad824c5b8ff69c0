-- Exact comparison of fencing tokens, and the guard in memory.
-- Uses: octostore.fence, ffi on LuaJIT.
-- Owner: nothing.

local expect = require "spec.support.expect"
local fence = require "octostore.fence"
local interpreter = require "spec.support.interpreter"

local MOST = "9223372036854775807"

---A literal that only LuaJIT can read.
local function int64(literal)
  return assert(loadstring("return " .. literal))() -- luacheck: ignore 113
end

---The forms that a token has in this Lua.
local function forms(text)
  local list = { text }
  local number = tonumber(text)
  if math.type and math.type(number) == "integer" then
    list[#list + 1] = number
  end
  if number <= 2 ^ 53 and ("%.0f"):format(number) == text then
    list[#list + 1] = number + 0.0
  end
  if interpreter.is_luajit then
    list[#list + 1] = int64(text .. "LL")
    list[#list + 1] = int64(text .. "ULL")
  end
  return list
end

-- In ascending order; neighbours that a double cannot tell apart among them.
local ASCENDING = {
  "0",
  "1",
  "9",
  "10",
  "4294967295",
  "4294967296",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "9007199254740994",
  "999999999999999999",
  "1000000000000000000",
  "9223372036854775806",
  MOST,
}

local function each_pair(visit)
  for i, first in ipairs(ASCENDING) do
    for j, second in ipairs(ASCENDING) do
      for _, a in ipairs(forms(first)) do
        for _, b in ipairs(forms(second)) do
          visit(i, j, a, b)
        end
      end
    end
  end
end

-- What is no token though its type could hold one, and what the complaint says.
local BAD = {
  { -1, "from 0 to " .. MOST },
  { 1.5, "got 1.5" },
  { 0 / 0, "whole number" },
  { 1 / 0, "got inf" },
  { -1 / 0, "got -inf" },
  { 2 ^ 54, "a float may have been rounded" },
  { 2 ^ 63, "a float may have been rounded" },
  { "", "whole number" },
  { "-1", "got -1" },
  { "+1", "got +1" },
  { "01", "without leading zeros" },
  { "00", "without leading zeros" },
  { "1.0", "got 1.0" },
  { "0x10", "got 0x10" },
  { " 1", "whole number" },
  { "1\n", "got 1?" },
  { "1\0", "got 1" },
  { "9223372036854775808", "from 0 to " .. MOST },
  { "10000000000000000000", "from 0 to " .. MOST },
  { ("9"):rep(500), "99" },
}
if interpreter.is_luajit then
  BAD[#BAD + 1] = { int64("-1LL"), "got -1" }
  BAD[#BAD + 1] = { int64("9223372036854775808ULL"), "got 9223372036854775808" }
end

describe("octostore.fence", function()
  it("loads no C module", function()
    local chunk = 'require "octostore.fence" io.write(tostring(package.loaded["octostore.native"]))'
    assert.are.equal("nil", interpreter.run(chunk))
  end)
end)

describe("fence.compare", function()
  it("orders every pair of tokens in every form", function()
    local pairs_seen = 0
    each_pair(function(i, j, a, b)
      pairs_seen = pairs_seen + 1
      local expected = i < j and -1 or i > j and 1 or 0
      local case = ("%s (%s), %s (%s)"):format(tostring(a), type(a), tostring(b), type(b))
      assert.are.equal(expected, fence.compare(a, b), case)
    end)
    assert.is_true(pairs_seen >= #ASCENDING * #ASCENDING)
  end)

  it("raises for what has no order, so that a condition cannot swallow it", function()
    for _, case in ipairs(BAD) do
      expect.raises(case[2], function() fence.compare(case[1], 1) end)
      expect.raises("bad argument 'b' to 'compare' (must be ", function() fence.compare(1, case[1]) end)
    end
  end)

  it("raises for other types, and names the argument", function()
    expect.wrong_type("a", "compare", function() fence.compare(nil, 1) end)
    expect.wrong_type("b", "compare", function() fence.compare(1, {}) end)
    expect.raises("fencing token expected, got boolean", function() fence.compare(true, 1) end)
  end)

  if interpreter.is_luajit then
    it("raises for cdata that is no 64-bit integer", function()
      local pointer = require("ffi").new("char[8]")
      expect.raises("fencing token expected, got cdata", function() fence.compare(pointer, 1) end)
    end)
  end
end)

describe("fence.is_newer", function()
  it("is true only for a later grant", function()
    each_pair(function(i, j, a, b)
      assert.are.equal(i > j, fence.is_newer(a, b))
    end)
  end)

  it("raises for what is no token", function()
    expect.wrong_type("a", "is_newer", function() fence.is_newer(nil, 1) end)
    expect.raises("bad argument 'b' to 'is_newer'", function() fence.is_newer(1, -1) end)
  end)
end)

describe("fence.tostring", function()
  it("gives one text for all forms of a token", function()
    for _, text in ipairs(ASCENDING) do
      for _, form in ipairs(forms(text)) do
        assert.are.equal(text, fence.tostring(form))
      end
    end
  end)

  it("takes a negative zero for 0", function()
    assert.are.equal("0", fence.tostring(-0.0))
  end)

  it("returns an error for what is no token", function()
    for _, case in ipairs(BAD) do
      local err = expect.invalid("token", case[2], fence.tostring(case[1]))
      assert.is_true(#err.message < 200)
    end
  end)

  it("raises for other types", function()
    expect.wrong_type("token", "tostring", function() fence.tostring() end)
    expect.wrong_type("token", "tostring", function() fence.tostring({}) end)
  end)
end)

describe("a guard", function()
  local guard

  before_each(function()
    guard = fence.guard()
  end)

  it("accepts the first token, the same again and newer ones", function()
    for _, token in ipairs { 0, 0, 5, "5", 6, "9007199254740992", "9007199254740993", MOST, MOST } do
      assert.is_true(guard:accept("reports", token))
    end
  end)

  it("refuses an older token, names both, and stays as it was", function()
    assert(guard:accept("reports", "9007199254740993"))
    local err = expect.failure({
      kind = "conflict",
      code = "stale_token",
      fencing_token = "9007199254740992",
      highest = "9007199254740993",
      retryable = false,
      outcome = "none",
    }, guard:accept("reports", 2 ^ 53))
    local words = "accept: fencing token 9007199254740992 is stale, 'reports' has accepted 9007199254740993"
    assert.are.equal(words, err.message)
    assert.are.equal("9007199254740993", guard:highest("reports"))
    assert.is_true(guard:accept("reports", "9007199254740993"))
  end)

  it("keeps resources apart, and guards too", function()
    assert(guard:accept("reports", 9))
    assert.is_true(guard:accept("orders", 3))
    assert.is_true(fence.guard():accept("reports", 3))
    assert.are.equal("9", guard:highest("reports"))
    assert.are.equal("3", guard:highest("orders"))
  end)

  it("knows no token of a resource that was never written, or is forgotten", function()
    assert.is_nil(guard:highest("reports"))
    assert(guard:accept("reports", 9))
    guard:forget("reports")
    guard:forget("never seen")
    assert.is_nil(guard:highest("reports"))
    assert.is_true(guard:accept("reports", 1))
  end)

  it("goes on after a restart from what it is told", function()
    assert(guard:accept("reports", 9))
    local restarted = fence.guard()
    assert(restarted:accept("reports", guard:highest("reports")))
    expect.failure({ code = "stale_token" }, restarted:accept("reports", 8))
  end)

  it("refuses what is no token, and stays as it was", function()
    assert(guard:accept("reports", 1))
    for _, case in ipairs(BAD) do
      expect.invalid("token", case[2], guard:accept("reports", case[1]))
    end
    assert.are.equal("1", guard:highest("reports"))
  end)

  it("raises for wrong types", function()
    expect.wrong_type("token", "accept", function() guard:accept("reports") end)
    expect.wrong_type("resource", "accept", function() guard:accept(nil, 1) end)
    expect.wrong_type("resource", "highest", function() guard:highest(1) end)
    expect.wrong_type("resource", "forget", function() guard:forget() end)
  end)

  it("keeps a resource with a hostile name to one short line", function()
    local resource = "a\n" .. ("x"):rep(1000)
    assert(guard:accept(resource, 2))
    local err = expect.failure({ code = "stale_token" }, guard:accept(resource, 1))
    assert.is_true(#err.message < 200)
  end)
end)
