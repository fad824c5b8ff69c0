-- Proxies: the one that was asked for, and none of the environment.
-- Uses: the fault server, child interpreters with environments of their own.
-- Owner: the server is stopped at the end.

local expect = require "spec.support.expect"
local fault_server = require "spec.support.fault_server"
local interpreter = require "spec.support.interpreter"
local process = require "spec.support.process"

local CHILD = [[
  local url, proxy = os.getenv("SPEC_URL"), os.getenv("SPEC_PROXY")
  local client = assert(require("octostore").new { base_url = url, proxy = proxy, retry = false, timeout = 5 })
  local result, err = client:health()
  print(result and result.status or err)
]]

describe("a proxy", function()
  local server

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)

  it("of the environment is not used", function()
    local dead = "http://127.0.0.1:" .. process.free_port()
    assert.are.equal("ok", interpreter.run(CHILD, {
      SPEC_URL = server:url("good"),
      http_proxy = dead, https_proxy = dead, all_proxy = dead, HTTP_PROXY = dead, HTTPS_PROXY = dead, ALL_PROXY = dead,
    }))
  end)

  it("that was asked for is used", function()
    local client = server:client("good", {
      base_url = "http://locks.invalid/good/proxied", proxy = "http://127.0.0.1:" .. server.port,
      allow_insecure_http = true,
    })
    assert(client:health())
    assert.are.equal(1, #server:requests("/good/proxied/"))
  end)

  it("that was asked for is used whatever the environment exempts", function()
    assert.are.equal("ok", interpreter.run(CHILD, {
      SPEC_URL = "http://locks.invalid/good/exempt", SPEC_PROXY = "http://127.0.0.1:" .. server.port,
      no_proxy = "*", NO_PROXY = "*",
    }))
    assert.are.equal(1, #server:requests("/good/exempt/"))
  end)

  it("that refuses connections is an error, and nothing was sent", function()
    local client = server:client("good", { proxy = "http://127.0.0.1:" .. process.free_port() })
    expect.failure({ kind = "network", code = "connect_failed", outcome = "none" }, client:acquire_lock("jobs"))
  end)

  it("whose name does not exist is an error", function()
    local client = server:client("good", { proxy = "http://proxy.invalid:1" })
    expect.failure({ kind = "network", code = "resolve_failed", outcome = "none" }, client:acquire_lock("jobs"))
  end)
end)
