-- TLS over real sockets: whom the client trusts.
-- Uses: openssl s_server with certificates made for the occasion.
-- Owner: servers and certificates are removed at the end.

local certificates = require "spec.support.certificates"
local expect = require "spec.support.expect"
local octostore = require "octostore"

describe("TLS", function()
  local authority, good, stranger, old

  setup(function()
    authority = certificates.authority()
    authority:certify("good", "IP:127.0.0.1")
    authority:certify("stranger", "DNS:locks.example")
    good = authority:serve("good")
    stranger = authority:serve("stranger")
    old = authority:serve("good", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
  end)

  teardown(function()
    good:stop()
    stranger:stop()
    old:stop()
    authority:remove()
  end)

  local function health(server, options)
    local given = { base_url = server.url, token = "token", retry = false, timeout = 5 }
    for name, value in pairs(options) do
      given[name] = value
    end
    return assert(octostore.new(given)):health()
  end

  it("trusts the authority of the CA file", function()
    assert.are.equal("ok", assert(health(good, { ca_file = authority.ca_file })).status)
  end)

  it("trusts no authority that is not the system's without one", function()
    expect.failure({ kind = "network", code = "tls_untrusted", outcome = "none" }, health(good, {}))
  end)

  it("trusts nobody with a CA file of another authority", function()
    local other = certificates.authority()
    expect.failure({ kind = "network", code = "tls_untrusted", outcome = "none" },
      health(good, { ca_file = other.ca_file }))
    other:remove()
  end)

  it("refuses a certificate for another host", function()
    expect.failure({ kind = "network", code = "tls_untrusted", outcome = "none" },
      health(stranger, { ca_file = authority.ca_file }))
  end)

  it("refuses a server of TLS 1.1", function()
    expect.failure({ kind = "network", code = "tls_failed", outcome = "none" },
      health(old, { ca_file = authority.ca_file }))
  end)

  it("fails when the CA file holds no certificate", function()
    expect.failure({ kind = "network", code = "tls_failed", outcome = "none" },
      health(good, { ca_file = authority.directory .. "/health" }))
  end)

  it("is ended by its time to connect when the server is silent", function()
    local silent = assert(require("socket").bind("127.0.0.1", 0))
    local url = "https://127.0.0.1:" .. select(2, silent:getsockname())
    local result, err = health({ url = url }, { ca_file = authority.ca_file, connect_timeout = 0.1 })
    silent:close()
    expect.failure({ kind = "timeout", code = "connect_timeout", outcome = "none" }, result, err)
  end)
end)
