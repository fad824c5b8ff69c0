-- Rotation of the token: the client goes on with the new one, under concurrency too, and a lost answer is told.
-- Uses: clients on fake drivers, some of which yield.
-- Owner: nothing.

local answers = require "spec.support.answers"
local coroutines = require "spec.support.coroutines"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"
local octostore = require "octostore"

local OLD = fake_driver.TOKEN
local NEW = "new-token-9876543210"

---A service that knows one token at a time; a rotation takes effect at once and is answered `turns` turns later.
local function service(turns)
  local self = { token = OLD, rotations = 0, refused = 0 }
  self.step = function(request, _, _)
    if request.headers.Authorization ~= "Bearer " .. self.token then
      self.refused = self.refused + 1
      return answers.error(401, "authentication_failed")
    end
    if request.operation ~= "rotate_token" then
      return answers.raw(200, '{"locks":[],"total":0}')
    end
    self.rotations = self.rotations + 1
    self.token = NEW .. "-" .. self.rotations
    local answer = answers.rotated(self.token)
    for _ = 1, turns do
      coroutine.yield()
    end
    return answer
  end
  return self
end

describe("after a rotation", function()
  it("later calls carry the new token", function()
    local world = service(0)
    local client, driver = fake_driver.client { always = world.step }
    assert.are.equal(NEW .. "-1", assert(client:rotate_token()).token)
    assert(client:list_locks())
    assert.are.equal("Bearer " .. world.token, driver.requests[2].headers.Authorization)
  end)

  it("another rotation carries the token of the one before", function()
    local world = service(0)
    local client = fake_driver.client { always = world.step }
    assert(client:rotate_token())
    assert.are.equal(NEW .. "-2", assert(client:rotate_token()).token)
    assert.are.equal(0, world.refused)
  end)

  it("a refused one has changed nothing", function()
    local client, driver = fake_driver.client {
      answers.error(403, "forbidden"), answers.raw(200, '{"locks":[],"total":0}'),
    }
    expect.failure({ kind = "forbidden", outcome = "none" }, client:rotate_token())
    assert(client:list_locks())
    assert.are.equal("Bearer " .. OLD, driver.requests[2].headers.Authorization)
  end)
end)

describe("during a rotation", function()
  it("a call that is refused for the old token waits and is sent again with the new one", function()
    local world = service(5)
    local client = coroutines.client { always = world.step }
    local rotated, listed = coroutines.run(
      function() return client:rotate_token() end,
      function() return client:list_locks() end)
    assert(rotated[1])
    assert(listed[1], tostring(listed[2]))
    assert.are.equal(1, world.refused)
  end)

  it("a call that was sent before and is refused after it is sent again with the new token", function()
    local world = service(0)
    local client = coroutines.client {
      coroutines.after(3, answers.error(401, "authentication_failed")), always = world.step,
    }
    local listed, rotated = coroutines.run(
      function() return client:list_locks() end,
      function() return client:rotate_token() end)
    assert(rotated[1])
    assert(listed[1], tostring(listed[2]))
  end)

  it("another rotation waits for its turn", function()
    local world = service(4)
    local client = coroutines.client { always = world.step }
    local first, second = coroutines.run(
      function() return client:rotate_token() end,
      function() return client:rotate_token() end)
    assert.are.equal(NEW .. "-1", first[1].token)
    assert.are.equal(NEW .. "-2", second[1].token)
    assert.are.equal(0, world.refused)
  end)

  it("another rotation waits for as long as its own time only", function()
    local client = coroutines.client { coroutines.after(200, answers.rotated(NEW)) }
    local _, second = coroutines.run(
      function() return client:rotate_token() end,
      function() return client:rotate_token { timeout = 0.5 } end)
    expect.failure({ kind = "timeout", outcome = "none" }, (table.unpack or unpack)(second, 1, 2))
  end)

  it("another rotation can be cancelled while it waits", function()
    local cancel = octostore.cancellation()
    local client = coroutines.client { coroutines.after(20, answers.rotated(NEW)) }
    local _, second = coroutines.run(
      function() return client:rotate_token() end,
      function() return client:rotate_token { cancel = cancel } end,
      function() cancel:cancel("no more") end)
    expect.failure({ kind = "cancelled", outcome = "none" }, (table.unpack or unpack)(second, 1, 2))
  end)

  it("a coroutine that is abandoned holds the others up until its time is over, no longer", function()
    local client, driver = coroutines.client({ coroutine.yield, answers.rotated(NEW) }, { timeout = 3 })
    coroutine.resume(coroutine.create(function() client:rotate_token() end))
    local second = coroutines.run(function() return client:rotate_token { timeout = 10 } end)
    assert.are.equal(NEW, assert(second[1], tostring(second[2])).token)
    assert.is_true(driver.time - 1000 >= 3 and driver.time - 1000 < 3.1)
  end)

  it("a driver that raises does not hold up the next one", function()
    local client, driver = fake_driver.client { function() error("driver broke", 0) end, answers.rotated(NEW) }
    assert.has_error(function() client:rotate_token() end, "driver broke")
    assert(client:rotate_token())
    assert.are.equal(0, #driver.sleeps)
  end)

  it("a call whose token is refused for good says so once the rotation is over", function()
    local client = fake_driver.client { answers.error(401, "authentication_failed") }
    expect.failure({ kind = "authentication", status = 401 }, client:list_locks())
  end)
end)

describe("a rotation whose answer is lost", function()
  for name, step in pairs {
    ["with the connection"] = fake_driver.broken(true),
    ["to a timeout"] = fake_driver.broken(true, "timeout"),
    ["to a cancellation"] = fake_driver.broken(true, "cancelled"),
    ["to a proxy's page"] = answers.raw(200, "<html></html>"),
    ["to a fault of the server"] = answers.error(500, "internal_error"),
  } do
    it("is of unknown outcome and says what that means: lost " .. name, function()
      local client, driver = fake_driver.client { step }
      local err = expect.failure({ outcome = "unknown", retryable = false }, client:rotate_token())
      for _, words in ipairs { "the old token may be dead", "Check whether the old one still works" } do
        assert.is_truthy(err.message:find(words, 1, true), err.message)
      end
      assert.are.equal(1, #driver.requests)
    end)
  end

  it("is not lost when the request was never sent", function()
    local client = fake_driver.client { fake_driver.broken(false) }
    local err = expect.failure({ kind = "network", outcome = "none" }, client:rotate_token())
    assert.is_nil(err.message:find("dead", 1, true))
  end)
end)
