-- Conformance cases: POST /locks/{name}/acquire, its bounds, its bodies and who counts as the holder.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

local TARGET = "/locks/{name}/acquire"
local UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"

local function refused(name, body, status, code)
  return step.fails(name, "POST", TARGET, { body = body }, status, code)
end

local function granted(name, body, check)
  return step.answers(name, "POST", TARGET, { body = body }, 200, function(response)
    assert.are.equal("acquired", response.json.status)
    if check then check(response.json) end
  end)
end

local function renew_after(milliseconds)
  return function(json)
    assert.is_true(json.renew_after_ms <= milliseconds and json.renew_after_ms > milliseconds - 1000)
  end
end

local bounds = {
  refused("ttl 0", { ttl_seconds = 0 }, 400, "invalid_ttl"),
  granted("ttl 1", { ttl_seconds = 1 }, renew_after(500)),
  granted("ttl 3600", { ttl_seconds = 3600 }, renew_after(1800000)),
  refused("ttl 3601", { ttl_seconds = 3601 }, 400, "invalid_ttl"),
  refused("ttl 2^32 - 1", '{"ttl_seconds":4294967295}', 400, "invalid_ttl"),
  refused("ttl 2^32", '{"ttl_seconds":4294967296}', 422, "invalid_input"),
  refused("ttl beyond a double", '{"ttl_seconds":1e400}', 400, "invalid_input"),
  refused("ttl of 30 digits", '{"ttl_seconds":100000000000000000000000000000}', 422, "invalid_input"),
  refused("ttl negative", { ttl_seconds = -1 }, 422, "invalid_input"),
  refused("ttl with a fraction", { ttl_seconds = 1.5 }, 422, "invalid_input"),
  refused("ttl whole but written with a point", '{"ttl_seconds":60.0}', 422, "invalid_input"),
  refused("ttl with an exponent", '{"ttl_seconds":6e1}', 422, "invalid_input"),
  refused("ttl as a string", { ttl_seconds = "60" }, 422, "invalid_input"),
  refused("ttl as a boolean", { ttl_seconds = true }, 422, "invalid_input"),
  granted("ttl null means 60", '{"ttl_seconds":null}', renew_after(30000)),
  granted("ttl left out means 60", {}, renew_after(30000)),
  granted("metadata of 1024 characters", { metadata = ("m"):rep(1024) }),
  refused("metadata of 1025 characters", { metadata = ("m"):rep(1025) }, 400, "invalid_input"),
  granted("metadata of 1024 characters of two bytes", { metadata = ("\195\164"):rep(1024) }),
  refused("metadata of 1025 characters of two bytes", { metadata = ("\195\164"):rep(1025) }, 400, "invalid_input"),
  granted("metadata of 1024 characters of four bytes", { metadata = ("\240\159\144\153"):rep(1024) }),
  refused("metadata of 1025 characters of four bytes", { metadata = ("\240\159\144\153"):rep(1025) },
    400, "invalid_input"),
  granted("metadata of 1024 escaped surrogate pairs", '{"metadata":"' .. ("\\ud83d\\udc19"):rep(1024) .. '"}'),
  granted("metadata empty", { metadata = "" }, function(json) assert.are.equal("", json.metadata) end),
  granted("metadata with a NUL", '{"metadata":"a\\u0000b"}', function(json)
    assert.are.equal("a\0b", json.metadata)
  end),
  refused("metadata as a number", { metadata = 1 }, 422, "invalid_input"),
  refused("metadata as an object", { metadata = { a = 1 } }, 422, "invalid_input"),
  refused("metadata with a lone surrogate", '{"metadata":"\\ud800"}', 400, "invalid_input"),
  refused("metadata that is no UTF-8", '{"metadata":"\255"}', 400, "invalid_input"),
  refused("metadata with a raw control character", '{"metadata":"a\nb"}', 400, "invalid_input"),
}

local bodies = {
  refused("body empty", "", 400, "invalid_input"),
  refused("body null", "null", 422, "invalid_input"),
  refused("body []", "[]", 422, "invalid_input"),
  refused("body a string", '"x"', 422, "invalid_input"),
  refused("body a number", "1", 422, "invalid_input"),
  refused("body truncated", '{"ttl_seconds":', 400, "invalid_input"),
  granted("what follows the body's value is not read", "{} and more"),
  refused("body with a trailing comma", '{"ttl_seconds":60,}', 400, "invalid_input"),
  refused("body with a byte order mark", "\239\187\191{}", 400, "invalid_input"),
  refused("body with NaN", '{"ttl_seconds":NaN}', 400, "invalid_input"),
  granted("an unknown field nested 200 deep", '{"x":' .. ("["):rep(200) .. ("]"):rep(200) .. "}"),
  granted("body with white space around", " \r\n\t{ } \n"),
  granted("unknown fields are ignored", { ttl_seconds = 60, colour = "blue", nested = { a = { 1, 2 } } }),
  refused("a field given twice", '{"ttl_seconds":60,"ttl_seconds":60}', 422, "invalid_input"),
  granted("an unknown field given twice", '{"x":1,"x":2}'),
  step.answers("a body in chunks", "POST", TARGET, { chunks = { '{"ttl_sec', 'onds":6', "0}" } }, 200),
  step.fails("a broken body in chunks", "POST", TARGET, { chunks = { "{", '"' } }, 400, "invalid_input"),
  step.fails("no content type", "POST", TARGET, { body = "{}", headers = { ["Content-Type"] = false } },
    415, "invalid_input"),
  step.fails("no content type and no body", "POST", TARGET, {}, 415, "invalid_input"),
  step.fails("text/plain", "POST", TARGET, { body = "{}", headers = { ["Content-Type"] = "text/plain" } },
    415, "invalid_input"),
  step.fails("application/x-www-form-urlencoded", "POST", TARGET,
    { body = "ttl_seconds=60", headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } },
    415, "invalid_input"),
  step.answers("a charset in the content type", "POST", TARGET,
    { body = "{}", headers = { ["Content-Type"] = "application/json; charset=utf-8" } }, 200),
  step.answers("a +json content type", "POST", TARGET,
    { body = "{}", headers = { ["Content-Type"] = "application/vnd.octostore+json" } }, 200),
  step.answers("an upper-case content type", "POST", TARGET,
    { body = "{}", headers = { ["Content-Type"] = "APPLICATION/JSON" } }, 200),
}

local sessions = {
  refused("ephemeral without a session", { ephemeral = true }, 400, "invalid_input"),
  refused("ephemeral as a string", { ephemeral = "true" }, 422, "invalid_input"),
  refused("session that is no UUID", { session_id = "session" }, 422, "invalid_input"),
  refused("session unknown", { session_id = UNKNOWN_ID, ephemeral = true }, 404, "not_found"),
  refused("session unknown, not ephemeral", { session_id = UNKNOWN_ID }, 404, "not_found"),
  granted("ephemeral null and session null", '{"ephemeral":null,"session_id":null}'),
  {
    name = "session of another user",
    run = function(t)
      local session = t:session(60, { as = "bob" })
      t:fails(t:ephemeral(t:unique("foreign"), session), 404, "not_found")
    end,
  },
  {
    name = "two sessions of one token exclude each other and the plain token",
    run = function(t)
      local name = t:unique("exclusive")
      local first, second = t:session(60), t:session(60)
      local lease = t:ok(t:ephemeral(name, first)).json
      assert.are.equal("acquired", lease.status)
      local held = t:held(t:ephemeral(name, second))
      assert.are.equal(held.holder_id, t:held(t:acquire(name)).holder_id)
      assert.are.equal(lease.lease_id, t:ok(t:ephemeral(name, first)).json.lease_id)
    end,
  },
  {
    name = "a session that is not ephemeral leaves the user as the holder",
    run = function(t)
      local name = t:unique("correlated")
      local lease = t:lease(name, { session_id = t:session(60) })
      assert.are.equal(lease.lease_id, t:lease(name).lease_id)
    end,
  },
  {
    name = "a plain lock shuts out the user's own session",
    run = function(t)
      local name = t:unique("plain")
      t:lease(name)
      t:held(t:ephemeral(name, t:session(60)))
    end,
  },
}

local holders = {
  {
    name = "the answer to a first acquire",
    run = function(t)
      local lease = t:lease(t:unique("first"), { ttl_seconds = 60, metadata = "job 7" })
      t:uuid(lease.lease_id)
      assert.is_true(lease.fencing_token >= 1)
      assert.are.equal("job 7", lease.metadata)
      assert.is_truthy(lease.expires_at:match("^%d+%-%d%d%-%d%dT[%d:.]+Z$"))
    end,
  },
  {
    name = "a lock of another user is held, with status 200",
    run = function(t)
      local name = t:unique("held")
      local lease = t:lease(name, { ttl_seconds = 60, metadata = "mine" })
      local held = t:held(t:acquire(name, {}, { as = "bob" }))
      t:uuid(held.holder_id)
      t:near(60000, held.retry_after_ms)
      assert.are.equal("mine", held.metadata)
      assert.are.equal(lease.expires_at, held.expires_at)
      assert.is_nil(held.lease_id)
      assert.is_nil(held.fencing_token)
    end,
  },
  {
    name = "held without metadata says null",
    run = function(t)
      local name = t:unique("bare")
      t:lease(name)
      t:held(t:acquire(name, {}, { as = "bob" }))
    end,
  },
  {
    name = "the same token gets the same lease, with the first metadata",
    run = function(t)
      local name = t:unique("again")
      local first = t:lease(name, { metadata = "first" })
      local second = t:lease(name, { metadata = "second" })
      assert.are.equal(first.lease_id, second.lease_id)
      assert.are.equal(first.fencing_token, second.fencing_token)
      assert.are.equal("first", second.metadata)
    end,
  },
  {
    name = "acquiring again never shortens the lease",
    run = function(t)
      local name = t:unique("shorter")
      local first = t:lease(name, { ttl_seconds = 600 })
      assert.are.equal(first.expires_at, t:lease(name, { ttl_seconds = 60 }).expires_at)
    end,
  },
  {
    name = "acquiring again lengthens the lease",
    run = function(t)
      local name = t:unique("longer")
      local first = t:lease(name, { ttl_seconds = 60 })
      local second = t:lease(name, { ttl_seconds = 600 })
      assert.is_true(first.expires_at < second.expires_at)
      renew_after(300000)(second)
    end,
  },
  {
    name = "each new lease has a greater fencing token",
    run = function(t)
      local name = t:unique("fence")
      local first = t:lease(name)
      t:ok(t:release(name, first.lease_id))
      local second = t:lease(name, {}, { as = "bob" })
      assert.is_true(second.fencing_token > first.fencing_token)
      assert.are_not.equal(first.lease_id, second.lease_id)
      assert.is_true(t:lease(t:unique("fence")).fencing_token > second.fencing_token)
    end,
  },
  {
    name = "the administrator is a holder of its own",
    run = function(t)
      local name = t:unique("admin")
      local lease = t:lease(name, {}, { admin = true })
      t:held(t:acquire(name))
      t:ok(t:release(name, lease.lease_id, { admin = true }))
    end,
  },
  {
    name = "an expired lease gives way to another user's",
    after = 1,
    prepare = function(t)
      t.name = t:unique("expired")
      t.old = t:lease(t.name, { ttl_seconds = 1 })
    end,
    run = function(t)
      t:eventually(5, function() return t:status(t.name).json.status == "free" end)
      local lease = t:lease(t.name, {}, { as = "bob" })
      assert.is_true(lease.fencing_token > t.old.fencing_token)
    end,
  },
  {
    name = "an expired lease of one's own is not the same lease again",
    after = 1,
    prepare = function(t)
      t.name = t:unique("lapsed")
      t.old = t:lease(t.name, { ttl_seconds = 1, metadata = "old" })
    end,
    run = function(t)
      t:eventually(5, function() return t:status(t.name).json.status == "free" end)
      local lease = t:lease(t.name)
      assert.are_not.equal(t.old.lease_id, lease.lease_id)
    end,
  },
}

return step.join(holders, bounds, bodies, sessions)
