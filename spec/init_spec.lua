-- The facade: what require "octostore" gives.
-- Uses: octostore and a child interpreter.
-- Owner: nothing that outlives a spec.

local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"
local interpreter = require "spec.support.interpreter"
local octostore = require "octostore"

describe("octostore", function()
  it("makes a client from a base URL and a token", function()
    local client = assert(octostore.new("https://locks.example", "token"))
    assert.are.equal("octostore.client(https://locks.example)", tostring(client))
  end)

  it("makes a client from options", function()
    local client = assert(octostore.new { base_url = "https://locks.example/api", token = "token" })
    assert.are.equal("octostore.client(https://locks.example/api)", tostring(client))
  end)

  it("makes a client from the environment alone", function()
    local output = interpreter.run('print(require "octostore".new())', {
      OCTOSTORE_BASE_URL = "http://127.0.0.1:4000", OCTOSTORE_TOKEN = "token",
    })
    assert.are.equal("octostore.client(http://127.0.0.1:4000)\tnil", output)
  end)

  it("sends nothing when it makes a client", function()
    local _, driver = fake_driver.client {}
    assert.are.equal(0, #driver.requests)
  end)

  it("sets no global variable", function()
    local output = interpreter.run([[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local octostore = require "octostore"
      assert(octostore.new("https://locks.example", "token"))
      for name in pairs(_G) do if not before[name] then print(name) end end
    ]])
    assert.are.equal("", output)
  end)

  it("returns an error for bad values and raises one for wrong types", function()
    expect.failure({ kind = "validation", argument = "base_url" }, octostore.new("locks.example", "token"))
    expect.wrong_type("base_url", "new", function() octostore.new(true) end)
  end)

  it("names statuses as results do", function()
    assert.are.same({
      FREE = "free", HELD = "held", ACQUIRED = "acquired", DELAYED = "delayed",
      LEADER = "leader", FOLLOWER = "follower", VACANT = "vacant",
    }, octostore.statuses)
  end)

  it("names kinds of errors and ends of locks", function()
    assert.are.equal("lock_held", octostore.kinds.LOCK_HELD)
    assert.are.equal("uncertain", octostore.reasons.UNCERTAIN)
  end)

  it("tells its errors from other values", function()
    local _, err = octostore.new("", "token")
    assert.is_true(octostore.is_error(err))
    assert.is_false(octostore.is_error("text"))
  end)

  it("makes cancellations", function()
    local cancel = octostore.cancellation()
    cancel:cancel("enough")
    assert.are.equal("enough", cancel:reason())
  end)

  for text, seconds in pairs {
    ["1970-01-01T00:00:00Z"] = 0,
    ["2026-11-23T06:06:57Z"] = 1795414017,
    ["2026-11-23T06:06:57.5Z"] = 1795414017.5,
    ["2026-11-23T07:06:57+01:00"] = 1795414017,
    ["2024-02-29T00:00:00Z"] = 1709164800,
  } do
    it("reads the time " .. text, function()
      assert.are.equal(seconds, octostore.parse_time(text))
    end)
  end

  for _, text in ipairs {
    "", "yesterday", "2026-11-23", "2026-02-29T00:00:00Z", "2026-11-23T06:06:57", "2026-11-23T06:06:57Z ",
  } do
    it(("does not read '%s' as a time"):format(text), function()
      assert.is_nil(octostore.parse_time(text))
    end)
  end
end)
