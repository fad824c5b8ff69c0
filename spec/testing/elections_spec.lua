-- Elections of the service in virtual time: leaders, terms, the ration of requests and the capacity.
-- May use: octostore.testing, spec.support.in_process.

local in_process = require "spec.support.in_process"

describe("elections of octostore.testing", function()
  local world

  before_each(function()
    world = in_process.new()
  end)

  local function call(method, path, body)
    return world:request(method, "/elections" .. path, body, false)
  end

  local function campaign(candidate, ttl_seconds, id)
    local body = { candidate_id = candidate, ttl_seconds = ttl_seconds or 30 }
    return call("POST", "/" .. (id or "election-1") .. "/campaign", body).json
  end

  it("have one leader, and everybody else follows", function()
    local leader, follower = campaign("one", 20), campaign("two", 20)
    assert.same({ "leader", 10000 }, { leader.status, leader.renew_after_ms })
    assert.same({ "follower", "one", 20000 },
      { follower.status, follower.leader.candidate_id, follower.retry_after_ms })
    assert.is_nil(follower.leader_token)
  end)

  it("make even the leader follow itself", function()
    campaign "one"
    assert.equal("follower", campaign("one").status)
  end)

  it("end with the TTL, and the next term is greater", function()
    local first = campaign("one", 7).leader.term
    world.clock:advance(7.001)
    assert.equal("vacant", call("GET", "/election-1").json.status)
    assert.is_true(campaign("two").leader.term > first)
  end)

  it("are renewed and resigned by token only", function()
    local leader = campaign("one", 7)
    world.clock:advance(5)
    local body = { leader_token = leader.leader_token, ttl_seconds = 60 }
    assert.equal(leader.leader.term, call("POST", "/election-1/renew", body).json.leader.term)
    assert.equal(60000, call("GET", "/election-1").json.retry_after_ms)
    local resigned = call("POST", "/election-1/resign", body).json
    assert.same({ "vacant", leader.leader.term }, { resigned.status, resigned.previous_term })
    assert.equal(404, call("POST", "/election-1/renew", body).status)
  end)

  it("tell a token of another term from what is no token", function()
    local old = campaign("one", 7).leader_token
    world.clock:advance(8)
    campaign "two"
    local other = call("POST", "/election-1/renew", { leader_token = old })
    assert.same({ 400, "lease_not_current" }, { other.status, other.json.code })
    for _, wrong in ipairs { "", "short", old .. "A", old:sub(1, 42) .. "B" } do
      local refused = call("POST", "/election-1/renew", { leader_token = wrong })
      assert.same({ 400, "invalid_input" }, { refused.status, refused.json.code })
    end
  end)

  it("check ids, candidates and TTLs", function()
    assert.equal(400, call("GET", "/short").status)
    assert.equal(400, call("POST", "/election-1/campaign", { candidate_id = "a b" }).status)
    for _, ttl_seconds in ipairs { 4, 301 } do
      local body = { candidate_id = "one", ttl_seconds = ttl_seconds }
      assert.equal("invalid_ttl", call("POST", "/election-1/campaign", body).json.code)
    end
  end)

  it("need no account, and are switched off", function()
    world = in_process.new { elections = false }
    local refused = call("POST", "", nil)
    assert.same({ 403, "forbidden" }, { refused.status, refused.json.code })
  end)

  it("say when a campaign may come again", function()
    world = in_process.new { election_requests_per_minute = 1 }
    call("POST", "")
    world.clock:advance(15)
    local refused = call("POST", "")
    assert.same({ 429, "rate_limited", 45000, "45" },
      { refused.status, refused.json.code, refused.json.retry_after_ms, refused.headers["retry-after"] })
    assert.equal(200, call("GET", "/election-1").status)
  end)

  it("are limited in number, vacant ones aside", function()
    world = in_process.new { max_elections = 1 }
    campaign("one", 7)
    assert.equal("follower", campaign("two").status)
    local refused = call("POST", "/election-2/campaign", { candidate_id = "one" })
    assert.same({ 409, "capacity_exceeded", "30" },
      { refused.status, refused.json.code, refused.headers["retry-after"] })
    world.clock:advance(7.001)
    assert.equal("leader", campaign("one", 30, "election-2").status)
  end)

  it("are no locks to anybody", function()
    campaign "one"
    assert.equal(0, world:request("GET", "/locks").json.total)
    assert.equal(403, world:request("GET", "/locks/__election%2Felection-1").status)
  end)

  it("begin a watch with their state", function()
    local function watch()
      return world.service({ method = "GET", path = "/elections/election-1/watch" }, world.clock:now()).body
    end
    local vacant = watch()
    assert.matches("^event: state\nretry: 1000\ndata: {", vacant)
    assert.matches('"leader":null', vacant, 1, true)
    campaign "one"
    assert.matches('"candidate_id":"one"', watch(), 1, true)
  end)
end)
