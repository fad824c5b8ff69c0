-- The chaos run in short, and the checker that judges it.
-- Uses: the real server behind toxiproxy, several processes. `make chaos` is the long form.
-- Owner: a run ends what it starts.

local checker = require "spec.chaos.checker"
local proxies = require "spec.chaos.proxies"
local servers = require "spec.support.servers"

local REQUIRED = os.getenv("CI") == "true" or os.getenv("OCTOSTORE_REQUIRE_REAL") == "1"

local function violations_of(lines, counters)
  return (checker.check(lines, counters or {}))
end

describe("the checker of a history", function()
  local GOOD = {
    "A 10.0 1:1 a 5 lease-1", "S 10.1 10.1 1:1", "S 10.2 10.2 1:1", "U 10.3 a 1", "E 10.4 1:1 released 0",
    "A 11.0 2:1 a 6 lease-2", "S 11.1 11.1 2:1", "U 11.2 a 2", "E 11.3 2:1 uncertain 1",
    "A 10.0 3:1 b 7 lease-3", "S 10.1 10.1 3:1", "S 10.1", -- the last one was killed
  }

  it("finds nothing in a good one", function()
    local violations, summary = checker.check(GOOD, { a = 2 })
    assert.are.same({}, violations)
    assert.are.equal(3, summary.acquisitions)
    assert.are.equal(1, checker.recovery(summary.handles, 10.0, { "a" }))
    assert.is_nil(checker.recovery(summary.handles, 10.0, { "a", "b" }))
  end)

  for words, lines in pairs {
    ["two inside of a"] = { "S 11.15 11.15 1:1" },
    ["tokens of a do not rise"] = { "A 12.0 4:1 a 6 lease-4" },
    ["one lease belonged to 1:1 and to 4:1"] = { "A 12.0 4:1 a 9 lease-1" },
    ["1:1 ended 2 times"] = { "E 12.0 1:1 released 0" },
    ["4:1 ended as 'none'"] = { "A 12.0 4:1 a 9 lease-4", "E 12.1 4:1 none 0" },
    ["4:1 was lost and told so 2 times"] = { "A 12.0 4:1 a 9 lease-4", "E 12.1 4:1 lost 2" },
    ["an update of a was lost: 2 was written twice"] = { "U 12.0 a 2" },
    ["updates of a were lost: 3 writes, the counter is at 2"] = { "U 12.0 a 3" },
    ["that had ended as lost became held"] = { "X 12.0 a held lost" },
  } do
    it("finds: " .. words, function()
      local all = {}
      for _, list in ipairs { GOOD, lines } do
        for _, line in ipairs(list) do
          all[#all + 1] = line
        end
      end
      local violations = violations_of(all, { a = 2 })
      assert.are.equal(1, #violations, table.concat(violations, "; "))
      assert.is_truthy(violations[1]:find(words, 1, true), violations[1])
    end)
  end
end)

-- Processes are what it is about, not interpreters: one Lua is enough.
if _VERSION == "Lua 5.4" then
  local possible = servers.real_available() and proxies.available()
  if not possible and not REQUIRED then
    print("chaos: left out, it needs the real server and toxiproxy")
    return
  end

  describe("chaos", function()
    local run = require "spec.chaos.run"

    it("violates nothing", function()
      local result = run.chaos { seconds = 14, processes = 6, seed = os.time() }
      assert.are.same({}, result.violations)
      assert.are.equal("", result.log)
      assert.is_true(result.acquisitions > 30, result.acquisitions .. " acquisitions")
      assert.is_not_nil(result.recovery)
    end)

    it("is seen to be violated with plain token scope", function()
      assert.is_true(#run.chaos({ seconds = 2, processes = 4, sabotage = "token", seed = 1 }).violations > 0)
    end)

    it("is seen to be violated by authority that counts from the answer", function()
      local options = { seconds = 10, processes = 8, sabotage = "response", weather = "drizzle" }
      local result = run.chaos(options)
      assert.is_true(#result.violations > 0)
      options.sabotage = "none"
      assert.are.same({}, run.chaos(options).violations)
    end)
  end)
end
