-- Conformance cases: watch streams, their first frame and the events that follow.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has names of its own; the context closes the streams.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function open(t, target, options)
  local head, stream = t:watch(target, options)
  t:ok(head)
  assert.are.equal("text/event-stream", head.headers["content-type"])
  return stream
end

local function next_event(t, stream, event)
  local frame = t:frame(stream).json
  assert.are.equal(event, frame.event)
  assert.is_string(frame.observed_at)
  return frame
end

local function open_election(t, room)
  return open(t, "/elections/" .. room .. "/watch")
end

return {
  {
    name = "a free lock begins with released",
    run = function(t)
      local name = t:unique("free")
      local frame = next_event(t, open(t, "/locks/" .. name .. "/watch"), "released")
      assert.are.equal(name, frame.lock_name)
      assert.is_nil(frame.fencing_token)
    end,
  },
  {
    name = "a held lock begins with acquired",
    run = function(t)
      local name = t:unique("held")
      local lease = t:lease(name)
      local frame = next_event(t, open(t, "/locks/" .. name .. "/watch", { as = "bob" }), "acquired")
      assert.are.equal(lease.fencing_token, frame.fencing_token)
      assert.are.equal(lease.expires_at, frame.expires_at)
      assert.is_nil(frame.lease_id)
      assert.is_nil(frame.metadata)
    end,
  },
  {
    name = "acquired, renewed and released follow as they happen",
    run = function(t)
      local name = t:unique("live")
      local stream = open(t, "/locks/" .. name .. "/watch")
      next_event(t, stream, "released")
      local lease = t:lease(name)
      assert.are.equal(lease.fencing_token, next_event(t, stream, "acquired").fencing_token)
      local renewed = t:ok(t:renew(name, lease.lease_id, 600)).json
      assert.are.equal(renewed.expires_at, next_event(t, stream, "renewed").expires_at)
      t:ok(t:acquire(name))
      next_event(t, stream, "renewed")
      t:ok(t:release(name, lease.lease_id))
      next_event(t, stream, "released")
    end,
  },
  {
    name = "another lock's events do not come",
    run = function(t)
      local name = t:unique("mine")
      local stream = open(t, "/locks/" .. name .. "/watch")
      next_event(t, stream, "released")
      t:lease(t:unique("other"))
      t:lease(name)
      assert.are.equal(name, next_event(t, stream, "acquired").lock_name)
    end,
  },
  {
    name = "a name with a slash is watched",
    run = function(t)
      local name = t:unique("tree") .. "/leaf"
      local frame = next_event(t, open(t, "/locks/" .. t:segment(name) .. "/watch"), "released")
      assert.are.equal(name, frame.lock_name)
    end,
  },
  {
    name = "the end of a session tells released",
    run = function(t)
      local name, session = t:unique("session"), t:session(60)
      t:ok(t:ephemeral(name, session))
      local stream = open(t, "/locks/" .. name .. "/watch")
      next_event(t, stream, "acquired")
      t:ok(t:request("DELETE", "/sessions/" .. session), 204)
      next_event(t, stream, "released")
    end,
  },
  {
    name = "a lock without a token",
    run = function(t)
      t:fails(t:watch("/locks/a/watch", { no_auth = true }), 401, "authentication_required")
    end,
  },
  {
    name = "a lock with a bad name",
    run = function(t) t:fails(t:watch("/locks/a%20b/watch"), 400, "invalid_lock_name") end,
  },
  {
    name = "a lock of elections",
    run = function(t) t:fails(t:watch("/locks/__election%2Froom-1234/watch"), 403, "forbidden") end,
  },
  {
    name = "a vacant election begins with its state",
    run = function(t)
      local room = t:unique("election")
      local frame = t:frame(open_election(t, room))
      assert.are.equal("state", frame.event)
      assert.are.equal("1000", frame.retry)
      assert.are.equal(1, frame.json.schema_version)
      assert.are.equal("vacant", frame.json.status)
    end,
  },
  {
    name = "a led election begins with its leader",
    run = function(t)
      local room = t:unique("election")
      local leader = t:leader(room, { candidate_id = "me", metadata = "here" })
      local frame = t:frame(open_election(t, room)).json
      assert.are.equal("leader", frame.status)
      assert.are.equal(leader.leader.term, frame.leader.term)
      assert.is_nil(frame.leader_token)
    end,
  },
  step.fails("an election with a bad id", "GET", "/elections/short/watch", {}, 400, "invalid_input"),
}
