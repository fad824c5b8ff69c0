-- Scripts of faults as a spec writes them: which requests they take, in which order, what they refuse, the log.
-- May use: octostore.testing, spec.support.{expect,faulty}.

local expect = require "spec.support.expect"
local faulty = require "spec.support.faulty"
local testing = require "octostore.testing"

describe("a script of faults", function()
  local world, faults, client

  before_each(function()
    world = faulty.new { retry = false }
    faults, client = world.faults, world.client
  end)

  ---Of each call whether it succeeded: "+-+".
  local function pattern(count, call)
    local marks = {}
    for i = 1, count do
      marks[i] = (call or client.health)(client) and "+" or "-"
    end
    return table.concat(marks)
  end

  describe("takes", function()
    for name, case in pairs {
      ["the next request unless told otherwise"] = { function(rule) return rule end, "-+++" },
      ["the next three with times"] = { function(rule) return rule:times(3) end, "---+" },
      ["the n-th one with nth"] = { function(rule) return rule:nth(3) end, "++-+" },
      ["several from the n-th on with nth and times"] = { function(rule) return rule:nth(2):times(2) end, "+--+" },
      ["all of them with every"] = { function(rule) return rule:every() end, "----" },
      ["all from the n-th on with nth and every"] = { function(rule) return rule:nth(3):every() end, "++--" },
    } do
      it(name, function()
        case[1](faults:on "health"):refuse()
        assert.are.equal(case[2], pattern(4))
      end)
    end

    it("requests of every rule in the order of the rules", function()
      faults:on("health"):refuse()
      faults:on("health"):nth(3):status(503)
      faults:on("*"):every():html()
      local codes = {}
      for i = 1, 4 do
        codes[i] = select(2, client:health()).code
      end
      assert.are.same({ "connect_failed", "malformed_answer", "internal_error", "malformed_answer" }, codes)
    end)

    it("a standing rule's requests only when no rule with a count has them", function()
      faults:on("*"):every():refuse()
      faults:on("health"):delay_answer(1)
      assert.are.equal("+-", pattern(2))
    end)

    it("nothing after clear", function()
      faults:on("*"):every():refuse()
      assert.are.equal("-", pattern(1))
      faults:clear()
      assert.are.equal("+", pattern(1))
    end)
  end)

  describe("matches", function()
    local function hits(what)
      faults:on(what):every():refuse()
      local marks = {}
      for i, call in ipairs {
        function() return client:get_lock_status("a") end,
        function() return client:get_lock_status("a/b") end,
        function() return client:acquire_lock("a") end,
        function() return client:list_locks { prefix = "a" } end,
      } do
        marks[i] = call() and "+" or "-"
      end
      return table.concat(marks)
    end

    for what, expected in pairs {
      ["get_lock_status"] = "--++",
      ["*"] = "----",
      ["/locks/a"] = "-+++",
      ["/locks/*"] = "---+",
      ["/locks*"] = "----",
      ["/locks"] = "+++-",
      ["/locks/*/acquire"] = "++-+",
      ["POST /*"] = "++-+",
      ["GET /locks/a%2Fb"] = "+-++",
      ["DELETE /locks/*"] = "++++",
    } do
      it("by '" .. what .. "'", function()
        assert.are.equal(expected, hits(what))
      end)
    end

    it("by a function", function()
      assert.are.equal("++-+", hits(function(request)
        return request.body ~= nil and request.headers.Authorization == "Bearer alice-token"
      end))
    end)
  end)

  it("tells what was met and what was not", function()
    faults:on("health"):delay_request(0.5):drop_answer()
    faults:on("release_lock"):times(2):status(503)
    faults:on("/locks*"):every():html()
    assert.are.same({ "health: delay_request(0.5), drop_answer", "release_lock: status(503)", "/locks*: html(200)" },
      faults:unmet())
    client:health()
    client:release_lock("a", "11111111-2222-4333-8444-555555555555")
    client:list_locks()
    assert.are.same({ "release_lock: status(503)" }, faults:unmet())
    assert.are.same(
      { "health: delay_request(0.5), drop_answer", "release_lock: status(503)", "list_locks: html(200)" }, faults:log())
  end)

  describe("lets faults follow each other:", function()
    it("a request that arrives late and is answered late", function()
      faults:on("acquire_lock"):delay_request(2):delay_answer(3)
      local events = {}
      world.service:subscribe(function(event) events[#events + 1] = event.observed_at end)
      assert(client:acquire_lock("a"))
      assert.are.equal(5, world:elapsed())
      assert.are.same({ "2026-01-01T00:00:02Z" }, events)
    end)

    it("commit says where the service comes in", function()
      faults:on("acquire_lock"):commit():status(502)
      faults:on("acquire_lock"):status(502)
      assert.are.equal("--", pattern(2, function() return client:acquire_lock("jobs") end))
      assert.are.equal("held", world:status())
    end)

    it("a late request goes on through its faults without its client", function()
      faults:on("acquire_lock"):delay_request(7):commit():stall_answer()
      faults:on("acquire_lock"):delay_request(7):drop_request()
      for _, name in ipairs { "jobs", "others" } do
        expect.failure({ kind = "timeout" }, client:acquire_lock(name, { timeout = 5 }))
      end
      world.clock:advance(20)
      assert.are.same({ "held", "free" }, { world:status("jobs"), world:status("others") })
    end)

    it("a restart and the connection that dies with it", function()
      faults:on("health"):restart():reset()
      expect.failure({ code = "connection_lost" }, client:health())
      assert(client:health())
    end)

    it("but nothing comes after an end", function()
      expect.raises("nothing comes after refuse (got commit)", function() faults:on("health"):refuse():commit() end)
    end)
  end)

  describe("gives the client", function()
    local function error_of(fault, ...)
      local rule = faults:on "acquire_lock"
      rule[fault](rule, ...)
      return select(2, client:acquire_lock("jobs", { timeout = 2 }))
    end

    it("errors as a network makes them", function()
      assert.are.same({ "connect_failed", "none" }, { error_of("refuse").code, error_of("refuse").outcome })
      for _, fault in ipairs { "drop_request", "drop_answer", "reset" } do
        local err = error_of(fault)
        assert.are.same({ "network", "connection_lost", "unknown" }, { err.kind, err.code, err.outcome })
      end
      assert.are.same({ "timeout", "timeout" }, { error_of("stall_answer").kind, error_of("stall_request").code })
    end)

    it("the hints of a rate limit in body and header", function()
      assert.are.equal(1.5, error_of("status", 429, { retry_after = 1.5 }).retry_after)
      assert.is_nil(error_of("status", 429).retry_after)
      faults:on("health"):status(503, { bare = true, retry_after = 1.5 })
      local _, err = client:health()
      assert.are.same({ "http_error", 2 }, { err.code, err.retry_after })
    end)

    it("codes of one's own", function()
      faults:on("health"):status(409, { code = "capacity_exceeded" })
      assert.are.equal("capacity_exceeded", select(2, client:health()).code)
    end)

    it("answers that were edited, or replaced", function()
      faults:on("health"):edit_answer(function(answer) answer.body = answer.body:gsub("ok", "so-so") end)
      faults:on("health"):edit_answer(function() return { status = 200, headers = {}, body = '{"status":"new"}' } end)
      assert.are.equal("so-so", client:health().status)
      assert.are.equal("new", client:health().status)
    end)
  end)

  describe("lets a copy land", function()
    it("later, in virtual time", function()
      faults:on("acquire_lock"):duplicate_later(5)
      local lock = assert(client:acquire_lock("jobs"))
      assert(client:release_lock("jobs", lock.lease_id))
      world.clock:advance(4.9)
      assert.are.equal("free", world:status())
      world.clock:advance(0.1)
      assert.are.equal("held", world:status())
    end)

    it("at once, and answers with what it came to", function()
      local lock = assert(client:acquire_lock("jobs"))
      faults:on("release_lock"):duplicate()
      expect.failure({ kind = "lock_lost" }, client:release_lock("jobs", lock.lease_id))
    end)
  end)

  describe("refuses", function()
    local rule
    before_each(function() rule = faults:on "health" end)

    it("faults that there are not", function()
      expect.raises("on 'health': there is no fault 'drop_awnser'", function() rule:drop_awnser() end)
    end)

    it("operations that there are not", function()
      expect.raises("there is no operation 'relase_lock'", function() faults:on "relase_lock" end)
      expect.raises("on takes an operation, a path or a function (got nil)", function() faults:on() end)
    end)

    for name, case in pairs {
      ["a negative delay"] = {
        "on 'health': delay_answer takes a number of seconds of at least 0 (got -1)", "delay_answer", -1,
      },
      ["an infinite delay"] = { "delay_request takes a number of seconds", "delay_request", math.huge },
      ["a delay that is no number"] = { "duplicate_later takes a number of seconds", "duplicate_later", "1" },
      ["a count of nothing"] = { "times takes a count of at least 1 (got 0)", "times", 0 },
      ["half a count"] = { "times takes a count that is whole (got 1.5)", "times", 1.5 },
      ["a zeroth request"] = { "nth takes a number of at least 1 (got 0)", "nth", 0 },
      ["a status of success"] = { "status takes an HTTP status from 400 to 599 (got 200)", "status", 200 },
      ["options of status that there are not"] = { "(got body = 'x')", "status", 500, { body = "x" } },
      ["options of status in another form"] = { "status takes a table (got boolean)", "status", 500, true },
      ["a hint below 0"] = { "retry_after takes a number of seconds", "status", 500, { retry_after = -1 } },
      ["a page without a status"] = { "html takes an HTTP status from 200 to 599 (got 'x')", "html", "x" },
      ["garbage that is no text"] = { "garbage takes a string (got number)", "garbage", 7 },
      ["an edit that is no function"] = { "edit_answer takes a function (got nil)", "edit_answer" },
      ["a step to nowhere"] = { "clock_step takes a number of seconds", "clock_step", 0 / 0 },
      ["a restart that loses something else"] = { "restart loses nothing, 'leases' or 'everything'", "restart", "x" },
    } do
      it(name, function()
        expect.raises(case[1], function() rule[case[2]](rule, case[3], case[4]) end)
      end)
    end

    it("a driver with something else for a script", function()
      expect.raises("bad argument 'script' to 'driver'", function() testing.driver(world.service, world.clock, {}) end)
    end)

    it("a rule that says no fault, when it is met", function()
      assert.has_error(function() client:health() end, "faults: the rule for health says no fault")
    end)

    it("an edit that raises, in the background too", function()
      faults:on("renew_lock"):edit_answer(function() error("my own mistake", 0) end)
      local lock = assert(world.client:lock("jobs", { ttl = 10 }))
      assert.has_error(function() world.clock:advance(8) end, "my own mistake")
      assert.is_true(lock:held())
      world.clock:advance(1)
    end)

    it("an answer about no lease and no session for other_id", function()
      rule:other_id()
      assert.has_error(function() client:health() end, "faults: other_id: the answer has no lease_id or session_id")
    end)

    it("a stall without a timeout", function()
      rule:stall_answer()
      local driver = testing.driver(world.service, world.clock, faults)
      local request = { operation = "health", method = "GET", path = "/health", headers = {} }
      assert.has_error(function() driver:send(request) end,
        "faults: a stall ends with the timeout of the request, and this one has none")
    end)
  end)
end)
