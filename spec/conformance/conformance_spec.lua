-- The conformance cases against our service, in process and over HTTP, and against the real server.
-- Uses: spec.conformance.runner, spec.conformance.worlds; OCTOSTORE_REQUIRE_REAL=1 makes the real server compulsory,
-- OCTOSTORE_CONFORMANCE_ONLY=PATTERN takes the cases whose names match. Owner: this spec stops all that it started.

local runner = require "spec.conformance.runner"
local servers = require "spec.support.servers"
local worlds = require "spec.conformance.worlds"

local binary, reason = servers.real_available()
local required = os.getenv("OCTOSTORE_REQUIRE_REAL") == "1"

local function selected()
  local pattern, cases = os.getenv("OCTOSTORE_CONFORMANCE_ONLY"), {}
  for _, case in ipairs(runner.cases()) do
    if not pattern or case.full_name:find(pattern) then cases[#cases + 1] = case end
  end
  return cases
end

local function chosen_worlds()
  local list = { worlds.in_process(), worlds.embedded() }
  if binary then table.insert(list, 1, worlds.real()) end
  return list
end

describe("conformance", function()
  local cases, list = selected(), chosen_worlds()
  local reference = list[1]
  local agreeing, results = {}, nil

  setup(function() results = runner.run(list, cases) end)

  teardown(function()
    for _, world in ipairs(list) do
      world:stop()
      local count = agreeing[world] or 0
      local share = count < #cases and (" of " .. #cases) or ""
      io.write(("conformance: %s: %d%s cases agree\n"):format(world.name, count, share))
    end
    if not binary then io.write("conformance: the real server was left out: ", reason, "\n") end
  end)

  it("has its real server", function()
    if required then assert(binary, reason) end
  end)

  it("has 120 cases at least", function()
    assert.is_true(#runner.cases() >= 120)
  end)

  for _, world in ipairs(list) do
    describe("of the " .. world.name, function()
      for _, case in ipairs(cases) do
        it(case.full_name, function()
          local verdict = runner.verdict(results[world], world ~= reference and results[reference] or nil, case)
          if verdict then error(verdict, 0) end
          agreeing[world] = (agreeing[world] or 0) + 1
        end)
      end
    end)
  end
end)
