-- Servers that break off, and answers beyond the limits, over real sockets.
-- Uses: the fault server.
-- Owner: the server is stopped at the end.

local expect = require "spec.support.expect"
local fault_server = require "spec.support.fault_server"
local octostore = require "octostore"
local process = require "spec.support.process"

describe("the transport", function()
  local server

  setup(function() server = fault_server.start() end)
  teardown(function() server:stop() end)

  describe("when the connection breaks", function()
    for behaviour, description in pairs {
      ["reset"] = "is reset after the request",
      ["close"] = "is closed without an answer",
      ["half-headers"] = "is closed within the headers",
      ["half-body"] = "is closed within the body",
    } do
      it("does not know whether a change took effect: it " .. description, function()
        expect.failure({ kind = "network", code = "connection_lost", outcome = "unknown", retryable = true },
          server:client(behaviour):acquire_lock("jobs"))
      end)

      it("knows that a read changed nothing: it " .. description, function()
        expect.failure({ kind = "network", code = "connection_lost", outcome = "none", retryable = true },
          server:client(behaviour):list_locks())
      end)
    end

    it("says that it is lost when the server resets it at once", function()
      local client = assert(octostore.new {
        base_url = "http://127.0.0.1:" .. server.reset_port, token = "token", retry = false,
      })
      local err = expect.failure({ kind = "network", retryable = true }, client:acquire_lock("jobs"))
      assert.is_nil(err.status)
    end)

    it("was never made to a port that refuses", function()
      local client = assert(octostore.new {
        base_url = "http://127.0.0.1:" .. process.free_port(), token = "token", retry = false,
      })
      expect.failure({ kind = "network", code = "connect_failed", outcome = "none", retryable = true },
        client:acquire_lock("jobs"))
    end)

    it("was never made to a name that does not exist", function()
      local client = assert(octostore.new("https://octostore.invalid", "token"))
      expect.failure({ kind = "network", code = "resolve_failed", outcome = "none" },
        client:acquire_lock("jobs", { retry = false }))
    end)

    it("repeats what is safe to repeat", function()
      local client, path = server:client("close-once", { retry = true })
      assert(client:acquire_lock("jobs"))
      assert.are.equal(2, #server:requests(path))
    end)
  end)

  describe("within its limits", function()
    it("takes a body of 1 MiB", function()
      assert(server:client("largest-body"):health())
    end)

    it("takes headers of less than 64 KiB", function()
      assert(server:client("fitting-headers"):health())
    end)

    for behaviour, description in pairs {
      ["large-body"] = "a body of 1 MiB and a byte",
      ["endless-body"] = "a body without end",
      ["many-headers"] = "many headers of more than 64 KiB together",
      ["long-header"] = "one header of 65 KiB",
      ["longest-header"] = "one header of 400 KiB",
    } do
      it("refuses " .. description, function()
        expect.failure({
          kind = "protocol", code = "answer_too_large", status = 200, request_id = "req_fault", retryable = false,
        }, server:client(behaviour):health())
      end)
    end

    it("goes on with a new connection after a refusal", function()
      local client = server:client("large-body")
      client:health()
      expect.failure({ kind = "protocol" }, client:health())
    end)
  end)

  describe("of HTTP", function()
    it("takes chunked bodies", function()
      assert.are.equal("ok", assert(server:client("chunked"):health()).status)
    end)

    it("takes trailers after them", function()
      assert(server:client("trailers"):health())
    end)

    it("takes an answer after 100 Continue", function()
      assert(server:client("continue"):acquire_lock("jobs"))
    end)

    it("takes an answer of HTTP/1.0 that ends with the connection", function()
      assert.are.equal("ok", assert(server:client("http-1.0"):health()).status)
    end)

    it("follows no redirect", function()
      local client = server:client("redirect")
      expect.failure({ kind = "protocol", status = 302, request_id = "req_fault" }, client:acquire_lock("jobs"))
      assert.are.same({}, server:requests("/good/redirected"))
    end)

    it("refuses what is not HTTP", function()
      expect.failure({ kind = "protocol", code = "malformed_answer", retryable = false },
        server:client("garbage"):health())
    end)

    it("refuses chunks that are none", function()
      expect.failure({ outcome = "unknown" }, server:client("bad-chunks"):acquire_lock("jobs"))
    end)

    it("tells a proxy's page from the service", function()
      expect.failure({ kind = "server", code = "http_error", status = 502, request_id = "req_fault" },
        server:client("html"):health())
    end)

    it("refuses an empty answer", function()
      expect.failure({ kind = "protocol", status = 200, request_id = "req_fault" }, server:client("nothing"):health())
    end)
  end)
end)
