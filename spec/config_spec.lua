-- What octostore.new takes, where the rest comes from, and what it refuses; config_token_file_spec has token files.
-- Uses: octostore, a stubbed os.getenv.
-- Owner: each spec puts os.getenv back.

local expect = require "spec.support.expect"
local octostore = require "octostore"

local TOKEN = "secret-token-0123456789"

local function new(given)
  given.token = given.token or TOKEN
  given.base_url = given.base_url or "https://locks.example"
  return octostore.new(given)
end

local function url_of(client)
  return tostring(assert(client)):match("%((.-)[,)]")
end

describe("configuration", function()
  local getenv = os.getenv
  local environment

  before_each(function()
    environment = {}
    os.getenv = function(name) return environment[name] end -- luacheck: ignore 122
  end)

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
  end)

  describe("from the environment", function()
    it("is the public service without a token by default", function()
      local client = octostore.new()
      assert.are.equal("https://api.octostore.io", url_of(client))
      expect.failure({ kind = "authentication", code = "token_missing", outcome = "none" }, client:list_locks())
    end)

    it("takes OCTOSTORE_BASE_URL and OCTOSTORE_TOKEN", function()
      environment = { OCTOSTORE_BASE_URL = "https://from.environment", OCTOSTORE_TOKEN = "from-environment" }
      local sent
      local driver = { sleep = function() end }
      function driver.send(_, request)
        sent = request.headers.Authorization
        return { status = 200, body = '{"locks":[],"total":0}' }
      end
      local client = octostore.new { driver = driver }
      assert.are.equal("https://from.environment", url_of(client))
      assert(client:list_locks())
      assert.are.equal("Bearer from-environment", sent)
    end)

    it("comes second to what is given", function()
      environment = { OCTOSTORE_BASE_URL = "https://from.environment", OCTOSTORE_TOKEN = "not valid" }
      assert.are.equal("https://given.example", url_of(octostore.new("https://given.example", TOKEN)))
    end)

    it("counts as absent when it is empty", function()
      environment = { OCTOSTORE_BASE_URL = "", OCTOSTORE_TOKEN = "" }
      assert.are.equal("https://api.octostore.io", url_of(octostore.new()))
    end)

    it("is held to the same rules", function()
      environment = { OCTOSTORE_BASE_URL = "locks.example" }
      expect.invalid("base_url", "must start with https:// or http://", octostore.new())
      environment = { OCTOSTORE_TOKEN = "two\nlines" }
      expect.invalid("token", "must be 1 to 4096 visible ASCII characters", octostore.new())
    end)
  end)

  describe("of the base URL", function()
    for given, kept in pairs {
      ["https://locks.example"] = "https://locks.example",
      ["https://locks.example/"] = "https://locks.example",
      ["https://locks.example:8443/a/b//"] = "https://locks.example:8443/a/b",
      ["HTTPS://Locks.Example/Path"] = "https://locks.example/Path",
      ["http://localhost:3000"] = "http://localhost:3000",
      ["http://127.0.0.1:3000"] = "http://127.0.0.1:3000",
      ["http://127.255.0.254"] = "http://127.255.0.254",
      ["http://[::1]:3000"] = "http://[::1]:3000",
      ["https://[2001:db8::7]/x"] = "https://[2001:db8::7]/x",
    } do
      it("takes " .. given, function()
        assert.are.equal(kept, url_of(new { base_url = given }))
      end)
    end

    for given, rule in pairs {
      [""] = "must start with https:// or http://",
      ["locks.example"] = "must start with https:// or http://",
      ["ftp://locks.example"] = "must start with https:// or http://",
      ["https://"] = "must start with https:// or http:// and name a host",
      ["https:///path"] = "must name a host",
      ["https://:8443"] = "must name a host",
      ["https://[::1"] = "must name a host",
      ["https://[:::1]"] = "must name a host",
      ["https://[1:2:3]"] = "must name a host",
      ["https://[12345::]"] = "must name a host",
      ["https://locks.example:0"] = "must have a port from 1 to 65535",
      ["https://locks.example:65536"] = "must have a port from 1 to 65535",
      ["https://locks.example:http"] = "must have a port from 1 to 65535",
      ["https://user:password@locks.example"] = "must not contain credentials",
      ["https://locks.example?a=b"] = "must not have a query or a fragment",
      ["https://locks.example/#top"] = "must not have a query or a fragment",
      ["https://locks.example/a b"] = "must not contain spaces",
      ["https://locks.example\n"] = "must not contain spaces, control characters",
      ["https://locks.example\\@evil.example"] = "must not contain spaces, control characters, backslashes",
      ["https://\195\188.example"] = "beyond ASCII",
    } do
      it(("refuses '%s'"):format(given:gsub("%c", "?")), function()
        expect.invalid("base_url", rule, new { base_url = given })
      end)
    end

    it("has at most 2048 bytes", function()
      local start = "https://locks.example/"
      assert(new { base_url = start .. ("a"):rep(2048 - #start) })
      expect.invalid("base_url", "at most 2048 bytes", new { base_url = start .. ("a"):rep(2049 - #start) })
    end)

    it("does not repeat the password that it refuses", function()
      local _, err = new { base_url = "https://user:hunter2@locks.example" }
      assert.is_nil(tostring(err):find("hunter2", 1, true))
    end)
  end)

  describe("of the token", function()
    for name, token in pairs {
      ["is empty"] = "",
      ["has a newline"] = "token\n",
      ["has a space"] = "to ken",
      ["has a NUL"] = "to\0ken",
      ["has bytes beyond ASCII"] = "t\195\188",
      ["has 4097 characters"] = ("t"):rep(4097),
    } do
      it("refuses one that " .. name, function()
        local err = expect.invalid("token", "1 to 4096 visible ASCII characters", new { token = token })
        assert.is_nil(token ~= "" and tostring(err):find(token, 1, true) or nil)
      end)
    end

    it("takes one of 4096 characters", function()
      assert(new { token = ("t"):rep(4096) })
    end)

    it("refuses a token and a token file at once", function()
      expect.invalid("token_file", "not both", new { token_file = "/nowhere" })
    end)
  end)

  describe("of cleartext http", function()
    for _, url in ipairs {
      "http://locks.example", "http://10.0.0.1", "http://128.0.0.1", "http://127.0.0.1.example",
      "http://127.1", "http://localhost.example", "http://[::2]", "http://[::ffff:127.0.0.1]",
    } do
      it("refuses to carry a token to " .. url, function()
        local err = expect.failure({ kind = "validation", argument = "base_url", code = "insecure_http" },
          new { base_url = url })
        assert.is_truthy(err.message:find("allow_insecure_http", 1, true))
      end)
    end

    it("carries a token when that is allowed", function()
      assert(new { base_url = "http://locks.example", allow_insecure_http = true })
    end)

    it("needs no permission as long as there is no token", function()
      assert(octostore.new { base_url = "http://locks.example" })
    end)
  end)

  describe("of the rest", function()
    it("refuses options that it does not know", function()
      expect.failure({ kind = "validation", code = "unknown_option", message = "new: unknown option 'timout'" },
        new { timout = 5 })
    end)

    for _, name in ipairs { "timeout", "connect_timeout" } do
      for _, value in ipairs { 0, -1, 0 / 0, 1 / 0 } do
        it(("refuses %s = %s"):format(name, tostring(value)), function()
          expect.invalid(name, "more than 0", new { [name] = value })
        end)
      end
    end

    it("refuses a driver that it does not know", function()
      expect.invalid("driver", "must be 'blocking' or a driver", new { driver = "carrier pigeon" })
    end)

    it("refuses a driver that lacks a function", function()
      expect.invalid("driver", "must have the functions send and sleep", new { driver = { send = print } })
    end)

    it("refuses a CA file that cannot be read", function()
      expect.invalid("ca_file", "must be a readable file", new { ca_file = "/nowhere/ca.pem" })
    end)

    it("refuses retry options that break a rule", function()
      expect.invalid("attempts", "at least 1", new { retry = { attempts = 0 } })
    end)

    it("raises for wrong types at the caller's line, naming the argument", function()
      expect.wrong_type("base_url", "new", function() octostore.new(5) end)
      expect.wrong_type("token", "new", function() octostore.new("https://locks.example", {}) end)
      expect.wrong_type("token", "new", function() octostore.new({}, "token") end)
      expect.wrong_type("token", "new", function() octostore.new { token = 5 } end)
      expect.wrong_type("base_url", "new", function() octostore.new { base_url = true } end)
      expect.wrong_type("token_file", "new", function() octostore.new { token_file = {} } end)
      expect.wrong_type("timeout", "new", function() octostore.new { timeout = "5" } end)
      expect.wrong_type("connect_timeout", "new", function() octostore.new { connect_timeout = "5" } end)
      expect.wrong_type("retry", "new", function() octostore.new { retry = 3 } end)
      expect.wrong_type("driver", "new", function() octostore.new { driver = 3 } end)
      expect.wrong_type("ca_file", "new", function() octostore.new { ca_file = 3 } end)
      expect.wrong_type("proxy", "new", function() octostore.new { proxy = false } end)
      expect.wrong_type("allow_insecure_http", "new", function() octostore.new { allow_insecure_http = "yes" } end)
      expect.wrong_type("on_event", "new", function() octostore.new { on_event = {} } end)
      expect.wrong_type("retry.base", "new", function() octostore.new { retry = { base = "1" } } end)
    end)
  end)
end)
