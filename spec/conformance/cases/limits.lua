-- Conformance cases: how much one user may hold and one request may carry.
-- Uses: the vocabulary of spec.conformance.context.
-- Owner: the users frank and grace hold locks here and nowhere else.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function body_of(size)
  local frame = '{"x":""}'
  return '{"x":"' .. ("x"):rep(size - #frame) .. '"}'
end

return {
  {
    name = "a hundred locks of one user, and what the next one gets",
    run = function(t)
      local prefix, frank = t:unique("hundred") .. "/", "frank"
      t:quietly(function()
        for i = 1, 100 do t:lease(prefix .. i, {}, { as = frank }) end
      end)
      t:fails(t:acquire(prefix .. 101, {}, { as = frank }), 403, "lock_limit_exceeded")
      t:lease(prefix .. 1, {}, { as = frank })
      local foreign = t:unique("foreign")
      t:lease(foreign)
      t:fails(t:acquire(foreign, {}, { as = frank }), 403, "lock_limit_exceeded")
      t:fails(t:ephemeral(prefix .. 101, t:session(60, { as = frank }), { as = frank }), 403, "lock_limit_exceeded")
      t:ok(t:release(prefix .. 1, t:lease(prefix .. 1, {}, { as = frank }).lease_id, { as = frank }))
      t:lease(prefix .. 101, {}, { as = frank })
      t:lease(t:unique("other"), {}, { as = "alice" })
    end,
  },
  {
    name = "locks of all sessions of a user count together, and their end makes room",
    run = function(t)
      local prefix, grace = t:unique("sessions") .. "/", "grace"
      local first, second = t:session(60, { as = grace }), t:session(60, { as = grace })
      t:quietly(function()
        for i = 1, 50 do
          t:ok(t:ephemeral(prefix .. "a" .. i, first, { as = grace }))
          t:ok(t:ephemeral(prefix .. "b" .. i, second, { as = grace }))
        end
      end)
      t:fails(t:acquire(prefix .. "c", {}, { as = grace }), 403, "lock_limit_exceeded")
      local status = t:request("GET", "/sessions/" .. first, { as = grace })
      assert.are.equal(50, status.json.lock_count)
      t:ok(t:request("DELETE", "/sessions/" .. first, { as = grace }), 204)
      t:lease(prefix .. "c", {}, { as = grace })
    end,
  },
  step.answers("a body of 2 MiB", "POST", "/locks/{name}/acquire", { body = body_of(2097152) }, 200),
  step.fails("a body of 2 MiB and a byte", "POST", "/locks/{name}/acquire", { body = body_of(2097153) },
    413, "invalid_input"),
}
