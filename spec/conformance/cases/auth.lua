-- Conformance cases: who is let in, token rotation, local registration and namespaces.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: the users ivan, kim and leo lose their tokens here and are used nowhere else.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function with_header(value)
  return { no_auth = true, headers = { Authorization = value } }
end

local headers = {
  step.fails("no header", "GET", "/locks/a", { no_auth = true }, 401, "authentication_required"),
  step.fails("another scheme", "GET", "/locks/a", with_header("Basic YWxpY2U6eA=="), 401, "authentication_required"),
  step.fails("the scheme in small letters", "GET", "/locks/a", with_header("bearer alice-token-0123456789abcdef"),
    401, "authentication_required"),
  step.fails("only a scheme", "GET", "/locks/a", with_header("Bearer"), 401, "authentication_required"),
  step.fails("an unknown token", "GET", "/locks/a", { token = "none-such" }, 401, "authentication_failed"),
  step.fails("a token with a space in front", "GET", "/locks/a", with_header("Bearer  alice-token-0123456789abcdef"),
    401, "authentication_failed"),
  step.fails("a token in capitals", "GET", "/locks/a", { token = "ALICE-TOKEN-0123456789ABCDEF" },
    401, "authentication_failed"),
  step.fails("acquire", "POST", "/locks/a/acquire", { no_auth = true, body = {} }, 401, "authentication_required"),
  step.fails("release", "POST", "/locks/a/release",
    { no_auth = true, body = { lease_id = "00000000-0000-4000-8000-000000000000" } }, 401, "authentication_required"),
  step.fails("renew", "POST", "/locks/a/renew",
    { no_auth = true, body = { lease_id = "00000000-0000-4000-8000-000000000000" } }, 401, "authentication_required"),
  step.fails("ACL", "PUT", "/locks/a/acl", { no_auth = true, body = { acl = { acquire = { "user:bob" } } } },
    401, "authentication_required"),
  step.fails("rotate", "POST", "/auth/token/rotate", { no_auth = true }, 401, "authentication_required"),
  step.fails("rotate with an unknown token", "POST", "/auth/token/rotate", { token = "none-such" },
    401, "authentication_failed"),
  step.fails("rotate as the administrator", "POST", "/auth/token/rotate", { admin = true },
    401, "authentication_required"),
  step.fails("the body is read before the token", "POST", "/locks/a/acquire", { no_auth = true, body = "{" },
    400, "invalid_input"),
  step.fails("the body's type is read before the token", "POST", "/locks/a/acquire", { no_auth = true },
    415, "invalid_input"),
  step.fails("the token is read before the name", "GET", "/locks/a%20b", { no_auth = true },
    401, "authentication_required"),
  step.fails("the session's id is read before the token", "GET", "/sessions/x", { no_auth = true },
    400, "invalid_input"),
  step.fails("registration where it is off", "POST", "/auth/register", { body = { username = "somebody" } },
    404, "not_found"),
}

local function rotate(t, user)
  return t:ok(t:request("POST", "/auth/token/rotate", { as = user })).json
end

local rotation = {
  {
    name = "a rotated token is dead at once; sessions and leases live on under the new one",
    run = function(t)
      local plain, ephemeral = t:unique("plain"), t:unique("ephemeral")
      local lease = t:lease(plain, {}, { as = "ivan" })
      local session = t:session(60, { as = "ivan" })
      t:ok(t:ephemeral(ephemeral, session, { as = "ivan" }))
      local fresh = rotate(t, "ivan")
      assert.are.equal("ivan", fresh.github_username)
      t:uuid(fresh.user_id)
      t:fails(t:status(plain, { as = "ivan" }), 401, "authentication_failed")
      t:ok(t:request("POST", "/sessions/" .. session .. "/keepalive", { token = fresh.token }))
      assert.are.equal(lease.lease_id, t:lease(plain, {}, { token = fresh.token }).lease_id)
      t:ok(t:renew(plain, lease.lease_id, 60, { token = fresh.token }))
      t:ok(t:release(plain, lease.lease_id, { token = fresh.token }))
    end,
  },
  {
    name = "an ACL that names the old token shuts its owner out",
    run = function(t)
      local name = t:unique("token")
      local acl = { acquire = { "token:" .. t:token("kim") } }
      local lease = t:lease(name, { acl = acl }, { as = "kim" })
      local fresh = rotate(t, "kim")
      t:fails(t:acquire(name, {}, { token = fresh.token }), 403, "forbidden")
      t:ok(t:release(name, lease.lease_id, { token = fresh.token }))
    end,
  },
  {
    name = "a token can be rotated again, with any body",
    run = function(t)
      local fresh = t:ok(t:request("POST", "/auth/token/rotate", { as = "leo", body = "no JSON" })).json
      local second = t:ok(t:request("POST", "/auth/token/rotate", { token = fresh.token })).json
      assert.are.equal(fresh.user_id, second.user_id)
      assert.are_not.equal(fresh.token, second.token)
      t:fails(t:request("POST", "/auth/token/rotate", { token = fresh.token }), 401, "authentication_failed")
      t:ok(t:status("a", { token = second.token }))
    end,
  },
}

local function registration(case)
  case.mode = "registration"
  return case
end

local function refused(name, body, status, code)
  return registration(step.fails("register: " .. name, "POST", "/auth/register", { body = body },
    status or 400, code or "invalid_input"))
end

local function registered(name, body, check)
  return registration(step.answers("register: " .. name, "POST", "/auth/register", { body = body }, 200,
    function(response) if check then check(response.json) end end))
end

local function namespace_of(expected)
  return function(json) assert.are.equal(expected, json.namespace) end
end

local enrolment = {
  registered("a user", { username = "Newcomer_1-x" }, function(json)
    assert.are.equal("Newcomer_1-x", json.username)
  end),
  registered("a user name of 64 characters", { username = ("n"):rep(64) }),
  registered("a namespace", { username = "spaced", namespace = "team.a_b-c" }, namespace_of("team.a_b-c")),
  registered("a namespace in slashes", { username = "slashed", namespace = "//team/" }, namespace_of("team")),
  registered("an empty namespace is none", { username = "unspaced", namespace = "" }),
  registered("a namespace of 64 characters", { username = "longspaced", namespace = ("n"):rep(64) }),
  refused("a user name of 65 characters", { username = ("n"):rep(65) }),
  refused("an empty user name", { username = "" }),
  refused("a user name with a dot", { username = "a.b" }),
  refused("a user name with an umlaut", { username = "\195\164" }),
  refused("a namespace of 65 characters", { username = "toolong", namespace = ("n"):rep(65) }),
  refused("a namespace with a space", { username = "badspace", namespace = "a b" }),
  refused("a namespace with a slash inside", { username = "badslash", namespace = "a/b" }),
  refused("no user name", {}, 422),
  refused("an empty body", ""),
  registration {
    name = "register: a user name is given once, in any case of letters",
    run = function(t)
      local user = t:unique("twice")
      t:register(user)
      t:fails(t:request("POST", "/auth/register", { body = { username = user } }), 409, "conflict")
      t:fails(t:request("POST", "/auth/register", { body = { username = user:upper() } }), 409, "conflict")
    end,
  },
  registration {
    name = "register: the new token works at once, and can be rotated",
    run = function(t)
      local token = t:register(t:unique("worker"))
      t:lease(t:unique("works"), {}, { token = token })
      local fresh = t:ok(t:request("POST", "/auth/token/rotate", { token = token })).json
      t:ok(t:status("a", { token = fresh.token }))
    end,
  },
}

local namespaces = {
  registration {
    name = "namespace: its user has the names under it and no others",
    run = function(t)
      local space = t:unique("space")
      local mine = { token = t:register(t:unique("member"), space) }
      local function as_mine() return { token = mine.token } end
      local lease = t:lease(space .. ".job", {}, as_mine())
      t:ok(t:status(space .. ".job", as_mine()))
      t:ok(t:renew(space .. ".job", lease.lease_id, 60, as_mine()))
      t:fails(t:acquire("other.job", {}, as_mine()), 403, "forbidden")
      t:fails(t:acquire(space, {}, as_mine()), 403, "forbidden")
      t:fails(t:acquire(space .. "/job", {}, as_mine()), 403, "forbidden")
      t:fails(t:status("other.job", as_mine()), 403, "forbidden")
      t:fails(t:renew("other.job", lease.lease_id, 60, as_mine()), 403, "forbidden")
      t:fails(t:release("other.job", lease.lease_id, as_mine()), 403, "forbidden")
      t:fails(t:watch("/locks/other.job/watch", as_mine()), 403, "forbidden")
      t:ok(t:release(space .. ".job", lease.lease_id, as_mine()))
    end,
  },
  registration {
    name = "namespace: a list without a prefix is that of the namespace",
    run = function(t)
      local space = t:unique("listed")
      local member, free = t:register(t:unique("member"), space), t:register(t:unique("free"))
      t:lease(space .. ".a", {}, { token = member })
      t:lease(space .. ".b", {}, { token = free })
      t:lease(t:unique("outside"), {}, { token = free })
      local list = t:ok(t:request("GET", "/locks", { token = member })).json
      assert.are.equal(space .. ".", list.prefix)
      assert.are.equal(2, list.total)
      assert.are.equal(1, t:ok(t:request("GET", "/locks?prefix=" .. space .. ".a", { token = member })).json.total)
      t:fails(t:request("GET", "/locks?prefix=" .. space, { token = member }), 403, "forbidden")
      t:fails(t:request("GET", "/locks?prefix=", { token = member }), 403, "forbidden")
    end,
  },
  registration {
    name = "namespace: the name comes before the namespace, the namespace before the TTL",
    run = function(t)
      local token = t:register(t:unique("member"), t:unique("space"))
      t:fails(t:acquire("a b", {}, { token = token }), 400, "invalid_lock_name")
      t:fails(t:acquire("other", { ttl_seconds = 0 }, { token = token }), 403, "forbidden")
    end,
  },
  registration {
    name = "namespace: rotation keeps it",
    run = function(t)
      local space = t:unique("space")
      local token = t:register(t:unique("member"), space)
      local fresh = t:ok(t:request("POST", "/auth/token/rotate", { token = token })).json
      assert.are.equal(space, fresh.namespace)
      t:fails(t:acquire("other", {}, { token = fresh.token }), 403, "forbidden")
    end,
  },
}

return step.join(headers, rotation, enrolment, namespaces)
