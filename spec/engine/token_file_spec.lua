-- A token that is replaced while locks are held: the engine reads the token file again and goes on renewing.
-- Uses: a server over HTTP (the real one where it is there), a temporary directory. In real time: only the engine
-- reads files. Owner: the server and the directory are ended and removed at the end.

local expect = require "spec.support.expect"
local native = require "octostore.native"
local octostore = require "octostore"
local process = require "spec.support.process"
local servers = require "spec.support.servers"

local TTL = 3

describe("a token file that gets a new token", function()
  local server, directory

  setup(function()
    server = servers.real_available() and servers.real() or servers.embedded()
    directory = process.tmpdir()
  end)

  teardown(function()
    server:stop()
    process.remove_tmpdir(directory)
  end)

  local function write(token)
    local path = directory .. "/token"
    local file = assert(io.open(path, "wb"))
    file:write(token)
    file:close()
    os.execute("chmod 600 " .. process.quote(path))
    return path
  end

  it("keeps a lock whose renewals were refused for the old one", function()
    local old = server.tokens.alice
    local client = assert(octostore.new { base_url = server.base_url, token_file = write(old) })
    local lock = assert(client:lock("rotated", { ttl = TTL }))
    local acquired_at = native.now()
    write(assert(octostore.new(server.base_url, old):rotate_token()).token)
    expect.failure({ kind = "authentication" }, octostore.new(server.base_url, old):list_locks())
    while native.now() < acquired_at + TTL + 0.5 do
      assert.is_true(lock:held(), lock.reason)
      native.sleep(0.05)
    end
    assert.is_true((lock:release()))
    client:close()
  end)
end)
