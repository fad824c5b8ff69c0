-- Conformance cases: POST /locks/{name}/renew.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

local TARGET = "/locks/{name}/renew"
local UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

local function refused(name, body, status, code)
  return step.fails(name, "POST", TARGET, { body = body }, status, code)
end

local bodies = {
  refused("a name that nobody holds", { lease_id = UNKNOWN_ID }, 404, "lease_not_current"),
  refused("ttl 0", { lease_id = UNKNOWN_ID, ttl_seconds = 0 }, 400, "invalid_ttl"),
  refused("ttl 3601", { lease_id = UNKNOWN_ID, ttl_seconds = 3601 }, 400, "invalid_ttl"),
  refused("ttl negative", { lease_id = UNKNOWN_ID, ttl_seconds = -1 }, 422, "invalid_input"),
  refused("ttl with a fraction", { lease_id = UNKNOWN_ID, ttl_seconds = 0.5 }, 422, "invalid_input"),
  refused("a lease that is no UUID", { lease_id = "lease" }, 422, "invalid_input"),
  refused("no lease", { ttl_seconds = 60 }, 422, "invalid_input"),
  refused("an empty body", "", 400, "invalid_input"),
}

-- ttl_seconds nil is left out of the body.
local function renewed(title, ttl_seconds, renew_after_ms)
  return {
    name = title,
    run = function(t)
      local name = t:unique("renewed")
      local lease = t:lease(name, { ttl_seconds = 600 })
      local answer = t:ok(t:renew(name, lease.lease_id, ttl_seconds)).json
      assert.are.equal(lease.lease_id, answer.lease_id)
      assert.is_true(answer.renew_after_ms <= renew_after_ms and answer.renew_after_ms > renew_after_ms - 1000)
      assert.are.equal(ttl_seconds == 3600, answer.expires_at > lease.expires_at)
    end,
  }
end

local leases = {
  renewed("shortens to ttl 1", 1, 500),
  renewed("lengthens to ttl 3600", 3600, 1800000),
  renewed("an omitted ttl means 60, whatever it was", nil, 30000),
  {
    name = "keeps the fencing token and shows the new expiry",
    run = function(t)
      local name = t:unique("kept")
      local lease = t:lease(name)
      local answer = t:ok(t:renew(name, lease.lease_id, 600)).json
      local status = t:status(name).json
      assert.are.equal(lease.fencing_token, status.fencing_token)
      assert.are.equal(answer.expires_at, status.expires_at)
    end,
  },
  {
    name = "a wrong lease",
    run = function(t)
      local name = t:unique("wrong")
      t:lease(name)
      t:fails(t:renew(name, UNKNOWN_ID, 60), 400, "lease_not_current")
    end,
  },
  {
    name = "a released lease",
    run = function(t)
      local name = t:unique("released")
      local lease = t:lease(name)
      t:ok(t:release(name, lease.lease_id))
      t:fails(t:renew(name, lease.lease_id, 60), 404, "lease_not_current")
    end,
  },
  {
    name = "the right lease of another user",
    run = function(t)
      local name = t:unique("foreign")
      local lease = t:lease(name)
      t:fails(t:renew(name, lease.lease_id, 60, { as = "bob" }), 400, "lease_not_current")
    end,
  },
  {
    name = "a lease of a session by its user",
    run = function(t)
      local name = t:unique("session")
      local lease = t:ok(t:ephemeral(name, t:session(60))).json
      t:ok(t:renew(name, lease.lease_id, 60))
    end,
  },
  {
    name = "a lease of another user's session",
    run = function(t)
      local name = t:unique("session")
      local lease = t:ok(t:ephemeral(name, t:session(60))).json
      t:fails(t:renew(name, lease.lease_id, 60, { as = "bob" }), 404, "not_found")
    end,
  },
  {
    name = "the TTL is checked before the lease",
    run = function(t)
      local name = t:unique("order")
      t:lease(name)
      t:fails(t:renew(name, UNKNOWN_ID, 0), 400, "invalid_ttl")
    end,
  },
  {
    name = "an expired lease",
    after = 1,
    prepare = function(t)
      t.name = t:unique("expired")
      t.old = t:lease(t.name, { ttl_seconds = 1 })
    end,
    run = function(t)
      t:eventually(5, function() return t:status(t.name).json.status == "free" end)
      t:fails(t:renew(t.name, t.old.lease_id, 60), 404, "lease_not_current")
    end,
  },
}

return step.join(leases, bodies)
