-- Ctrl-C in a waiting call: the interpreter says so within 100 ms.
-- Uses: the fault server, a child interpreter that gets SIGINT.
-- Owner: the server is stopped at the end; the child ends by itself.

local fault_server = require "spec.support.fault_server"
local interpreter = require "spec.support.interpreter"
local socket = require "socket"

---Runs a chunk with `client` on a server that does not answer, interrupts it once its request has arrived, and answers
---what it wrote and how long its end took.
local function interrupt(server, behaviour, chunk)
  local url, path = server:url(behaviour)
  local pipe = assert(io.popen("echo $$; " .. interpreter.command(
    'local client = assert(require("octostore").new { base_url = os.getenv("SPEC_URL"), token = "token" }) ' .. chunk,
    { SPEC_URL = url }) .. " 2>&1", "r"))
  local pid = pipe:read("*l")
  server:wait_for_request(path)
  local start = socket.gettime()
  os.execute("kill -INT " .. pid)
  local output = pipe:read("*a")
  local took = socket.gettime() - start
  pipe:close()
  return output, took
end

describe("Ctrl-C", function()
  local server

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)

  for name, case in pairs {
    ["a call whose answer does not come"] = { "stall-headers", "client:acquire_lock('jobs')" },
    ["a call whose answer stalls"] = { "stall-body", "client:health()" },
    ["the wait before a repeat"] = { "busy", "client:health { timeout = 1000 }" },
    ["a scoped lock that is waited for"] = { "stall-headers", "client:lock('jobs', { wait = 60 })" },
  } do
    it("interrupts " .. name .. " within 100 ms", function()
      local output, took = interrupt(server, case[1], case[2])
      assert.is_truthy(output:find("interrupted!", 1, true), output)
      assert.is_true(took < 0.1, ("it took %.0f ms"):format(took * 1000))
    end)
  end

  it("in a body of with_lock raises there, and the lock is released", function()
    local url, path = server:url("good")
    local pipe = assert(io.popen("echo $$; " .. interpreter.command([[
      local client = assert(require("octostore").new { base_url = os.getenv("SPEC_URL"), token = "token" })
      local native = require "octostore.native"
      client:with_lock("jobs", nil, function()
        print("in the body")
        io.stdout:flush()
        while true do native.sleep(0.01) end
      end)
    ]], { SPEC_URL = url }) .. " 2>&1", "r"))
    local pid = pipe:read("*l")
    assert.are.equal("in the body", pipe:read("*l"))
    os.execute("kill -INT " .. pid)
    local output = pipe:read("*a")
    pipe:close()
    assert.is_truthy(output:find("interrupted!", 1, true), output)
    assert.are.equal("locks/jobs/release", server:requests(path)[3].path)
  end)
end)
