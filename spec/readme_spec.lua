-- The README's examples, each run as it stands there against the embedded service.
-- May use: octostore, octostore.fence, octostore.testing, spec.support.readme, LuaDBI.

local fence = require "octostore.fence"
local octostore = require "octostore"
local readme = require "spec.support.readme"
local testing = require "octostore.testing"

describe("README", function()
  local output, globals, clock, driver

  local function new_client(token)
    return assert(octostore.new { base_url = "http://localhost", token = token, driver = driver })
  end

  -- The examples call octostore.new in all its forms; here each of them gets the testing driver.
  local function facade()
    return setmetatable({
      new = function(first, second)
        return type(first) == "table" and octostore.new(first) or new_client(second or "alice-token")
      end,
    }, { __index = octostore })
  end

  before_each(function()
    local users = { { name = "alice", token = "alice-token" }, { name = "bob", token = "bob-token" } }
    clock = testing.clock()
    driver = testing.driver(testing.service { users = users }, clock)
    output = {}
    local shown = facade()
    globals = {
      octostore = shown,
      client = new_client("alice-token"),
      base_url = "http://localhost",
      token = "alice-token",
      require = function(name)
        return name == "octostore" and shown or require(name)
      end,
      print = function(...)
        output[#output + 1] = table.concat({ tostring((...)), select(2, ...) }, "\t")
      end,
    }
  end)

  local function run(name)
    local first, second = readme.run(name, globals)
    return table.concat(output, "\n"), first, second
  end

  it("shows the quick start", function()
    local text = run("quickstart")
    assert.matches("^service: ok\nworker 1 acquired it: fencing token %d+, until %d", text)
    assert.matches("worker 2 is told: held by [%x-]+ %(worker 1%) until %d", text)
    assert.matches("status: held, .*\nrenewed until .*\nlisted: quickstart/report, held\nreleased: free$", text)
  end)

  it("shows a scoped lock", function()
    assert.matches("^held for 48 s more, .*\n42\tthe body's results come back$", (run("scoped")))
  end)

  it("shows sessions, several locks and a semaphore", function()
    assert.are.equal("both are held: accounts/7, accounts/4\na slot is held: true\nlocks in the session: 1\n"
      .. "the lock is released", (run("sessions")))
  end)

  it("shows a token rotation", function()
    assert.matches("^alice has a new token of %d+ characters\nthe client goes on with it: 0 locks", (run("rotation")))
  end)

  it("shows a paused writer that is refused", function()
    local text = run("fence")
    assert.are.equal("B writes: true\nA wakes up and writes: false\nB writes again: true", text)
  end)

  it("shows the text of the guarded UPDATE as it is", function()
    local text = fence.sql.update { table = "reports", key = "name", columns = { "body" } }
    local shown = readme.examples().fence:match("%-%- (UPDATE.-)\nlocal"):gsub("\n%-%-  ", "")
    assert.are.equal(text, shown)
  end)

  it("shows the testing kit", function()
    run("testing")
  end)

  it("shows a script of faults", function()
    assert.equal("the copy has left the lock held", (run("faults")))
  end)

  describe("beside the Go client", function()
    it("acquires and releases", function()
      assert.matches("^Service status: ok\nLock acquired: %d+\nLock released$", (run("go_quickstart")))
    end)

    it("says who holds a lock", function()
      local theirs = assert(new_client("bob-token"):acquire_lock("my-resource", 300))
      assert.matches("Lock is held by [%x-]+ until " .. theirs.expires_at:sub(1, 4), (run("go_quickstart")))
    end)

    it("has timeouts and cancellation", function()
      run("go_context")
      assert.equal("free", globals.client:get_lock_status("resource").status)
    end)

    it("renews while it works", function()
      globals.steps = 6
      globals.work = function()
        clock:advance(15)
      end
      local text = run("go_renewal")
      assert.equal(6, #output, text)
      assert.not_matches("Failed", text)
      assert.equal("free", globals.client:get_lock_status("long-task").status)
    end)

    it("shows the status of a held lock", function()
      assert(new_client("bob-token"):acquire_lock("monitored-resource", 60))
      local text = run("go_status")
      assert.matches("^Lock 'monitored%-resource' is held\nHeld by: [%x-]+\nExpires: .*\nFencing token: %d+$", text)
    end)

    it("lists locks", function()
      assert(new_client("bob-token"):acquire_lock("a", 60))
      assert.matches("^There are 1 active locks:\n%- a %(expires: .*%)$", (run("go_list")))
    end)

    it("tells errors apart", function()
      assert(new_client("bob-token"):acquire_lock("resource", 60))
      assert.matches("^Lock held by: ", (run("go_errors")))
      globals.client = new_client("wrong-token")
      assert.matches("\nAuthentication failed: ", (run("go_errors")))
    end)

    it("reads the environment", function()
      run("go_environment")
    end)
  end)

  it("has no example without a spec here", function()
    local source = assert(io.open("spec/readme_spec.lua")):read("*a")
    local _, names = readme.examples()
    assert.is_true(#names >= 11)
    for _, name in ipairs(names) do
      assert.truthy(source:find('run("' .. name .. '")', 1, true), name)
    end
  end)
end)
