-- Conformance cases: sessions, and the locks that end with them.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has sessions and lock names of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

local UNKNOWN = "/sessions/00000000-0000-4000-8000-000000000000"

-- The server does not say what it made of a TTL; the interval shows it.
local function created(name, body, interval)
  return step.answers(name, "POST", "/sessions", { body = body }, 201, function(response)
    assert.are.equal(interval, response.json.keepalive_interval_secs)
  end)
end

local function refused(name, body, status)
  return step.fails(name, "POST", "/sessions", { body = body }, status, "invalid_input")
end

local bounds = {
  created("ttl 0 becomes 10", { ttl_seconds = 0 }, 5),
  created("ttl 9 becomes 10", { ttl_seconds = 9 }, 5),
  created("ttl 10", { ttl_seconds = 10 }, 5),
  created("ttl 11 has an interval rounded down", { ttl_seconds = 11 }, 5),
  created("ttl 300", { ttl_seconds = 300 }, 150),
  created("ttl 301 becomes 300", { ttl_seconds = 301 }, 150),
  created("ttl left out means 60", {}, 30),
  created("ttl null means 60", '{"ttl_seconds":null}', 30),
  created("unknown fields are ignored", { colour = "blue" }, 30),
  refused("ttl negative", { ttl_seconds = -1 }, 422),
  refused("ttl with a fraction", { ttl_seconds = 10.5 }, 422),
  refused("ttl as a string", { ttl_seconds = "60" }, 422),
  refused("an empty body", "", 400),
  refused("body null", "null", 422),
  step.fails("no body and no content type", "POST", "/sessions", {}, 415, "invalid_input"),
}

local addresses = {
  step.fails("keepalive of an unknown session", "POST", UNKNOWN .. "/keepalive", {}, 404, "not_found"),
  step.fails("GET of an unknown session", "GET", UNKNOWN, {}, 404, "not_found"),
  step.fails("DELETE of an unknown session", "DELETE", UNKNOWN, {}, 404, "not_found"),
  step.fails("keepalive of what is no UUID", "POST", "/sessions/x/keepalive", {}, 400, "invalid_input"),
  step.fails("GET of what is no UUID", "GET", "/sessions/x", {}, 400, "invalid_input"),
  step.fails("DELETE of what is no UUID", "DELETE", "/sessions/x", {}, 400, "invalid_input"),
  step.fails("create without a token", "POST", "/sessions", { body = {}, no_auth = true },
    401, "authentication_required"),
  step.fails("GET without a token", "GET", UNKNOWN, { no_auth = true }, 401, "authentication_required"),
  step.fails("DELETE without a token", "DELETE", UNKNOWN, { no_auth = true }, 401, "authentication_required"),
  step.fails("keepalive without a token", "POST", UNKNOWN .. "/keepalive", { no_auth = true },
    401, "authentication_required"),
}

local lives = {
  {
    name = "is created, shown and kept alive",
    run = function(t)
      local session = t:session(60)
      t:uuid(session)
      local shown = t:ok(t:request("GET", "/sessions/" .. session)).json
      assert.are.equal(0, shown.lock_count)
      assert.is_true(shown.active)
      local kept = t:ok(t:request("POST", "/sessions/" .. session .. "/keepalive")).json
      assert.are.equal(session, kept.session_id)
      assert.is_true(kept.expires_at > shown.expires_at)
    end,
  },
  {
    name = "keepalive ignores its body and keeps the session's own TTL",
    run = function(t)
      local session = t:session(300)
      local before = t:request("GET", "/sessions/" .. session).json.expires_at
      local path = "/sessions/" .. session .. "/keepalive"
      assert.is_true(t:ok(t:request("POST", path, { body = { ttl_seconds = 10 } })).json.expires_at > before)
      t:ok(t:request("POST", path, { body = "no JSON" }))
    end,
  },
  {
    name = "is nobody else's",
    run = function(t)
      local path = "/sessions/" .. t:session(60)
      t:fails(t:request("GET", path, { as = "bob" }), 404, "not_found")
      t:fails(t:request("POST", path .. "/keepalive", { as = "bob" }), 404, "not_found")
      t:fails(t:request("DELETE", path, { as = "bob" }), 404, "not_found")
      t:fails(t:request("GET", path, { admin = true }), 404, "not_found")
    end,
  },
  {
    name = "counts its locks, ephemeral or not",
    run = function(t)
      local session = t:session(60)
      t:ok(t:ephemeral(t:unique("a"), session))
      t:lease(t:unique("b"), { session_id = session })
      assert.are.equal(2, t:request("GET", "/sessions/" .. session).json.lock_count)
    end,
  },
  {
    name = "its DELETE frees its ephemeral locks, and only those",
    run = function(t)
      local session, ephemeral, plain = t:session(60), t:unique("ephemeral"), t:unique("plain")
      local lease = t:ok(t:ephemeral(ephemeral, session)).json
      t:lease(plain, { session_id = session })
      local response = t:ok(t:request("DELETE", "/sessions/" .. session), 204)
      assert.are.equal("", response.body)
      assert.are.equal("free", t:status(ephemeral).json.status)
      assert.are.equal("held", t:status(plain).json.status)
      t:fails(t:renew(ephemeral, lease.lease_id, 60), 404, "lease_not_current")
      t:fails(t:release(ephemeral, lease.lease_id), 404, "lease_not_current")
      t:lease(ephemeral, {}, { as = "bob" })
    end,
  },
  {
    name = "is unknown after its DELETE",
    run = function(t)
      local session = t:session(60)
      t:ok(t:request("DELETE", "/sessions/" .. session), 204)
      t:fails(t:request("DELETE", "/sessions/" .. session), 404, "not_found")
      t:fails(t:request("POST", "/sessions/" .. session .. "/keepalive"), 404, "not_found")
      t:fails(t:ephemeral(t:unique("late"), session), 404, "not_found")
    end,
  },
  {
    name = "does not free a lock that has passed to another",
    run = function(t)
      local first, second, name = t:session(60), t:session(60), t:unique("passed")
      t:ok(t:release(name, t:ok(t:ephemeral(name, first)).json.lease_id))
      t:ok(t:ephemeral(name, second))
      t:ok(t:request("DELETE", "/sessions/" .. first), 204)
      assert.are.equal("held", t:status(name).json.status)
    end,
  },
}

-- Sessions live 10 seconds at least. These begin right after the server's start, and its sweep comes every 5 seconds:
-- between 10 and 15 the session has expired and is still known.
local function expired(t)
  t:eventually(12, function() return t:request("GET", "/sessions/" .. t.session).json.active == false end)
end

local function begin(t)
  t.session, t.name = t:session(10), t:unique("lapsed")
  t.old = t:ok(t:ephemeral(t.name, t.session)).json
end

local ends = {
  {
    name = "expired: it cannot be kept alive nor acquire",
    after = 10,
    prepare = begin,
    run = function(t)
      expired(t)
      t:fails(t:request("POST", "/sessions/" .. t.session .. "/keepalive"), 410, "session_expired")
      t:fails(t:ephemeral(t.name, t.session), 410, "session_expired")
      t:fails(t:ephemeral(t:unique("new"), t.session), 410, "session_expired")
      assert.is_false(t:ok(t:request("GET", "/sessions/" .. t.session)).json.active)
    end,
  },
  {
    name = "expired: its leases can be neither renewed nor released, and are held until the sweep",
    after = 10,
    prepare = begin,
    run = function(t)
      expired(t)
      t:fails(t:renew(t.name, t.old.lease_id, 60), 410, "session_expired")
      t:fails(t:release(t.name, t.old.lease_id), 410, "session_expired")
      t:held(t:acquire(t.name, {}, { as = "bob" }))
      t:fails(t:put_acl(t.name, { "user:alice" }), 403, "forbidden")
    end,
  },
  {
    name = "expired: the sweep frees its locks and forgets it",
    after = 15,
    prepare = begin,
    run = function(t)
      t:eventually(20, function() return t:request("GET", "/sessions/" .. t.session).status == 404 end)
      t:fails(t:request("POST", "/sessions/" .. t.session .. "/keepalive"), 404, "not_found")
      assert.are.equal("free", t:status(t.name).json.status)
      t:fails(t:release(t.name, t.old.lease_id), 404, "lease_not_current")
      t:lease(t.name, {}, { as = "bob" })
    end,
  },
}

return step.join(ends, lives, bounds, addresses)
