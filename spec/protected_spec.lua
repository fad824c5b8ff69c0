-- Protected calls of functions that may yield.
-- Uses: octostore.protected; on PUC 5.1 it works by other means than elsewhere, to the same effect.
-- Owner: nothing.

local protected = require "octostore.protected"

local function same(problem)
  return problem
end

describe("a protected call", function()
  ---Runs it outside of any coroutine, or in one of its own.
  local function in_thread(run)
    local results
    assert(coroutine.resume(coroutine.create(function() results = { run() } end)))
    return (table.unpack or unpack)(results, 1, 4)
  end

  local function directly(run)
    return run()
  end

  for name, place in pairs { ["outside of coroutines"] = directly, ["in a coroutine"] = in_thread } do
    describe(name, function()
      it("returns what the function returns, nils included", function()
        local function run() return protected.xpcall(function() return 1, nil, 3 end, same) end
        local ok, a, b, c = place(run)
        assert.is_true(ok)
        assert.are.same({ 1, nil, 3 }, { a, b, c })
      end)

      it("returns what the function raises, as it is", function()
        local problem = {}
        local ok, raised = place(function() return protected.xpcall(function() error(problem) end, same) end)
        assert.is_false(ok)
        assert.are.equal(problem, raised)
      end)

      it("lets the handler see the stack of the error", function()
        local function handler(problem, thread)
          return thread and debug.traceback(thread, problem) or debug.traceback(problem)
        end
        local _, raised = place(function()
          return protected.xpcall(function()
            local function where_it_happened() error("oops") end
            where_it_happened()
          end, handler)
        end)
        assert.is_truthy(raised:find("oops", 1, true))
        assert.is_truthy(raised:find("where_it_happened", 1, true))
      end)
    end)
  end

  it("lets the function yield and be resumed with values", function()
    local thread = coroutine.create(function()
      return protected.xpcall(function()
        local got = coroutine.yield("first")
        local more = coroutine.yield(got .. "!")
        return "done with " .. more
      end, same)
    end)
    assert.are.same({ true, "first" }, { coroutine.resume(thread) })
    assert.are.same({ true, "second!" }, { coroutine.resume(thread, "second") })
    assert.are.same({ true, true, "done with third" }, { coroutine.resume(thread, "third") })
  end)

  it("catches what the function raises after it has yielded", function()
    local thread = coroutine.create(function()
      return protected.xpcall(function()
        coroutine.yield()
        error("late", 0)
      end, same)
    end)
    assert(coroutine.resume(thread))
    assert.are.same({ true, false, "late" }, { coroutine.resume(thread) })
  end)
end)
