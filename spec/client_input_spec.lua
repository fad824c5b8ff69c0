-- Bad input: bad values are returned as errors before any request, wrong types are raised at the caller's line.
-- Uses: a client on a fake driver that refuses to be called.
-- Owner: nothing.

local answers = require "spec.support.answers"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"

local NAME_RULE = "1 to 256 bytes of UTF-8 in components of 1 to 64 bytes"
local LEASE = answers.LEASE

describe("bad input", function()
  local client, driver

  before_each(function() client, driver = fake_driver.client {} end)
  after_each(function() assert.are.equal(0, #driver.requests) end)

  describe("of a lock name", function()
    for description, name in pairs {
      ["is empty"] = "",
      ["is .."] = "..",
      ["has .. as a component"] = "a/../b",
      ["starts with /"] = "/a",
      ["ends with /"] = "a/",
      ["has an empty component"] = "a//b",
      ["has a component of 65 bytes"] = ("a"):rep(65),
      ["has a later component of 65 bytes"] = "a/" .. ("b"):rep(65),
      ["has 257 bytes"] = ("a"):rep(64) .. ("/" .. ("a"):rep(63)):rep(3) .. "/",
      ["has a space"] = "a b",
      ["has a NUL"] = "a\0b",
      ["has a newline"] = "a\n",
      ["has a %"] = "a%2Fb",
      ["has a ?"] = "a?b",
      ["has a :"] = "a:b",
      ["is not UTF-8"] = "a\255",
      ["is a surrogate"] = "\237\160\128",
      ["is overlong UTF-8"] = "\192\175",
      ["is cut UTF-8"] = "a\195",
    } do
      it("is refused by every call: one that " .. description, function()
        expect.invalid("name", NAME_RULE, client:acquire_lock(name))
        expect.invalid("name", NAME_RULE, client:release_lock(name, LEASE))
        expect.invalid("name", NAME_RULE, client:renew_lock(name, LEASE))
        expect.invalid("name", NAME_RULE, client:get_lock_status(name))
        expect.invalid("name", NAME_RULE, client:lock(name))
        expect.invalid("name", NAME_RULE, client:with_lock(name, nil, function() error("not run") end))
      end)
    end

    it("has to be there: nil is a wrong type", function()
      local message = "bad argument 'name' to '%s' (string expected, got nil)"
      assert.error_matches(function() client:acquire_lock() end, message:format("acquire_lock"), 1, true)
      assert.error_matches(function() client:get_lock_status() end, message:format("get_lock_status"), 1, true)
      assert.error_matches(function() client:release_lock("a") end, "bad argument 'lease_id'", 1, true)
    end)
  end)

  describe("of a TTL", function()
    for _, ttl in ipairs { 0, -1, 3601, 1.5, 0 / 0, 1 / 0, -1 / 0, 1e300 } do
      it("is refused: " .. tostring(ttl), function()
        local rule = "a whole number of seconds from 1 to 3600"
        expect.invalid("ttl", rule, client:acquire_lock("jobs", ttl))
        expect.invalid("ttl", rule, client:acquire_lock("jobs", { ttl = ttl }))
        expect.invalid("ttl", rule, client:renew_lock("jobs", LEASE, ttl))
        expect.invalid("ttl", rule, client:renew_lock("jobs", LEASE, { ttl = ttl }))
        expect.invalid("ttl", rule, client:lock("jobs", { ttl = ttl }))
      end)
    end

    for _, ttl in ipairs { 9, 301, 10.5 } do
      it("of a session is refused: " .. ttl, function()
        expect.invalid("ttl", "a whole number of seconds from 10 to 300", client:create_session(ttl))
      end)
    end
  end)

  describe("of metadata", function()
    it("is refused from 1025 characters on", function()
      local rule = "at most 1024 characters of UTF-8"
      expect.invalid("metadata", rule, client:acquire_lock("jobs", { metadata = ("m"):rep(1025) }))
      expect.invalid("metadata", rule, client:acquire_lock("jobs", { metadata = ("\195\188"):rep(1025) }))
      expect.invalid("metadata", rule, client:acquire_lock("jobs", { metadata = { text = ("m"):rep(1025) } }))
    end)

    it("is refused when it is not UTF-8", function()
      expect.invalid("metadata", "UTF-8", client:acquire_lock("jobs", { metadata = "\255" }))
    end)

    it("is refused when the table cannot be JSON", function()
      expect.invalid("metadata", "cannot be encoded as JSON", client:acquire_lock("jobs", { metadata = { print } }))
      expect.invalid("metadata", "cannot be encoded as JSON", client:lock("jobs", { metadata = { print } }))
    end)
  end)

  describe("of the other options", function()
    for _, delay in ipairs { -1, 31, 0.5 } do
      it("is refused: a lock delay of " .. delay, function()
        expect.invalid("lock_delay", "from 0 to 30", client:acquire_lock("jobs", { lock_delay = delay }))
      end)
    end

    for description, acl in pairs {
      ["empty"] = {},
      ["without a prefix"] = { "alice" },
      ["without a user"] = { "user:" },
      ["of a token with a space"] = { "token:a b" },
    } do
      it("is refused: an access list " .. description, function()
        expect.invalid("acl", "1 to 100 principals", client:acquire_lock("jobs", { acl = { acquire = acl } }))
      end)
    end

    it("is refused: an access list of 101", function()
      local acl = {}
      for i = 1, 101 do
        acl[i] = "user:u" .. i
      end
      expect.invalid("acl", "1 to 100 principals", client:acquire_lock("jobs", { acl = { acquire = acl } }))
    end)

    it("is refused: an ephemeral lock without a session", function()
      expect.failure({ kind = "validation", argument = "session_id" },
        client:acquire_lock("jobs", { ephemeral = true }))
    end)

    it("is refused: a prefix of 257 bytes", function()
      expect.invalid("prefix", "at most 256 bytes", client:list_locks { prefix = ("p"):rep(257) })
    end)

    for _, id in ipairs { "", "7", LEASE .. "0", LEASE:sub(1, -2) .. "g", "../" .. LEASE:sub(4) } do
      it(("is refused without being repeated: '%s' for a lease or session"):format(id), function()
        for argument, err in pairs {
          lease_id = select(2, client:release_lock("jobs", id)),
          session_id = select(2, client:get_session(id)),
        } do
          expect.invalid(argument, "a UUID", nil, err)
          assert.is_nil(#id > 1 and err.message:find(id, 1, true) or nil)
        end
        expect.invalid("lease_id", "a UUID", client:renew_lock("jobs", id))
        expect.invalid("session_id", "a UUID", client:acquire_lock("jobs", { session_id = id, ephemeral = true }))
        expect.invalid("session_id", "a UUID", client:keep_session_alive(id))
        expect.invalid("session_id", "a UUID", client:end_session(id))
      end)
    end

    it("is refused: a timeout for all calls that is not more than 0", function()
      for _, seconds in ipairs { 0, -1, 0 / 0, 1 / 0 } do
        expect.invalid("seconds", "must be more than 0", client:set_timeout(seconds))
      end
    end)

    it("is refused: a wait that is negative or endless", function()
      for _, wait in ipairs { -1, 0 / 0, 1 / 0 } do
        expect.invalid("wait", "must be at least 0", client:lock("jobs", { wait = wait }))
      end
    end)
  end)

  describe("of a wrong type", function()
    it("raises in acquire_lock", function()
      expect.wrong_type("name", "acquire_lock", function() client:acquire_lock(5) end)
      expect.wrong_type("ttl", "acquire_lock", function() client:acquire_lock("jobs", "60") end)
      expect.wrong_type("ttl", "acquire_lock", function() client:acquire_lock("jobs", { ttl = "60" }) end)
      expect.wrong_type("metadata", "acquire_lock", function() client:acquire_lock("jobs", { metadata = 5 }) end)
      expect.wrong_type("session_id", "acquire_lock", function() client:acquire_lock("jobs", { session_id = 5 }) end)
      expect.wrong_type("ephemeral", "acquire_lock", function() client:acquire_lock("jobs", { ephemeral = 1 }) end)
      expect.wrong_type("lock_delay", "acquire_lock", function() client:acquire_lock("jobs", { lock_delay = "5" }) end)
      expect.wrong_type("acl", "acquire_lock", function() client:acquire_lock("jobs", { acl = "user:alice" }) end)
      expect.wrong_type("acl", "acquire_lock", function() client:acquire_lock("jobs", { acl = { "user:alice" } }) end)
      local acl = { acquire = { 5 } }
      expect.wrong_type("acl", "acquire_lock", function() client:acquire_lock("jobs", { acl = acl }) end)
    end)

    it("raises in release_lock, renew_lock, get_lock_status and list_locks", function()
      expect.wrong_type("name", "release_lock", function() client:release_lock({}, LEASE) end)
      expect.wrong_type("lease_id", "release_lock", function() client:release_lock("jobs", 5) end)
      expect.wrong_type("name", "renew_lock", function() client:renew_lock(true, LEASE) end)
      expect.wrong_type("lease_id", "renew_lock", function() client:renew_lock("jobs", {}) end)
      expect.wrong_type("ttl", "renew_lock", function() client:renew_lock("jobs", LEASE, "60") end)
      expect.wrong_type("name", "get_lock_status", function() client:get_lock_status(5) end)
      expect.wrong_type("prefix", "list_locks", function() client:list_locks { prefix = 5 } end)
    end)

    it("raises in the calls of sessions", function()
      expect.wrong_type("ttl", "create_session", function() client:create_session("60") end)
      expect.wrong_type("session_id", "keep_session_alive", function() client:keep_session_alive(5) end)
      expect.wrong_type("session_id", "get_session", function() client:get_session(5) end)
      expect.wrong_type("session_id", "end_session", function() client:end_session(5) end)
    end)

    it("raises in set_timeout", function()
      expect.wrong_type("seconds", "set_timeout", function() client:set_timeout("5") end)
      expect.wrong_type("seconds", "set_timeout", function() client:set_timeout() end)
    end)

    it("raises in lock", function()
      expect.wrong_type("name", "acquire_lock", function() client:lock(5) end)
      expect.wrong_type("options", "lock", function() client:lock("jobs", 60) end)
      expect.wrong_type("wait", "lock", function() client:lock("jobs", { wait = "30" }) end)
      expect.wrong_type("ttl", "acquire_lock", function() client:lock("jobs", { ttl = "60" }) end)
      expect.wrong_type("cancel", "acquire_lock", function() client:lock("jobs", { cancel = true }) end)
    end)

    it("raises in with_lock", function()
      local function body() end
      expect.wrong_type("body", "with_lock", function() client:with_lock("jobs", {}) end)
      expect.wrong_type("body", "with_lock", function() client:with_lock("jobs", body) end)
      expect.wrong_type("name", "acquire_lock", function() client:with_lock(5, {}, body) end)
      expect.wrong_type("options", "lock", function() client:with_lock("jobs", 60, body) end)
      expect.wrong_type("wait", "lock", function() client:with_lock("jobs", { wait = "30" }, body) end)
      expect.wrong_type("ttl", "acquire_lock", function() client:with_lock("jobs", { ttl = "60" }, body) end)
    end)
  end)
end)

describe("input at the edge of a rule", function()
  for description, name in pairs {
    ["a component of 64 bytes"] = ("a"):rep(64),
    ["256 bytes in all"] = ("a"):rep(64) .. ("/" .. ("a"):rep(63)):rep(3),
    ["dots"] = "./.../a.b",
    ["letters beyond ASCII"] = "gr\195\188n/\230\151\165",
  } do
    it("is taken: a name of " .. description, function()
      local client = fake_driver.client { answers.acquired() }
      assert(client:acquire_lock(name))
    end)
  end

  it("is taken: TTLs of 1 and 3600, lock delays of 0 and 30, metadata of 0 and 1024 characters", function()
    local client = fake_driver.client { always = answers.acquired() }
    assert(client:acquire_lock("jobs", 1))
    assert(client:acquire_lock("jobs", 3600))
    assert(client:acquire_lock("jobs", { lock_delay = 0 }))
    assert(client:acquire_lock("jobs", { lock_delay = 30 }))
    assert(client:acquire_lock("jobs", { metadata = "" }))
    assert(client:acquire_lock("jobs", { metadata = ("\240\157\148\132"):rep(1024) }))
  end)
end)
