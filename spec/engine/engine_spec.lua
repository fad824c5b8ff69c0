-- The engine: locks are renewed, and cleaned up, whatever the threads of Lua do.
-- Uses: a server over HTTP (the real one where it is there), child interpreters, fork.
-- Owner: servers, children and files are ended or removed at the end.

local expect = require "spec.support.expect"
local fork = require "spec.support.fork"
local interpreter = require "spec.support.interpreter"
local native = require "octostore.native"
local octostore = require "octostore"
local process = require "spec.support.process"
local servers = require "spec.support.servers"
local socket = require "socket"

local LONG = os.getenv("OCTOSTORE_LONG") == "1"
local PRELUDE = [[
  local native = require "octostore.native"
  local client = assert(require("octostore").new(os.getenv("SPEC_URL"), os.getenv("SPEC_TOKEN")))
  local function busy(seconds)
    local start = native.now()
    while native.now() - start < seconds do end
  end
]]

describe("the engine", function()
  local server, directory, token

  setup(function()
    server = servers.real_available() and servers.real() or servers.embedded()
    token = server.tokens.alice
    directory = process.tmpdir()
  end)

  teardown(function()
    server:stop()
    process.remove_tmpdir(directory)
  end)

  local function new_client(options)
    local given = { base_url = server.base_url, token = token }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    return assert(octostore.new(given))
  end

  local function run(chunk, variables)
    local all = { SPEC_URL = server.base_url, SPEC_TOKEN = token }
    for name, value in pairs(variables or {}) do
      all[name] = value
    end
    return interpreter.run(PRELUDE .. chunk, all)
  end

  local function wait_until(condition, seconds, what)
    local deadline = native.now() + seconds
    while not condition() do
      assert.is_true(native.now() < deadline, what .. " within " .. seconds .. " s")
      socket.sleep(0.02)
    end
  end

  local function is_free(name)
    local client = new_client()
    local free = assert(client:get_lock_status(name)).status == "free"
    client:close()
    return free
  end

  it("renews while Lua computes", function()
    assert.are.equal("true true", run([[
      local lock = assert(client:lock("engine/computes", { ttl = 1 }))
      busy(tonumber(os.getenv("SPEC_SECONDS")))
      io.write(tostring(lock:held()), " ", tostring((lock:release())))
    ]], { SPEC_SECONDS = LONG and "30" or "3" }))
  end)

  it("renews while Lua is blocked in another program", function()
    assert.are.equal("true true", run([[
      local lock = assert(client:lock("engine/blocks", { ttl = 1 }))
      os.execute("sleep 2")
      io.write(tostring(lock:held()), " ", tostring((lock:release())))
    ]]))
  end)

  it("finds a lock ended when the process was stopped beyond its TTL", function()
    local pipe = assert(io.popen("echo $$; " .. interpreter.command(PRELUDE .. [[
      local lock = assert(client:lock("engine/stopped", { ttl = 1 }))
      print("held")
      io.stdout:flush()
      while lock:held() do native.sleep(0.01) end
      print(lock.reason)
    ]], { SPEC_URL = server.base_url, SPEC_TOKEN = token }), "r"))
    local pid = pipe:read("*l")
    assert.are.equal("held", pipe:read("*l"))
    os.execute("kill -STOP " .. pid)
    wait_until(function() return is_free("engine/stopped") end, 10, "the lease has ended")
    os.execute("kill -CONT " .. pid)
    local reason = pipe:read("*l")
    pipe:close()
    assert.is_true(reason == "uncertain" or reason == "lost", reason)
  end)

  it("releases a lock that was collected as garbage within two seconds, and tells so", function()
    local events = {}
    local client = new_client { on_event = function(event) events[#events + 1] = event end }
    assert(client:lock("engine/dropped"))
    collectgarbage()
    collectgarbage()
    wait_until(function() return is_free("engine/dropped") end, 2, "the lock is free")
    assert(client:lock("engine/dropped", { wait = 1 })):release()
    assert.are.same({ { type = "dropped", name = "engine/dropped" } }, events)
    client:close()
  end)

  it("ends a session that was forgotten", function()
    local client = new_client()
    local id = assert(client:session()).session_id
    collectgarbage()
    collectgarbage()
    wait_until(function() return not client:get_session(id) end, 2, "the session is gone")
    client:close()
  end)

  it("ends a lock at its deadline when the server is away, and lets it in again once it is back", function()
    local own = servers.embedded()
    local client = assert(octostore.new { base_url = own.base_url, token = own.tokens.alice, retry = false })
    local lock = assert(client:lock("engine/away", { ttl = 2 }))
    own:restart() -- with nothing of its state
    wait_until(function() return not lock:held() end, 3, "the lock has ended")
    expect.failure({ kind = "lock_lost" }, lock:release())
    local again = assert(client:lock("engine/away", { ttl = 2, wait = 10 }))
    assert.is_true(again:held())
    client:close()
    own:stop()
  end)

  for name, ending in pairs {
    ["by itself"] = "",
    ["with os.exit"] = "os.exit(0)",
    ["with os.exit that closes the state"] = "os.exit(0, true)",
    ["with an error at top level"] = "error('oops')",
  } do
    it("releases what is held when a process ends " .. name, function()
      local lock = "engine/exit"
      local output = run([[
        lock = assert(client:lock("engine/exit"))
        io.write("held ")
        io.flush()
      ]] .. ending)
      assert.are.equal("held", output:match("^%a+"))
      assert.is_nil(output:find("[Ss]egmentation") or output:find("terminate"), output)
      assert.is_true(is_free(lock))
    end)
  end

  it("does not hold up the end of a process for more than a second when the server stalls", function()
    local listener = assert(socket.bind("127.0.0.1", 0)) -- accepts, never answers
    local _, port = listener:getsockname()
    local started = socket.gettime()
    local output = run([[
      local endpoint = assert(native.endpoint(os.getenv("SPEC_STALLED"), "token", nil, false))
      local account = native.engine():account(endpoint)
      local now = native.now()
      session = account:session("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", 10, 0, now, now, 0)
      native.sleep(1.2) -- a keepalive is under way
      io.write("ended")
    ]], { SPEC_STALLED = "http://127.0.0.1:" .. port })
    local took = socket.gettime() - started
    listener:close()
    assert.are.equal("ended", output)
    assert.is_true(took < 3.5, ("it took %.1f s"):format(took))
  end)

  it("leaves a fork's child without the parent's locks, and the parent with them", function()
    assert.are.equal("child forked nil true\nstatus 0\nparent true true", run(fork.prelude(directory) .. [[
      local lock = assert(client:lock("engine/forked", { ttl = 2 }))
      local pid = fork.fork()
      if pid == 0 then
        local ok = pcall(lock.check, lock)
        local own = assert(client:lock("engine/child"))
        io.write("child ", lock.reason, " ", tostring((lock:release())), " ", tostring(own:held() and not ok), "\n")
        io.flush()
        lock, own = nil, nil
        collectgarbage()
        collectgarbage()
        os.exit(0)
      end
      io.write("status ", fork.wait(pid), "\n")
      busy(2)
      io.write("parent ", tostring(lock:held()), " ", tostring((lock:release())))
    ]], { ASAN_OPTIONS = "detect_leaks=0" }))
  end)

  it("survives twenty forks", function()
    assert.are.equal(("0"):rep(20) .. " true", run(fork.prelude(directory) .. [[
      local lock = assert(client:lock("engine/forks", { ttl = 2 }))
      local statuses = {}
      for i = 1, 20 do
        local pid = fork.fork()
        if pid == 0 then
          os.exit(client:with_lock("engine/forks/child", { wait = 10 }, function() end) and 0 or 1)
        end
        statuses[i] = fork.wait(pid)
      end
      io.write(table.concat(statuses), " ", tostring(lock:held()))
      lock:release()
    ]], { ASAN_OPTIONS = "detect_leaks=0" }))
  end)

  it("is shared by the Lua states of a process, and cleans up behind one that is closed", function()
    assert.are.equal("true true free", run(fork.prelude(directory) .. [[
      local lock = assert(client:lock("engine/first_state", { ttl = 1 }))
      local paths = ("package.path, package.cpath = %q, %q "):format(package.path, package.cpath)
      local ran = fork.run_in_new_state(paths .. [=[
        local client = assert(require("octostore").new(os.getenv("SPEC_URL"), os.getenv("SPEC_TOKEN")))
        lock = assert(client:lock("engine/second_state", { ttl = 1 }))
        local native = require "octostore.native"
        local start = native.now()
        while native.now() - start < 1.2 do end
        assert(lock:held())
        assert(not client:lock("engine/first_state"))
      ]=])
      local status
      local start = native.now()
      repeat
        status = assert(client:get_lock_status("engine/second_state")).status
      until status == "free" or native.now() - start > 2
      io.write(tostring(ran), " ", tostring(lock:held()), " ", status)
    ]]))
  end)

  it("goes on while clients, sessions and locks come and go", function()
    local words = { "spec/engine/churn.lua", server.base_url, token, LONG and "20" or "2" }
    assert.matches("^ok %d+$", interpreter.run_file(words))
  end)

  it("does not grow", function()
    local cycles = LONG and "10000" or "600"
    local output = run([[
      local function memory()
        collectgarbage()
        collectgarbage()
        for line in io.lines("/proc/self/status") do
          local kib = line:match("^VmRSS:%s*(%d+)")
          if kib then return tonumber(kib) end
        end
        return 0
      end
      local function cycle(count)
        for i = 1, count do
          assert(client:with_lock("engine/cycles/" .. i % 50, { ttl = 5 }, function() end))
        end
      end
      cycle(300)
      local before = memory()
      cycle(tonumber(os.getenv("SPEC_CYCLES")))
      io.write(memory() - before)
    ]], { SPEC_CYCLES = cycles, ASAN_OPTIONS = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0" })
    assert.is_true(tonumber(output) ~= nil and tonumber(output) < 1024, output .. " KiB more")
  end)
end)
