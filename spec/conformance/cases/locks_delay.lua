-- Conformance cases: lock_delay_seconds, the pause after the end of a lease.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function bound(name, value, status, code)
  local options = { body = ('{"lock_delay_seconds":%s}'):format(value) }
  if not code then return step.answers(name, "POST", "/locks/{name}/acquire", options, status) end
  return step.fails(name, "POST", "/locks/{name}/acquire", options, status, code)
end

local function delayed(t, response, seconds)
  t:ok(response, 409)
  assert.are.equal("delayed", response.json.status)
  assert.are.equal(seconds, response.json.lock_delay_seconds)
  assert.is_nil(response.json.code)
  return response.json.retry_after_ms
end

local bounds = {
  bound("a delay of 0", "0", 200),
  bound("a delay of 30", "30", 200),
  bound("a delay of 31", "31", 400, "invalid_input"),
  bound("a negative delay", "-1", 422, "invalid_input"),
  bound("a delay with a fraction", "1.5", 422, "invalid_input"),
  bound("a delay that is null", "null", 200),
}

return step.join(bounds, {
  {
    name = "follows a release, for everybody, and the lock looks free meanwhile",
    run = function(t)
      local name = t:unique("release")
      t:ok(t:release(name, t:lease(name, { lock_delay_seconds = 30 }).lease_id))
      t:near(30000, delayed(t, t:acquire(name, {}, { as = "bob" }), 30))
      delayed(t, t:acquire(name), 30)
      assert.are.equal("free", t:status(name).json.status)
    end,
  },
  {
    name = "the first acquire says how long, not the next",
    run = function(t)
      local name = t:unique("first")
      local lease = t:lease(name, { lock_delay_seconds = 20 })
      t:lease(name, { lock_delay_seconds = 0 })
      t:ok(t:release(name, lease.lease_id))
      delayed(t, t:acquire(name), 20)
    end,
  },
  {
    name = "follows the end of a session",
    run = function(t)
      local name, session = t:unique("session"), t:session(60)
      t:ok(t:acquire(name, { session_id = session, ephemeral = true, lock_delay_seconds = 30 }))
      t:ok(t:request("DELETE", "/sessions/" .. session), 204)
      delayed(t, t:acquire(name), 30)
    end,
  },
  {
    name = "a delayed lock has no lease to renew or release",
    run = function(t)
      local name = t:unique("nothing")
      local lease = t:lease(name, { lock_delay_seconds = 30 })
      t:ok(t:release(name, lease.lease_id))
      t:fails(t:release(name, lease.lease_id), 404, "lease_not_current")
      t:fails(t:renew(name, lease.lease_id, 60), 404, "lease_not_current")
    end,
  },
  {
    name = "an ACL is checked before the delay",
    run = function(t)
      local name = t:unique("acl")
      local lease = t:lease(name, { lock_delay_seconds = 30, acl = { acquire = { "user:alice" } } })
      t:ok(t:release(name, lease.lease_id))
      t:fails(t:acquire(name, {}, { as = "bob" }), 403, "forbidden")
    end,
  },
  {
    name = "follows an expiry",
    after = 1,
    prepare = function(t)
      t.name = t:unique("expiry")
      t:lease(t.name, { ttl_seconds = 1, lock_delay_seconds = 30 })
    end,
    run = function(t)
      t:eventually(5, function() return t:status(t.name).json.status == "free" end)
      assert.is_true(delayed(t, t:acquire(t.name), 30) <= 30000)
    end,
  },
  {
    name = "ends, and then the lock can be acquired",
    after = 1,
    prepare = function(t)
      t.name = t:unique("over")
      t:ok(t:release(t.name, t:lease(t.name, { lock_delay_seconds = 1 }).lease_id))
      t:ok(t:acquire(t.name, {}, { quiet = true }), 409)
    end,
    run = function(t)
      t:eventually(5, function() return t:acquire(t.name, {}, { as = "bob" }).status == 200 end)
      t:held(t:acquire(t.name))
    end,
  },
})
