-- The story that fencing is for: a writer sleeps through the end of its lock and writes all the same.
-- Uses: octostore, its testing kit with a virtual clock, SQLite, Redis.
-- Owner: the databases are closed and removed after each spec.

local expect = require "spec.support.expect"
local fence = require "octostore.fence"
local octostore = require "octostore"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local sqlite = require "spec.support.sqlite"
local testing = require "octostore.testing"

-- The second starts where doubles end: the tokens of A and B are then the same number to whoever rounds.
for _, first_token in ipairs { "1", "9007199254740992", "9223372036854775806" } do
  describe("a writer that was paused beyond its lease, with token " .. first_token, function()
    local clock, a, b

    before_each(function()
      clock = testing.clock()
      local service = testing.service {
        users = { { name = "a", token = "token-a" }, { name = "b", token = "token-b" } },
        first_fencing_token = first_token,
      }
      local function worker(token)
        local driver = testing.driver(service, clock)
        return assert(octostore.new { base_url = "http://localhost", token = token, driver = driver }), driver
      end
      local client, driver = worker("token-a")
      a = assert(client:lock("reports/daily", { ttl = 10 }))
      assert.is_true(a:held()) -- A asks, is told yes, and is paused before it writes
      driver:pause()
      clock:advance(70)
      b = assert(worker("token-b"):lock("reports/daily", { ttl = 10 }))
    end)

    it("has an older token than its successor", function()
      assert.are.equal(first_token, fence.tostring(a.fencing_token))
      assert.is_true(fence.is_newer(b.fencing_token, a.fencing_token))
    end)

    it("is refused by a guard", function()
      local guard = fence.guard()
      assert.is_true(guard:accept("daily", b.fencing_token))
      expect.failure({ code = "stale_token" }, guard:accept("daily", a.fencing_token))
      assert.is_true(guard:accept("daily", b.fencing_token))
    end)

    it("is refused by SQLite", function()
      local directory = process.tmpdir()
      finally(function()
        process.remove_tmpdir(directory)
      end)
      local text = fence.sql.update { table = "reports", key = "name", columns = { "body" } }
      local of_a, of_b = sqlite.open(directory .. "/reports.db"), sqlite.open(directory .. "/reports.db")
      local function write(db, lock, body)
        local token = assert(fence.tostring(lock.fencing_token))
        return sqlite.execute(db, text, body, token, "daily", token)
      end
      sqlite.execute(of_a, sqlite.SCHEMA)
      sqlite.execute(of_a, "INSERT INTO reports (name) VALUES ('daily')")
      assert.are.equal(1, write(of_b, b, "by B"))
      assert.are.equal(0, write(of_a, a, "by A"))
      local body, token = sqlite.report(of_a, "daily")
      assert.are.equal("by B", body)
      assert.are.equal(fence.tostring(b.fencing_token), token)
      assert.are.equal(1, write(of_b, b, "by B, again"))
      of_a:close()
      of_b:close()
    end)

    it("is refused by Redis", function()
      local server = redis.start()
      finally(function()
        server:stop()
      end)
      local function write(lock, body)
        local token = assert(fence.tostring(lock.fencing_token))
        return server:call("EVAL", fence.redis.set, 2, "report:{daily}", "fence:{daily}", token, body)
      end
      assert.are.equal(1, write(b, "by B"))
      assert.are.equal(0, write(a, "by A"))
      assert.are.equal("by B", server:call("GET", "report:{daily}"))
    end)
  end)
end
