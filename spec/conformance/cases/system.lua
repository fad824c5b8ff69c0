-- Conformance cases: health, status and what only an administrator may see.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: nobody; these answers are about the whole server, so transcripts keep their shape alone.

local assert = require "luassert"
local step = require "spec.conformance.step"

local SERIES = "/admin/metrics/timeseries"

local function for_admin(path)
  return {
    step.answers(path .. " with the key", "GET", path, { admin = true, shape = true }, 200),
    step.fails(path .. " without anything", "GET", path, { no_auth = true }, 401, "authentication_required"),
    step.fails(path .. " with a user's token", "GET", path, {}, 403, "forbidden"),
    step.fails(path .. " with a wrong key", "GET", path,
      { no_auth = true, headers = { ["X-OctoStore-Admin-Key"] = "wrong" } }, 401, "authentication_required"),
  }
end

local function series(window)
  return step.answers("a time series of " .. window, "GET", SERIES .. "?window=" .. window,
    { admin = true, shape = true }, 200, function(response) assert.are.equal(window, response.json.window) end)
end

return step.join(
  {
    step.answers("health", "GET", "/health", {}, 200, function(response)
      assert.are.equal("ok", response.json.status)
      assert.are.equal("number", type(response.json.db_size_bytes))
    end),
    step.answers("status", "GET", "/status", { shape = true }, 200, function(response)
      assert.are.equal("ok", response.json.status)
    end),
    {
      name = "status counts",
      run = function(t)
        local function counters() return t:ok(t:request("GET", "/status", { quiet = true })).json end
        local before = counters()
        local name = t:unique("counted")
        local lease = t:lease(name)
        assert.are.equal(before.active_locks + 1, counters().active_locks)
        assert.are.equal(before.total_acquires + 1, counters().total_acquires)
        t:ok(t:release(name, lease.lease_id))
        assert.are.equal(before.active_locks, counters().active_locks)
        assert.are.equal(before.total_releases + 1, counters().total_releases)
      end,
    },
    {
      name = "the administrator sees locks with their holders' names, and no lease",
      run = function(t)
        local name = t:unique("seen")
        t:lease(name, { metadata = "for the record" })
        local status = t:ok(t:request("GET", "/admin/status", { admin = true, quiet = true })).json
        for _, lock in ipairs(status.locks) do
          assert.is_nil(lock.lease_id)
          if lock.name == name then t.seen = lock end
        end
        assert.are.equal("alice", t.seen.holder_username)
        assert.are.equal("for the record", t.seen.metadata)
        assert.is_truthy(t.seen.expires_at:match("%+00:00$"))
        assert.is_true(t.seen.ttl_remaining_seconds > 50 and t.seen.ttl_remaining_seconds < 60)
      end,
    },
    series("1h"), series("12h"), series("24h"), series("7d"),
    step.fails("a time series of another window", "GET", SERIES .. "?window=2h", { admin = true },
      400, "invalid_input"),
    step.fails("a time series of an empty window", "GET", SERIES .. "?window=", { admin = true },
      400, "invalid_input"),
    step.fails("the key comes before the window", "GET", SERIES .. "?window=2h", {}, 403, "forbidden"),
    step.answers("X-Admin-Key is another name of the header", "GET", "/admin/status",
      { no_auth = true, shape = true, headers = { ["X-Admin-Key"] = "admin-key-of-the-specs" } }, 200),
    step.answers("the key as a bearer token", "GET", "/admin/status",
      { token = "admin:admin-key-of-the-specs", shape = true }, 200),
    step.fails("the key as a bearer token opens no lock", "GET", "/locks/a", { token = "admin:admin-key-of-the-specs" },
      401, "authentication_failed"),
  },
  for_admin("/admin/status"),
  for_admin("/metrics"),
  for_admin(SERIES)
)
