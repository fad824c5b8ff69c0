-- Every method of the client: the request that it makes and the result that it gives.
-- Uses: a client on a fake driver; the other client_*_spec files have input, errors, rotation and life cycle.
-- Owner: nothing.

local answers = require "spec.support.answers"
local cjson = require "cjson"
local fake_driver = require "spec.support.fake_driver"

local BEARER = "Bearer " .. fake_driver.TOKEN

---A client that gets one answer.
local function client_with(answer)
  return fake_driver.client { answer }
end

local function assert_request(driver, method, path, body)
  assert.are.equal(1, #driver.requests)
  local request = driver.requests[1]
  assert.are.equal(method, request.method)
  assert.are.equal(path, request.path)
  assert.are.equal(fake_driver.BASE_URL .. path, request.url)
  assert.are.same(body, request.body and cjson.decode(request.body))
  assert.are.equal(body and "application/json" or nil, request.headers["Content-Type"])
  assert.are.equal("application/json", request.headers.Accept)
  return request
end

describe("health", function()
  it("asks without a token and answers what the service says of itself", function()
    local client, driver = client_with(answers.health())
    assert.are.same({ status = "ok", storage = "wal", db_size_bytes = 4096 }, client:health())
    local request = assert_request(driver, "GET", "/health")
    assert.is_nil(request.headers.Authorization)
  end)
end)

describe("acquire_lock", function()
  it("asks for 60 seconds and answers the lease", function()
    local client, driver = client_with(answers.acquired { token = "41", renew_after_ms = 29500 })
    assert.are.same({
      status = "acquired", lease_id = answers.LEASE, fencing_token = 41, expires_at = answers.EXPIRES,
      renew_after = 29.5,
    }, client:acquire_lock("jobs"))
    local request = assert_request(driver, "POST", "/locks/jobs/acquire", { ttl_seconds = 60 })
    assert.are.equal(BEARER, request.headers.Authorization)
  end)

  it("takes a TTL by position", function()
    local client, driver = client_with(answers.acquired())
    assert(client:acquire_lock("jobs", 300))
    assert_request(driver, "POST", "/locks/jobs/acquire", { ttl_seconds = 300 })
  end)

  it("takes options", function()
    local client, driver = client_with(answers.acquired { metadata = "worker 7" })
    local lock = assert(client:acquire_lock("jobs", {
      ttl = 1, metadata = "worker 7", session_id = answers.SESSION, ephemeral = true, lock_delay = 30,
      acl = { acquire = { "user:alice", "token:abc" } },
    }))
    assert.are.equal("worker 7", lock.metadata)
    assert_request(driver, "POST", "/locks/jobs/acquire", {
      ttl_seconds = 1, metadata = "worker 7", session_id = answers.SESSION, ephemeral = true, lock_delay_seconds = 30,
      acl = { acquire = { "user:alice", "token:abc" } },
    })
  end)

  it("sends a metadata table as JSON text", function()
    local client, driver = client_with(answers.acquired())
    assert(client:acquire_lock("jobs", { metadata = { host = "a", pid = 7 } }))
    local sent = cjson.decode(driver.requests[1].body)
    assert.are.same({ host = "a", pid = 7 }, cjson.decode(sent.metadata))
  end)

  it("leaves the options that it was given as they are", function()
    local client = client_with(answers.acquired())
    local given = { metadata = { a = 1 }, ttl = 5 }
    assert(client:acquire_lock("jobs", given))
    assert.are.same({ metadata = { a = 1 }, ttl = 5 }, given)
  end)

  it("ignores fields that it does not know", function()
    local client = client_with(answers.raw(200, ('{"status":"acquired","lease_id":"%s","fencing_token":7,'
      .. '"expires_at":"%s","new_in_0_15":{"deep":[1,2,3]}}'):format(answers.LEASE, answers.EXPIRES)))
    assert.is_nil(assert(client:acquire_lock("jobs")).new_in_0_15)
  end)

  for name, path in pairs {
    ["reports/daily"] = "reports%2Fdaily",
    ["a/b/c"] = "a%2Fb%2Fc",
    ["A-Za-z0-9_.x"] = "A-Za-z0-9_.x",
    ["."] = ".",
    ["..."] = "...",
    ["stra\195\159e"] = "stra%C3%9Fe",
    ["\230\151\165\230\156\172"] = "%E6%97%A5%E6%9C%AC",
    ["\240\157\148\132"] = "%F0%9D%94%84",
  } do
    it(("sends the name '%s' as one path segment"):format(name), function()
      local client, driver = client_with(answers.acquired())
      assert(client:acquire_lock(name))
      assert.are.equal("/locks/" .. path .. "/acquire", driver.requests[1].path)
    end)
  end

  it("keeps the path prefix of the base URL", function()
    local client, driver = fake_driver.client({ answers.acquired() }, { base_url = "https://host.example:8443/x/y/" })
    assert(client:acquire_lock("jobs"))
    assert.are.equal("https://host.example:8443/x/y/locks/jobs/acquire", driver.requests[1].url)
    assert.are.equal("/x/y/locks/jobs/acquire", driver.requests[1].path)
  end)
end)

describe("release_lock", function()
  it("gives the lease back", function()
    local client, driver = client_with(answers.released())
    assert.is_true((client:release_lock("a/b", answers.LEASE)))
    assert_request(driver, "POST", "/locks/a%2Fb/release", { lease_id = answers.LEASE })
  end)
end)

describe("renew_lock", function()
  it("asks for 60 seconds from now and answers the lease's new end", function()
    local client, driver = client_with(answers.renewed())
    assert.are.same({ lease_id = answers.LEASE, expires_at = answers.EXPIRES, renew_after = 30 },
      client:renew_lock("jobs", answers.LEASE))
    assert_request(driver, "POST", "/locks/jobs/renew", { lease_id = answers.LEASE, ttl_seconds = 60 })
  end)

  it("takes a TTL by position or as an option", function()
    for _, given in ipairs { 90, { ttl = 90 } } do
      local client, driver = client_with(answers.renewed())
      assert(client:renew_lock("jobs", answers.LEASE, given))
      assert_request(driver, "POST", "/locks/jobs/renew", { lease_id = answers.LEASE, ttl_seconds = 90 })
    end
  end)
end)

describe("get_lock_status", function()
  it("describes a lock that is held", function()
    local client, driver = client_with(answers.raw(200, ('{"name":"a/b","status":"held","holder_id":"h",'
      .. '"fencing_token":9,"expires_at":"%s","metadata":"m","acl":{"acquire":["user:alice"]}}')
      :format(answers.EXPIRES)))
    assert.are.same({
      name = "a/b", status = "held", holder_id = "h", fencing_token = 9, expires_at = answers.EXPIRES, metadata = "m",
      acl = { acquire = { "user:alice" } },
    }, client:get_lock_status("a/b"))
    assert_request(driver, "GET", "/locks/a%2Fb")
  end)

  it("describes one that is free, whose nulls are nothing", function()
    local client = client_with(answers.raw(200, '{"name":"jobs","status":"free","holder_id":null,"fencing_token":10,'
      .. '"expires_at":null,"metadata":null,"acl":null}'))
    assert.are.same({ name = "jobs", status = "free", fencing_token = 10 }, client:get_lock_status("jobs"))
  end)
end)

describe("list_locks", function()
  it("lists what is held", function()
    local client, driver = client_with(answers.raw(200,
      '{"locks":[{"name":"a","status":"held","fencing_token":1},{"name":"b","status":"held","fencing_token":2}],'
      .. '"total":2,"prefix":null}'))
    assert.are.same({
      locks = {
        { name = "a", status = "held", fencing_token = 1 },
        { name = "b", status = "held", fencing_token = 2 },
      },
      total = 2,
    }, client:list_locks())
    assert_request(driver, "GET", "/locks")
  end)

  it("sends a prefix encoded", function()
    local client, driver = client_with(answers.raw(200, '{"locks":[],"total":0,"prefix":"a/b &\195\188"}'))
    assert.are.same({ locks = {}, total = 0, prefix = "a/b &\195\188" }, client:list_locks { prefix = "a/b &\195\188" })
    assert_request(driver, "GET", "/locks?prefix=a%2Fb%20%26%C3%BC")
  end)
end)

describe("sessions", function()
  it("are made for 60 seconds", function()
    local client, driver = client_with(answers.raw(201,
      ('{"session_id":"%s","expires_at":"%s","keepalive_interval_secs":20}'):format(answers.SESSION, answers.EXPIRES)))
    assert.are.same({ session_id = answers.SESSION, expires_at = answers.EXPIRES, keepalive_interval = 20 },
      client:create_session())
    assert_request(driver, "POST", "/sessions", { ttl_seconds = 60 })
  end)

  it("are made for as long as is asked for", function()
    local client, driver = client_with(answers.raw(201,
      ('{"session_id":"%s","expires_at":"%s"}'):format(answers.SESSION, answers.EXPIRES)))
    assert(client:create_session(10))
    assert_request(driver, "POST", "/sessions", { ttl_seconds = 10 })
  end)

  it("are kept alive", function()
    local client, driver = client_with(answers.raw(200,
      ('{"session_id":"%s","expires_at":"%s"}'):format(answers.SESSION, answers.EXPIRES)))
    assert.are.same({ session_id = answers.SESSION, expires_at = answers.EXPIRES },
      client:keep_session_alive(answers.SESSION))
    local request = driver.requests[1]
    assert.are.equal("POST /sessions/" .. answers.SESSION .. "/keepalive", request.method .. " " .. request.path)
  end)

  it("are described", function()
    local client, driver = client_with(answers.raw(200,
      ('{"session_id":"%s","user_id":"%s","expires_at":"%s","lock_count":3,"active":true}')
        :format(answers.SESSION, answers.USER, answers.EXPIRES)))
    assert.are.same({
      session_id = answers.SESSION, user_id = answers.USER, expires_at = answers.EXPIRES, lock_count = 3, active = true,
    }, client:get_session(answers.SESSION))
    assert_request(driver, "GET", "/sessions/" .. answers.SESSION)
  end)

  it("are ended", function()
    local client, driver = client_with(answers.raw(204, ""))
    assert.is_true((client:end_session(answers.SESSION)))
    assert_request(driver, "DELETE", "/sessions/" .. answers.SESSION)
  end)
end)

describe("rotate_token", function()
  it("answers the new token and its owner", function()
    local client, driver = client_with(answers.rotated("new-token"))
    assert.are.same({ token = "new-token", user_id = answers.USER, github_username = "alice" }, client:rotate_token())
    local request = driver.requests[1]
    assert.are.equal("POST /auth/token/rotate", request.method .. " " .. request.path)
    assert.are.equal(BEARER, request.headers.Authorization)
  end)
end)
