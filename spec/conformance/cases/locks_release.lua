-- Conformance cases: POST /locks/{name}/release.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own.

local step = require "spec.conformance.step"

local TARGET = "/locks/{name}/release"
local UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

local function refused(name, body, status, code)
  return step.fails(name, "POST", TARGET, { body = body }, status, code)
end

local bodies = {
  refused("a name that nobody holds", { lease_id = UNKNOWN_ID }, 404, "lease_not_current"),
  refused("a lease that is no UUID", { lease_id = "lease" }, 422, "invalid_input"),
  refused("a lease that is null", '{"lease_id":null}', 422, "invalid_input"),
  refused("a lease that is a number", { lease_id = 1 }, 422, "invalid_input"),
  refused("no lease", {}, 422, "invalid_input"),
  refused("an empty body", "", 400, "invalid_input"),
  refused("a broken body", "{", 400, "invalid_input"),
  step.fails("no content type", "POST", TARGET, { headers = { ["Content-Type"] = false }, body = "{}" },
    415, "invalid_input"),
}

-- The lease id in other spellings that the server reads as the same UUID.
local function spelled(title, spell)
  return {
    name = title,
    run = function(t)
      local name = t:unique("spelled")
      t:ok(t:release(name, spell(t:lease(name).lease_id)))
    end,
  }
end

local leases = {
  {
    name = "frees the lock and answers null",
    run = function(t)
      local name = t:unique("free")
      local response = t:ok(t:release(name, t:lease(name).lease_id))
      assert(response.body == "null", response.body)
      assert(t:status(name).json.status == "free")
      t:lease(name, {}, { as = "bob" })
    end,
  },
  {
    name = "a second release finds no current lease",
    run = function(t)
      local name = t:unique("twice")
      local lease = t:lease(name)
      t:ok(t:release(name, lease.lease_id))
      t:fails(t:release(name, lease.lease_id), 404, "lease_not_current")
    end,
  },
  {
    name = "an old lease after the lock was acquired again",
    run = function(t)
      local name = t:unique("old")
      local old = t:lease(name)
      t:ok(t:release(name, old.lease_id))
      t:lease(name)
      t:fails(t:release(name, old.lease_id), 400, "lease_not_current")
    end,
  },
  {
    name = "an old lease while another user holds the lock",
    run = function(t)
      local name = t:unique("passed")
      local old = t:lease(name)
      t:ok(t:release(name, old.lease_id))
      t:lease(name, {}, { as = "bob" })
      t:fails(t:release(name, old.lease_id), 400, "lease_not_current")
    end,
  },
  {
    name = "a wrong lease",
    run = function(t)
      local name = t:unique("wrong")
      t:lease(name)
      t:fails(t:release(name, UNKNOWN_ID), 400, "lease_not_current")
    end,
  },
  {
    name = "the right lease of another user",
    run = function(t)
      local name = t:unique("foreign")
      local lease = t:lease(name)
      t:fails(t:release(name, lease.lease_id, { as = "bob" }), 400, "lease_not_current")
      t:ok(t:release(name, lease.lease_id))
    end,
  },
  {
    name = "the right lease of another user's session",
    run = function(t)
      local name = t:unique("session")
      local lease = t:ok(t:ephemeral(name, t:session(60))).json
      t:fails(t:release(name, lease.lease_id, { as = "bob" }), 404, "not_found")
    end,
  },
  {
    name = "a lease of a session by its user",
    run = function(t)
      local name = t:unique("ephemeral")
      local lease = t:ok(t:ephemeral(name, t:session(60))).json
      t:ok(t:release(name, lease.lease_id))
    end,
  },
  {
    name = "the administrator does not release for others",
    run = function(t)
      local name = t:unique("admin")
      local lease = t:lease(name)
      t:fails(t:release(name, lease.lease_id, { admin = true }), 400, "lease_not_current")
    end,
  },
  {
    name = "unknown fields are ignored",
    run = function(t)
      local name = t:unique("extra")
      local body = { lease_id = t:lease(name).lease_id, reason = "done" }
      t:ok(t:request("POST", "/locks/" .. name .. "/release", { body = body }))
    end,
  },
  spelled("a lease in upper case", string.upper),
  spelled("a lease without dashes", function(id) return (id:gsub("%-", "")) end),
  spelled("a lease in braces", function(id) return "{" .. id .. "}" end),
  spelled("a lease as a URN", function(id) return "urn:uuid:" .. id end),
  {
    name = "an expired lease",
    after = 1,
    prepare = function(t)
      t.name = t:unique("expired")
      t.old = t:lease(t.name, { ttl_seconds = 1 })
    end,
    run = function(t)
      t:eventually(5, function() return t:status(t.name).json.status == "free" end)
      t:fails(t:release(t.name, t.old.lease_id), 404, "lease_not_current")
    end,
  },
}

return step.join(leases, bodies)
