-- After a fork the child makes connections of its own and leaves the parent's alone.
-- Uses: the fault server, a TLS server, a child interpreter that forks.
-- Owner: servers and files are removed at the end.

local certificates = require "spec.support.certificates"
local fault_server = require "spec.support.fault_server"
local fork = require "spec.support.fork"
local interpreter = require "spec.support.interpreter"
local process = require "spec.support.process"

describe("a client that was used before a fork", function()
  local server, directory, prelude

  setup(function()
    server = fault_server.start()
    directory = process.tmpdir()
    prelude = fork.prelude(directory)
  end)

  teardown(function()
    server:stop()
    process.remove_tmpdir(directory)
  end)

  local function run(chunk, variables)
    -- The child leaks the parent's handles on purpose, which a sanitizer would report.
    variables.ASAN_OPTIONS = "detect_leaks=0"
    return interpreter.run(prelude .. [[
      local client = assert(require("octostore").new {
        base_url = os.getenv("SPEC_URL"), ca_file = os.getenv("SPEC_CA"), retry = false, timeout = 5,
      })
      local function ask(who)
        local result, err = client:health()
        io.write(who, " ", result and result.status or tostring(err), "\n")
        io.flush()
      end
    ]] .. chunk, variables)
  end

  it("works in the child, and in the parent over the connection that it had", function()
    local url, path = server:url("good")
    assert.are.equal("before ok\nchild ok\nstatus 0\nparent ok", run([[
      ask("before")
      local pid = fork.fork()
      if pid == 0 then
        ask("child")
        os.exit(0)
      end
      io.write("status ", fork.wait(pid), "\n")
      ask("parent")
    ]], { SPEC_URL = url }))
    local requests = server:requests(path)
    assert.are.equal(3, #requests)
    assert.are.equal(requests[1].connection, requests[3].connection)
    assert.are_not.equal(requests[1].connection, requests[2].connection)
  end)

  it("is closed and collected in the child without harm to the parent's connection", function()
    local url, path = server:url("good")
    assert.are.equal("before ok\nstatus 0\nparent ok", run([[
      ask("before")
      local pid = fork.fork()
      if pid == 0 then
        client:close()
        client = nil
        collectgarbage()
        os.exit(0, true)
      end
      io.write("status ", fork.wait(pid), "\n")
      ask("parent")
    ]], { SPEC_URL = url }))
    local requests = server:requests(path)
    assert.are.equal(requests[1].connection, requests[2].connection)
  end)

  it("works in many children one after the other", function()
    local url, path = server:url("good")
    local output = run([[
      ask("before")
      for _ = 1, 20 do
        local pid = fork.fork()
        if pid == 0 then
          ask("child")
          os.exit(0, true)
        end
        assert(fork.wait(pid) == 0)
      end
      ask("parent")
    ]], { SPEC_URL = url })
    assert.are.equal("before ok\n" .. ("child ok\n"):rep(20) .. "parent ok", output)
    assert.are.equal(22, #server:requests(path))
  end)

  it("works in both over TLS", function()
    local authority = certificates.authority()
    authority:certify("good", "IP:127.0.0.1")
    local tls = authority:serve("good")
    local output = run([[
      ask("before")
      local pid = fork.fork()
      if pid == 0 then
        ask("child")
        os.exit(0, true)
      end
      io.write("status ", fork.wait(pid), "\n")
      ask("parent")
    ]], { SPEC_URL = tls.url, SPEC_CA = authority.ca_file })
    tls:stop()
    authority:remove()
    assert.are.equal("before ok\nchild ok\nstatus 0\nparent ok", output)
  end)

  it("leaves nothing behind that a later fork runs into, once its state is closed and the module unmapped", function()
    local url = server:url("good")
    local output = interpreter.run(prelude .. [[
      local function is_mapped()
        local maps = io.open("/proc/self/maps")
        return maps ~= nil and maps:read("*a"):find("octostore/native.so", 1, true) ~= nil
      end
      assert(fork.run_in_new_state("assert(require('octostore').new(os.getenv('SPEC_URL'), 'token'):health())"))
      io.write(is_mapped() and "mapped" or "unmapped", "\n")
      io.flush()
      local pid = fork.fork()
      if pid == 0 then
        os.exit(0, true)
      end
      io.write("status ", fork.wait(pid))
    ]], { SPEC_URL = url, ASAN_OPTIONS = "detect_leaks=0" })
    assert.are.equal("unmapped\nstatus 0", output)
  end)
end)
