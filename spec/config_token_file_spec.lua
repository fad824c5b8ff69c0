-- Token files: read when their owner alone may, and holding one token.
-- Uses: octostore, a temporary directory, chmod.
-- Owner: each spec removes its directory.

local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"
local octostore = require "octostore"
local process = require "spec.support.process"

describe("a token file", function()
  local directory

  before_each(function() directory = process.tmpdir() end)
  after_each(function() process.remove_tmpdir(directory) end)

  local function write(text, mode)
    local path = directory .. "/token"
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    os.execute("chmod " .. (mode or "600") .. " " .. process.quote(path))
    return path
  end

  local function new(path)
    local driver = fake_driver.new { { status = 200, body = '{"locks":[],"total":0}' } }
    local client, err = octostore.new { base_url = "https://locks.example", token_file = path, driver = driver }
    if not client then
      return nil, err
    end
    assert(client:list_locks())
    return driver.requests[1].headers.Authorization
  end

  for name, text in pairs {
    ["as it is"] = "token-in-file",
    ["without the newline at its end"] = "token-in-file\n",
    ["without white space around it"] = "\t token-in-file \r\n\n",
  } do
    it("gives its token " .. name, function()
      assert.are.equal("Bearer token-in-file", new(write(text)))
    end)
  end

  it("may be for reading only", function()
    assert.are.equal("Bearer token-in-file", new(write("token-in-file", "400")))
  end)

  for _, mode in ipairs { "640", "604", "620", "602", "610", "601" } do
    it("of mode " .. mode .. " is refused", function()
      expect.invalid("token_file", "only its owner can read (chmod 600)", new(write("token-in-file", mode)))
    end)
  end

  it("that is missing is refused", function()
    expect.invalid("token_file", "must be a file that can be read", new(directory .. "/nothing"))
  end)

  it("that is a directory is refused", function()
    expect.invalid("token_file", "must be a regular file", new(directory))
  end)

  it("that is empty is refused", function()
    expect.invalid("token_file", "must not be empty", new(write("")))
    expect.invalid("token_file", "must not be empty", new(write(" \n")))
  end)

  it("of two lines is refused, without a word of them", function()
    local _, err = new(write("first-token\nsecond-token\n"))
    expect.failure({ kind = "validation", outcome = "none" }, nil, err)
    assert.is_nil(tostring(err):find("first", 1, true))
    assert.is_nil(tostring(err):find("second", 1, true))
  end)

  it("that is too long for a token is refused", function()
    assert(new(write(("t"):rep(4096))))
    expect.failure({ kind = "validation" }, new(write(("t"):rep(4097))))
    expect.invalid("token_file", "must hold one token and nothing else", new(write(("t"):rep(10000))))
  end)

  it("takes precedence over the token of the environment", function()
    local getenv = os.getenv
    os.getenv = function(name) return name == "OCTOSTORE_TOKEN" and "environment" or nil end -- luacheck: ignore 122
    local header = new(write("token-in-file"))
    os.getenv = getenv -- luacheck: ignore 122
    assert.are.equal("Bearer token-in-file", header)
  end)
end)
