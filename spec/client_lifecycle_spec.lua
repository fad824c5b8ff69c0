-- The end of a client, and what it never shows: its secrets.
-- Uses: clients on fake drivers and on the blocking one, which is never called here.
-- Owner: nothing.

local answers = require "spec.support.answers"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"
local octostore = require "octostore"

describe("a closed client", function()
  local calls = {
    health = function(client) return client:health() end,
    acquire_lock = function(client) return client:acquire_lock("jobs") end,
    release_lock = function(client) return client:release_lock("jobs", answers.LEASE) end,
    renew_lock = function(client) return client:renew_lock("jobs", answers.LEASE) end,
    get_lock_status = function(client) return client:get_lock_status("jobs") end,
    list_locks = function(client) return client:list_locks() end,
    rotate_token = function(client) return client:rotate_token() end,
    create_session = function(client) return client:create_session() end,
    keep_session_alive = function(client) return client:keep_session_alive(answers.SESSION) end,
    get_session = function(client) return client:get_session(answers.SESSION) end,
    end_session = function(client) return client:end_session(answers.SESSION) end,
    lock = function(client) return client:lock("jobs") end,
    with_lock = function(client) return client:with_lock("jobs", nil, function() error("not run") end) end,
  }

  for name, call in pairs(calls) do
    it("answers an error to " .. name .. " and sends nothing", function()
      local client, driver = fake_driver.client {}
      client:close()
      expect.failure({ kind = "cancelled", code = "client_closed", outcome = "none", retryable = false }, call(client))
      assert.are.equal(0, #driver.requests)
    end)

    it("with a driver of its own answers an error to " .. name, function()
      local client = assert(octostore.new("https://locks.invalid", "token"))
      client:close()
      expect.failure({ kind = "cancelled", code = "client_closed" }, call(client))
    end)
  end

  it("can be closed again", function()
    local client = assert(octostore.new("https://locks.invalid", "token"))
    client:close()
    client:close()
  end)

  it("says that it is closed", function()
    local client = assert(octostore.new("https://locks.invalid", "token"))
    client:close()
    assert.are.equal("octostore.client(https://locks.invalid, closed)", tostring(client))
  end)

  it("does not close a driver that it was given", function()
    local client, driver = fake_driver.client {}
    driver.close = function() error("closed") end
    client:close()
  end)

  it("has ended its locks with its session, in one request", function()
    local client, driver = fake_driver.lock_client { answers.acquired() }
    local lock = assert(client:lock("jobs", { ttl = 10 }))
    client:close()
    assert.is_false(lock:held())
    assert.are.equal("released", lock.reason)
    assert.is_true((lock:release()))
    assert.are.same({ "POST /locks/jobs/acquire" }, driver:lines())
    assert.are.same({ "create_session", "end_session" }, driver.session_calls)
  end)
end)

describe("a client that is not closed", function()
  it("is closed by the collector where tables have finalizers, and by __close", function()
    local metatable = getmetatable(assert(octostore.new("https://locks.invalid", "token")))
    assert.are.equal(metatable.close, metatable.__close)
    local client = assert(octostore.new("https://locks.invalid", "token"))
    metatable.__close(client)
    metatable.__gc(client)
    client:close()
    assert.is_truthy(tostring(client):find("closed", 1, true))
  end)

  it("can be collected in the middle of anything", function()
    for _ = 1, 20 do
      assert(octostore.new("https://locks.invalid", "token"))
    end
    collectgarbage()
    collectgarbage()
  end)

  local load_54 = _VERSION >= "Lua 5.4" and load
  if load_54 then
    it("is closed at the end of its scope", function()
      local client = assert(octostore.new("https://locks.invalid", "token"))
      assert(load_54("local client <close> = ..."))(client)
      assert.is_truthy(tostring(client):find("closed", 1, true))
    end)
  end
end)

describe("secrets", function()
  local TOKEN, LEASE, SESSION = fake_driver.TOKEN, answers.LEASE, answers.SESSION

  local function assert_no_secret(value)
    local seen = {}
    local function look(item)
      if type(item) == "table" then
        for key, inner in pairs(item) do
          look(key)
          look(inner)
        end
      end
      seen[#seen + 1] = tostring(item)
    end
    look(value)
    for _, text in ipairs(seen) do
      for _, secret in ipairs { TOKEN, LEASE, SESSION } do
        assert.is_nil(text:lower():find(secret:lower(), 1, true), text)
      end
    end
  end

  for _, secret in ipairs { TOKEN, LEASE, LEASE:upper(), SESSION, "token:" .. TOKEN } do
    it("are not repeated from the server's words: " .. secret, function()
      local answer = answers.error(409, "conflict", { details = ("x"):rep(50) .. " '" .. secret .. "' is not yours" })
      for _, call in ipairs {
        function(client) return client:acquire_lock("jobs", { session_id = SESSION, ephemeral = true }) end,
        function(client) return client:release_lock("jobs", LEASE) end,
        function(client) return client:renew_lock("jobs", LEASE) end,
        function(client) return client:keep_session_alive(SESSION) end,
        function(client) return client:rotate_token() end,
      } do
        local _, err = call((fake_driver.client { answer }))
        assert.are.equal("conflict", err.kind)
        assert_no_secret(err)
      end
    end)
  end

  it("are in no error about the network, the time or a cancellation", function()
    for _, kind in ipairs { "network", "timeout", "cancelled" } do
      local client = fake_driver.client({ always = fake_driver.broken(true, kind) }, { retry = false })
      assert_no_secret(select(2, client:release_lock("jobs", LEASE)))
      assert_no_secret(select(2, client:end_session(SESSION)))
      assert_no_secret(select(2, client:rotate_token()))
    end
  end)

  it("are in no error about an argument", function()
    local client = fake_driver.client {}
    assert_no_secret(select(2, client:release_lock("jobs", LEASE .. "0")))
    assert_no_secret(select(2, client:acquire_lock("jobs", { acl = { acquire = { "token:" .. TOKEN, "" } } })))
    assert_no_secret(select(2, octostore.new("https://locks.example", TOKEN .. "\n")))
    assert_no_secret(select(2, octostore.new("https://u:" .. TOKEN .. "@locks.example", TOKEN)))
  end)

  it("are not in the text of a client, a lock or their parts", function()
    local client = fake_driver.lock_client { answers.acquired(), answers.released() }
    local lock = assert(client:lock("jobs"))
    assert_no_secret(tostring(client))
    assert_no_secret(tostring(lock))
    for _, part in pairs(client._parts) do
      assert_no_secret(tostring(part))
    end
    lock:release()
    assert_no_secret(tostring(lock))
    assert_no_secret(tostring(lock:_lost_error()))
  end)

  it("are in no event", function()
    local events = {}
    local client = fake_driver.lock_client({ answers.acquired(), answers.error(403, "forbidden", { details = LEASE }) },
      { on_event = function(event) events[#events + 1] = event end })
    assert(client:with_lock("jobs", nil, function() end))
    assert.are.equal(1, #events)
    assert_no_secret(events)
  end)

  it("are never sent where no token is needed", function()
    local client, driver = fake_driver.client { answers.health() }
    assert(client:health())
    assert_no_secret({ driver.requests[1].headers, driver.requests[1].url })
  end)

  it("are never in a URL, but for the id of a session", function()
    local client, driver = fake_driver.client { answers.acquired(), answers.released() }
    assert(client:acquire_lock("jobs"))
    assert(client:release_lock("jobs", LEASE))
    assert_no_secret({ driver.requests[1].url, driver.requests[2].url })
  end)
end)
