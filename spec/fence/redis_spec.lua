-- The script of octostore.fence on a real Redis.
-- Uses: octostore.fence, redis-server.
-- Owner: the server is stopped at the end.

local fence = require "octostore.fence"
local redis = require "spec.support.redis"

describe("fence.redis.set", function()
  local server

  setup(function()
    server = redis.start()
  end)

  teardown(function()
    server:stop()
  end)

  before_each(function()
    assert(server:call("FLUSHALL"))
  end)

  local function set(token, value)
    return server:call("EVAL", fence.redis.set, 2, "report:{daily}", "fence:{daily}", token, value)
  end

  local function stored()
    return server:call("GET", "report:{daily}"), (server:call("GET", "fence:{daily}"))
  end

  it("writes newer tokens and the same one", function()
    for _, token in ipairs { 0, 1, 1, 9, 10, 2 ^ 53, "9007199254740993", "9223372036854775807" } do
      local text = assert(fence.tostring(token))
      assert.are.equal(1, set(text, "by " .. text))
      local value, highest = stored()
      assert.are.equal("by " .. text, value)
      assert.are.equal(text, highest)
    end
  end)

  for _, pair in ipairs {
    { "0", "1" },
    { "1", "2" },
    { "9", "10" },
    { "99", "100" },
    { "9007199254740992", "9007199254740993" },
    { "999999999999999999", "1000000000000000000" },
    { "9223372036854775806", "9223372036854775807" },
  } do
    it(("refuses %s after %s"):format(pair[1], pair[2]), function()
      assert.are.equal(1, set(pair[2], "new"))
      assert.are.equal(0, set(pair[1], "old"))
      local value, highest = stored()
      assert.are.equal("new", value)
      assert.are.equal(pair[2], highest)
    end)
  end

  it("refuses what is no token, and writes nothing", function()
    assert.are.equal(1, set("5", "new"))
    for _, token in ipairs { "", "-1", "01", "1.5", "1e3", "6 ", "6\n", "9223372036854775808", ("9"):rep(20) } do
      local answer, problem = set(token, "bad")
      assert.is_nil(answer)
      assert.is_truthy(problem:find("not a fencing token", 1, true), problem)
    end
    local value, highest = stored()
    assert.are.equal("new", value)
    assert.are.equal("5", highest)
  end)

  it("writes nothing when the fence holds something else", function()
    assert(server:call("SET", "fence:{daily}", "07"))
    local answer, problem = set("8", "bad")
    assert.is_nil(answer)
    assert.is_truthy(problem:find("not a fencing token", 1, true), problem)
    assert.is_nil((stored()))
  end)

  it("takes any bytes for a value", function()
    assert.are.equal(1, set("1", "a\r\n\0b"))
    assert.are.equal("a\r\n\0b", (stored()))
  end)
end)
