-- Conformance cases: public elections, which need no token.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has election ids of its own.

local assert = require "luassert"
local step = require "spec.conformance.step"

-- The token of somebody who never led: the right length, in URL-safe base64.
local NOBODY = ("A"):rep(43)

local CAMPAIGN = "/elections/room-{name}/campaign"

local function refused(name, body, status, code)
  return step.fails(name, "POST", CAMPAIGN, { body = body }, status or 400, code or "invalid_input")
end

local function elected(name, body, check)
  return step.answers(name, "POST", CAMPAIGN, { body = body }, 200, function(response)
    assert.are.equal("leader", response.json.status)
    if check then check(response.json) end
  end)
end

local function by(candidate, ttl_seconds, metadata)
  return { candidate_id = candidate, ttl_seconds = ttl_seconds, metadata = metadata }
end

local function renew_after(milliseconds)
  return function(json) assert.are.equal(milliseconds, json.renew_after_ms) end
end

local bounds = {
  refused("ttl 4", by("a", 4), 400, "invalid_ttl"),
  elected("ttl 5", by("a", 5), renew_after(2500)),
  elected("ttl 300", by("a", 300), renew_after(150000)),
  refused("ttl 301", by("a", 301), 400, "invalid_ttl"),
  elected("ttl left out means 30", by("a"), renew_after(15000)),
  refused("ttl negative", by("a", -1), 422),
  elected("a candidate of 64 characters", by(("c"):rep(64))),
  refused("a candidate of 65 characters", by(("c"):rep(65))),
  refused("a candidate without a name", by("")),
  elected("a candidate of every allowed character", by("Az09._:@-")),
  refused("a candidate with a space", by("a b")),
  refused("a candidate with an umlaut", by("\195\164")),
  refused("a candidate with a slash", by("a/b")),
  refused("no candidate", {}, 422),
  refused("a candidate that is a number", by(1), 422),
  refused("an empty body", ""),
  elected("metadata of 1024 characters", by("a", 30, ("\195\164"):rep(1024))),
  refused("metadata of 1025 characters", by("a", 30, ("m"):rep(1025))),
  elected("metadata empty", by("a", 30, ""), function(json) assert.are.equal("", json.leader.metadata) end),
  step.answers("an id of 8 characters", "GET", "/elections/abcd_-09", {}, 200),
  step.fails("an id of 7 characters", "GET", "/elections/abcd_-0", {}, 400, "invalid_input"),
  step.answers("an id of 64 characters", "GET", "/elections/" .. ("e"):rep(64), {}, 200),
  step.fails("an id of 65 characters", "GET", "/elections/" .. ("e"):rep(65), {}, 400, "invalid_input"),
  step.fails("an id with a dot", "GET", "/elections/abcd.efgh", {}, 400, "invalid_input"),
  step.fails("an id with a slash", "GET", "/elections/abcd%2Fefgh", {}, 400, "invalid_input"),
  step.fails("an id that is no UTF-8", "GET", "/elections/abcdefg%FF", {}, 400, "invalid_input"),
  step.fails("a campaign checks the id", "POST", "/elections/short/campaign", { body = by("a") }, 400, "invalid_input"),
  step.fails("the id comes before the candidate's TTL", "POST", "/elections/short/campaign", { body = by("a", 1) },
    400, "invalid_input"),
  step.fails("renew checks the id", "POST", "/elections/short/renew", { body = { leader_token = NOBODY } },
    400, "invalid_input"),
  step.fails("resign checks the id", "POST", "/elections/short/resign", { body = { leader_token = NOBODY } },
    400, "invalid_input"),
}

local tokens = {
  step.fails("renew of a vacant election", "POST", "/elections/room-{name}/renew", { body = { leader_token = NOBODY } },
    404, "lease_not_current"),
  step.fails("resign from a vacant election", "POST", "/elections/room-{name}/resign",
    { body = { leader_token = NOBODY } }, 404, "lease_not_current"),
  step.fails("renew with a token that is none", "POST", "/elections/room-{name}/renew",
    { body = { leader_token = "token" } }, 400, "invalid_input"),
  step.fails("resign with a token that is none", "POST", "/elections/room-{name}/resign",
    { body = { leader_token = "!" } }, 400, "invalid_input"),
  step.fails("renew with a padded token", "POST", "/elections/room-{name}/renew",
    { body = { leader_token = NOBODY .. "=" } }, 400, "invalid_input"),
  step.fails("renew without a token", "POST", "/elections/room-{name}/renew", { body = {} }, 422, "invalid_input"),
  step.fails("resign without a token", "POST", "/elections/room-{name}/resign", { body = {} }, 422, "invalid_input"),
  step.fails("renew with ttl 4", "POST", "/elections/room-{name}/renew",
    { body = { leader_token = NOBODY, ttl_seconds = 4 } }, 400, "invalid_ttl"),
  step.fails("renew with ttl 301", "POST", "/elections/room-{name}/renew",
    { body = { leader_token = NOBODY, ttl_seconds = 301 } }, 400, "invalid_ttl"),
}

local rooms = {
  {
    name = "a new room has an id and its paths, and is vacant",
    run = function(t)
      local room = t:ok(t:request("POST", "/elections"), 201).json
      assert.are.equal(32, #room.election_id)
      assert.are.equal("/elections/" .. room.election_id .. "/campaign", room.campaign_path)
      assert.are.equal("/elections/" .. room.election_id, room.status_path)
      assert.are.equal("/elections/" .. room.election_id .. "/watch", room.watch_path)
      local status = t:ok(t:request("GET", room.status_path)).json
      assert.are.equal("vacant", status.status)
      assert.are.equal(0, status.retry_after_ms)
      t:leader(room.election_id)
    end,
  },
  step.answers("a new room needs no body, and reads none", "POST", "/elections", { body = "no JSON" }, 201),
  {
    name = "the first candidate leads and all others follow",
    run = function(t)
      local room = t:unique("election")
      local leader = t:leader(room, by("first", 60, "one"))
      assert.are.equal(43, #leader.leader_token)
      assert.are.equal("first", leader.leader.candidate_id)
      local follower = t:ok(t:campaign(room, by("second", 60))).json
      assert.are.equal("follower", follower.status)
      assert.are.equal("one", follower.leader.metadata)
      assert.are.equal(leader.leader.term, follower.leader.term)
      assert.is_nil(follower.leader_token)
      t:near(60000, follower.retry_after_ms)
    end,
  },
  {
    name = "a leader who campaigns again follows itself",
    run = function(t)
      local room = t:unique("election")
      t:leader(room, by("same"))
      assert.are.equal("follower", t:ok(t:campaign(room, by("same"))).json.status)
    end,
  },
  {
    name = "status shows the leader, and no token",
    run = function(t)
      local room = t:unique("election")
      local leader = t:leader(room, by("me"))
      local status = t:ok(t:request("GET", "/elections/" .. room)).json
      assert.are.equal("leader", status.status)
      assert.are.equal(leader.leader.term, status.leader.term)
      assert.is_nil(status.leader_token)
      t:near(30000, status.retry_after_ms)
    end,
  },
  {
    name = "renewing keeps term and token and sets a new end",
    run = function(t)
      local room = t:unique("election")
      local leader = t:leader(room, by("me", 5, "kept"))
      local body = { leader_token = leader.leader_token, ttl_seconds = 300 }
      local renewed = t:ok(t:request("POST", "/elections/" .. room .. "/renew", { body = body })).json
      assert.are.equal("leader", renewed.status)
      assert.are.equal(leader.leader_token, renewed.leader_token)
      assert.are.equal(leader.leader.term, renewed.leader.term)
      assert.are.equal("kept", renewed.leader.metadata)
      assert.is_true(renewed.leader.expires_at > leader.leader.expires_at)
      assert.are.equal(150000, renewed.renew_after_ms)
    end,
  },
  {
    name = "a renewal without a TTL means 30",
    run = function(t)
      local room = t:unique("election")
      local body = { leader_token = t:leader(room, by("me", 300)).leader_token }
      local renewed = t:ok(t:request("POST", "/elections/" .. room .. "/renew", { body = body })).json
      assert.are.equal(15000, renewed.renew_after_ms)
    end,
  },
  {
    name = "resigning makes it vacant, and the next term is greater",
    run = function(t)
      local room = t:unique("election")
      local leader = t:leader(room)
      local path, body = "/elections/" .. room .. "/resign", { leader_token = leader.leader_token }
      local answer = t:ok(t:request("POST", path, { body = body })).json
      assert.are.equal("vacant", answer.status)
      assert.are.equal(leader.leader.term, answer.previous_term)
      assert.are.equal("vacant", t:request("GET", "/elections/" .. room).json.status)
      t:fails(t:request("POST", path, { body = body }), 404, "lease_not_current")
      assert.is_true(t:leader(room).leader.term > leader.leader.term)
      t:fails(t:request("POST", path, { body = body }), 400, "lease_not_current")
    end,
  },
  {
    name = "a token of another leader neither renews nor resigns",
    run = function(t)
      local room = t:unique("election")
      t:leader(room)
      local body = { leader_token = t:leader(t:unique("other-room")).leader_token }
      t:fails(t:request("POST", "/elections/" .. room .. "/renew", { body = body }), 400, "lease_not_current")
      t:fails(t:request("POST", "/elections/" .. room .. "/resign", { body = body }), 400, "lease_not_current")
    end,
  },
  {
    name = "a token of an account is not looked at",
    run = function(t)
      t:ok(t:request("GET", "/elections/" .. t:unique("election"), { token = "none-such" }))
    end,
  },
  {
    name = "an expired leader is gone",
    after = 5,
    prepare = function(t)
      t.room = t:unique("election")
      t.leader_token = t:leader(t.room, by("me", 5)).leader_token
    end,
    run = function(t)
      local path = "/elections/" .. t.room
      t:eventually(8, function() return t:request("GET", path).json.status == "vacant" end)
      t:fails(t:request("POST", path .. "/renew", { body = { leader_token = t.leader_token } }),
        404, "lease_not_current")
      t:leader(t.room, by("next"))
    end,
  },
  {
    name = "campaigns are rationed, 600 a minute and client",
    run = function(t)
      local headers, room = { ["CF-Connecting-IP"] = "203.0.113.7" }, t:unique("election")
      local function enter() return t:request("POST", "/elections", { headers = headers }) end
      t:quietly(function()
        for _ = 1, 600 do t:ok(enter(), 201) end
      end)
      local response = t:fails(enter(), 429, "rate_limited")
      assert.are.equal(tonumber(response.headers["retry-after"]) * 1000, response.json.retry_after_ms)
      local campaign = t:request("POST", "/elections/" .. room .. "/campaign", { headers = headers, body = by("a") })
      t:fails(campaign, 429, "rate_limited")
      t:ok(t:request("GET", "/elections/" .. room, { headers = headers }))
      t:leader(room)
    end,
  },
}

local function closed(method, path, body)
  local case = step.fails(method .. " " .. path .. " where elections are off", method, path, { body = body },
    403, "forbidden")
  case.mode = "closed"
  return case
end

local off = {
  closed("POST", "/elections"),
  closed("GET", "/elections/abcdefgh"),
  closed("GET", "/elections/abcdefgh/watch"),
  closed("POST", "/elections/abcdefgh/campaign", by("a")),
  closed("POST", "/elections/abcdefgh/renew", { leader_token = NOBODY }),
  closed("POST", "/elections/abcdefgh/resign", { leader_token = NOBODY }),
}

local full = {
  {
    name = "where two elections fit, a third is refused until one is vacant",
    mode = "small",
    run = function(t)
      local function enter(room)
        return t:request("POST", "/elections/" .. room .. "/campaign", { body = by("a") })
      end
      local first = t:ok(enter("first-room"))
      t:ok(enter("second-room"))
      local refusal = t:fails(enter("third-room"), 409, "capacity_exceeded")
      assert.are.equal(30000, refusal.json.retry_after_ms)
      assert.are.equal("30", refusal.headers["retry-after"])
      assert.are.equal("follower", t:ok(enter("first-room")).json.status)
      local resignation = { body = { leader_token = first.json.leader_token } }
      t:ok(t:request("POST", "/elections/first-room/resign", resignation))
      t:ok(enter("third-room"))
    end,
  },
}

return step.join(rooms, bounds, tokens, off, full)
