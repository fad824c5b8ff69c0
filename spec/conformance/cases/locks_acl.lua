-- Conformance cases: access lists, given with acquire or by PUT /locks/{name}/acl.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function with_acl(...)
  return { acl = { acquire = { ... } } }
end

local function principals(count)
  local list = {}
  for i = 1, count do list[i] = "user:user-" .. i end
  list[count] = "user:alice"
  return list
end

local function refused(name, body, status, code)
  return step.fails(name, "POST", "/locks/{name}/acquire", { body = body }, status or 400, code or "invalid_input")
end

local function granted(name, body)
  return step.answers(name, "POST", "/locks/{name}/acquire", { body = body }, 200)
end

local long_token = "token:" .. ("t"):rep(250)

local bounds = {
  refused("no principal", '{"acl":{"acquire":[]}}'),
  granted("100 principals", { acl = { acquire = principals(100) } }),
  refused("101 principals", { acl = { acquire = principals(101) } }),
  granted("a principal of 256 bytes", with_acl("user:alice", long_token)),
  refused("a principal of 257 bytes", with_acl("user:alice", long_token .. "t")),
  granted("a user name of 64 bytes", with_acl("user:alice", "user:" .. ("u"):rep(64))),
  refused("a user name of 65 bytes", with_acl("user:alice", "user:" .. ("u"):rep(65))),
  refused("an empty user name", with_acl("user:")),
  refused("an empty token", with_acl("token:")),
  refused("a user name with an underscore", with_acl("user:al_ice")),
  refused("a principal of an unknown kind", with_acl("group:admins")),
  refused("a kind in capitals", with_acl("USER:alice")),
  refused("a principal without a kind", with_acl("alice")),
  refused("principals that are no list", '{"acl":{"acquire":"user:alice"}}', 422),
  refused("a principal that is no string", '{"acl":{"acquire":[1]}}', 422),
  refused("an ACL without its list", '{"acl":{}}', 422),
  refused("an ACL that is a string", '{"acl":"user:alice"}', 422),
  granted("an ACL that is null", '{"acl":null}'),
  granted("unknown fields in an ACL", '{"acl":{"acquire":["user:alice"],"release":[]}}'),
  step.fails("PUT without an ACL", "PUT", "/locks/{name}/acl", { body = {} }, 422, "invalid_input"),
  step.fails("PUT with an empty list", "PUT", "/locks/{name}/acl", { body = '{"acl":{"acquire":[]}}' },
    400, "invalid_input"),
  step.fails("PUT with an empty body", "PUT", "/locks/{name}/acl", { body = "" }, 400, "invalid_input"),
  step.fails("PUT on a lock that nobody holds", "PUT", "/locks/{name}/acl", { body = with_acl("user:alice") },
    404, "not_found"),
}

local access = {
  {
    name = "an ACL lets in whom it names, and nobody else",
    run = function(t)
      local name = t:unique("named")
      local lease = t:lease(name, with_acl("user:alice", "user:bob"))
      t:fails(t:acquire(name, {}, { as = "carol" }), 403, "forbidden")
      t:held(t:acquire(name, {}, { as = "bob" }))
      t:ok(t:release(name, lease.lease_id))
      t:lease(name, {}, { as = "bob" })
    end,
  },
  {
    name = "one cannot acquire with an ACL that leaves oneself out",
    run = function(t)
      t:fails(t:acquire(t:unique("without"), with_acl("user:bob")), 403, "forbidden")
    end,
  },
  {
    name = "status shows users in lower case, sorted, once each, and no token",
    run = function(t)
      local name = t:unique("shown")
      t:lease(name, with_acl("user:Bob", "user:alice", " user:bob ", "token:secret-of-somebody"))
      local acl = t:status(name).json.acl.acquire
      assert.are.same({ "token:[redacted]", "user:alice", "user:bob" }, acl)
    end,
  },
  {
    name = "an ACL outlives the lease",
    run = function(t)
      local name = t:unique("sticky")
      t:ok(t:release(name, t:lease(name, with_acl("user:alice")).lease_id))
      t:fails(t:acquire(name, {}, { as = "bob" }), 403, "forbidden")
      t:lease(name)
    end,
  },
  {
    name = "another ACL in acquire is a conflict, the same in another order is not",
    run = function(t)
      local name = t:unique("conflict")
      t:lease(name, with_acl("user:alice", "user:bob"))
      t:fails(t:acquire(name, with_acl("user:alice")), 409, "conflict")
      t:lease(name, with_acl("user:BOB", "user:alice"))
    end,
  },
  {
    name = "an ACL is checked before who holds the lock",
    run = function(t)
      local name = t:unique("first")
      t:lease(name, with_acl("user:alice"))
      t:fails(t:acquire(name, with_acl("user:carol"), { as = "carol" }), 409, "conflict")
    end,
  },
  {
    name = "a token in an ACL lets its bearer in",
    run = function(t)
      local name = t:unique("bearer")
      local lease = t:lease(name, with_acl("user:alice", "token:" .. t:token("bob")))
      t:ok(t:release(name, lease.lease_id))
      t:lease(name, {}, { as = "bob" })
    end,
  },
  {
    name = "the holder changes the ACL and can shut itself out",
    run = function(t)
      local name = t:unique("self")
      local lease = t:lease(name)
      local answer = t:ok(t:put_acl(name, { "user:bob", "token:x" })).json
      assert.are.equal(name, answer.name)
      assert.are.same({ "token:[redacted]", "user:bob" }, answer.acl.acquire)
      t:fails(t:acquire(name), 403, "forbidden")
      t:ok(t:renew(name, lease.lease_id, 60))
      t:ok(t:release(name, lease.lease_id))
      t:lease(name, {}, { as = "bob" })
    end,
  },
  {
    name = "the holder changes the ACL of a lock of its session",
    run = function(t)
      local name = t:unique("session")
      t:ok(t:ephemeral(name, t:session(60)))
      t:ok(t:put_acl(name, { "user:alice" }))
    end,
  },
  {
    name = "another user does not change the ACL",
    run = function(t)
      local name = t:unique("foreign")
      t:lease(name)
      t:fails(t:put_acl(name, { "user:bob" }, { as = "bob" }), 403, "forbidden")
    end,
  },
  {
    name = "another user does not change the ACL of a session's lock",
    run = function(t)
      local name = t:unique("foreign")
      t:ok(t:ephemeral(name, t:session(60)))
      t:fails(t:put_acl(name, { "user:bob" }, { as = "bob" }), 403, "forbidden")
    end,
  },
  {
    name = "a released lock has no holder to change the ACL",
    run = function(t)
      local name = t:unique("released")
      t:ok(t:release(name, t:lease(name).lease_id))
      t:fails(t:put_acl(name, { "user:alice" }), 404, "not_found")
    end,
  },
  {
    name = "the administrator sets an ACL on a free lock and passes it",
    run = function(t)
      local name = t:unique("admin")
      t:ok(t:put_acl(name, { "user:bob" }, { admin = true }))
      t:fails(t:acquire(name), 403, "forbidden")
      local lease = t:lease(name, {}, { admin = true })
      t:ok(t:release(name, lease.lease_id, { admin = true }))
      assert.are.same({ "user:bob" }, t:status(name).json.acl.acquire)
    end,
  },
  {
    name = "the user of a session stands in the ACL, not the session",
    run = function(t)
      local name = t:unique("session")
      t:lease(name, with_acl("user:alice"), { as = "alice" })
      t:fails(t:ephemeral(name, t:session(60, { as = "bob" }), { as = "bob" }), 403, "forbidden")
    end,
  },
}

return step.join(access, bounds)
