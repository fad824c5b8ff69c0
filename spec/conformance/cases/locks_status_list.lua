-- Conformance cases: GET /locks/{name} and GET /locks.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own and lists by a prefix of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function list(t, prefix, options)
  return t:ok(t:request("GET", "/locks?prefix=" .. t:segment(prefix), options)).json
end

return {
  {
    name = "a lock that never was is free",
    run = function(t)
      local name = t:unique("never")
      local status = t:ok(t:status(name)).json
      assert.are.equal("free", status.status)
      assert.are.equal(name, status.name)
      assert.is_true(status.fencing_token >= 1)
    end,
  },
  {
    name = "a held lock",
    run = function(t)
      local name = t:unique("held")
      local lease = t:lease(name, { metadata = "why" })
      local status = t:ok(t:status(name, { as = "bob" })).json
      assert.are.equal("held", status.status)
      assert.are.equal(lease.fencing_token, status.fencing_token)
      assert.are.equal(lease.expires_at, status.expires_at)
      assert.are.equal("why", status.metadata)
      assert.is_nil(status.lease_id)
    end,
  },
  {
    name = "one holder has one pseudonym, another has another, a session its own",
    run = function(t)
      local first, second, third, fourth = t:unique("a"), t:unique("b"), t:unique("c"), t:unique("d")
      t:lease(first)
      t:lease(second)
      t:lease(third, {}, { as = "bob" })
      local session = t:session(60)
      t:ok(t:ephemeral(fourth, session))
      local mine = t:status(first).json.holder_id
      assert.are.equal(mine, t:status(second).json.holder_id)
      assert.are_not.equal(mine, t:status(third).json.holder_id)
      local of_session = t:status(fourth).json.holder_id
      assert.are_not.equal(mine, of_session)
      assert.are_not.equal(session, of_session)
    end,
  },
  {
    name = "a released lock is free and shows nobody",
    run = function(t)
      local name = t:unique("released")
      t:ok(t:release(name, t:lease(name, { metadata = "gone" }).lease_id))
      assert.are.equal("free", t:ok(t:status(name)).json.status)
    end,
  },
  {
    name = "lists the held locks of all users under a prefix, without lease ids",
    run = function(t)
      local prefix = t:unique("list") .. "/"
      t:lease(prefix .. "a", { metadata = "one" })
      t:lease(prefix .. "b", {}, { as = "bob" })
      t:ok(t:release(prefix .. "c", t:lease(prefix .. "c").lease_id))
      local answer = list(t, prefix)
      assert.are.equal(2, answer.total)
      assert.are.equal(2, #answer.locks)
      assert.are.equal(prefix, answer.prefix)
      assert.is_nil(answer.locks[1].lease_id)
    end,
  },
  {
    name = "a prefix is one of bytes, not of components",
    run = function(t)
      local prefix = t:unique("pre")
      t:lease(prefix .. "fix")
      assert.are.equal(1, list(t, prefix).total)
      assert.are.equal(0, list(t, prefix .. "/").total)
    end,
  },
  {
    name = "a prefix that matches nothing",
    run = function(t)
      local answer = list(t, t:unique("nothing"))
      assert.are.equal(0, answer.total)
    end,
  },
  {
    name = "no entry shows its ACL",
    run = function(t)
      local name = t:unique("acl")
      t:lease(name, { acl = { acquire = { "user:alice" } } })
      assert.is_nil(list(t, name).locks[1].acl)
    end,
  },
  {
    name = "an expired lock is not listed",
    after = 1,
    prepare = function(t)
      t.name = t:unique("expired")
      t:lease(t.name, { ttl_seconds = 1 })
    end,
    run = function(t)
      t:eventually(5, function() return t:status(t.name).json.status == "free" end)
      assert.are.equal(0, list(t, t.name).total)
    end,
  },
  {
    name = "a prefix may hold any characters",
    run = function(t)
      assert.are.equal("a b\195\164", list(t, "a b\195\164").prefix)
    end,
  },
  {
    name = "no prefix lists all, and says null",
    run = function(t)
      t:lease(t:unique("all"))
      local answer = t:ok(t:request("GET", "/locks", { quiet = true })).json
      assert.are.equal(answer.total, #answer.locks)
      assert.is_true(answer.total >= 1)
      assert.is_nil(answer.locks[1].lease_id)
      assert.are.equal("userdata", type(answer.prefix))
    end,
  },
  {
    name = "locks of elections are not listed",
    run = function(t)
      local election = t:unique("election-room")
      t:leader(election)
      assert.are.equal(0, list(t, "__election/" .. election).total)
    end,
  },
  step.answers("unknown query parameters are ignored", "GET", "/locks?prefix=none-such&colour=blue", {}, 200),
  step.answers("a plus in the query is a space", "GET", "/locks?prefix=a+b", {}, 200, function(response)
    assert.are.equal("a b", response.json.prefix)
  end),
  step.fails("a prefix given twice", "GET", "/locks?prefix=a&prefix=b", {}, 400, "invalid_input"),
  step.fails("status without a token", "GET", "/locks/a", { no_auth = true }, 401, "authentication_required"),
  step.fails("list without a token", "GET", "/locks", { no_auth = true }, 401, "authentication_required"),
}
