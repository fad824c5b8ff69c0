-- Conformance cases: paths and methods that there are not, and what every error answer has.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: nobody; nothing is held here.

local assert = require "luassert"
local step = require "spec.conformance.step"

local function unknown(title, path)
  return step.fails(title, "GET", path, {}, 404, "not_found")
end

local function wrong_method(method, path)
  return step.fails(method .. " " .. path, method, path, {}, 405, "invalid_input")
end

return {
  unknown("an unknown path", "/nowhere"),
  unknown("an unknown action of a lock", "/locks/a/steal"),
  unknown("a path in capitals", "/LOCKS"),
  unknown("a trailing slash", "/locks/"),
  unknown("a trailing slash behind a name", "/locks/a/"),
  unknown("two slashes in front", "//locks"),
  unknown("an escaped slash in front", "/locks%2Fa"),
  unknown("a dot segment is not removed", "/x/../locks/a"),
  unknown("an unknown part of /auth", "/auth/token"),
  step.fails("POST to an unknown path", "POST", "/nowhere", { body = {} }, 404, "not_found"),
  wrong_method("GET", "/locks/a/acquire"),
  wrong_method("GET", "/locks/a/release"),
  wrong_method("GET", "/locks/a/renew"),
  wrong_method("POST", "/locks/a/acl"),
  wrong_method("POST", "/locks/a/watch"),
  wrong_method("POST", "/locks/a"),
  wrong_method("DELETE", "/locks/a"),
  wrong_method("POST", "/locks"),
  wrong_method("GET", "/sessions"),
  wrong_method("GET", "/sessions/x/keepalive"),
  wrong_method("PUT", "/sessions/x"),
  wrong_method("GET", "/elections"),
  wrong_method("DELETE", "/elections/abcdefgh"),
  wrong_method("GET", "/elections/abcdefgh/campaign"),
  wrong_method("PUT", "/webhooks"),
  wrong_method("GET", "/webhooks/x"),
  wrong_method("GET", "/auth/token/rotate"),
  wrong_method("POST", "/health"),
  wrong_method("PATCH", "/status"),
  {
    name = "each answer has a request id of its own, good ones as well",
    run = function(t)
      local first, second = t:request("GET", "/health"), t:request("GET", "/health")
      assert.is_truthy(first.headers["x-request-id"]:match("^req_%x+$"))
      assert.are_not.equal(first.headers["x-request-id"], second.headers["x-request-id"])
    end,
  },
  {
    name = "a request id that the caller sends is not taken over",
    run = function(t)
      local response = t:request("GET", "/health", { headers = { ["X-Request-Id"] = "mine" } })
      assert.are_not.equal("mine", response.headers["x-request-id"])
    end,
  },
}
