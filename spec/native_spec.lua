-- The C side as Lua sees it: the operations table, requests, answers, faults, clock and delays.
-- Uses: octostore.native.
-- Owner: nothing.

local answers = require "spec.support.answers"
local errors = require "octostore.errors"
local native = require "octostore.native"

local TOKEN = "secret-token"

local function endpoint(url, token, allow_insecure_http)
  return native.endpoint(url or "https://locks.example/api", token or TOKEN, nil, allow_insecure_http or false)
end

describe("the operations table", function()
  local operations = {}
  for _, operation in ipairs(native.operations()) do
    operations[operation.name] = operation
  end

  it("describes each operation once", function()
    local seen = {}
    for _, operation in ipairs(native.operations()) do
      local route = operation.method .. " " .. operation.path
      assert.is_nil(seen[route], route)
      seen[route] = true
    end
  end)

  it("says which credential goes along", function()
    for name, auth in pairs { health = "none", campaign = "none", acquire_lock = "bearer", get_metrics = "admin" } do
      assert.are.equal(auth, operations[name].auth)
    end
  end)

  it("says what may be repeated", function()
    for name, class in pairs {
      acquire_lock = "safe", release_lock = "safe", renew_lock = "safe", list_locks = "safe", end_session = "safe",
      create_session = "unsent", campaign = "unsent", create_webhook = "unsent",
      rotate_token = "never", register_user = "never",
    } do
      assert.are.equal(class, operations[name].repeat_class, name)
    end
  end)

  it("names parameters with the words of their rules", function()
    local ttl = operations.acquire_lock.parameters[2]
    assert.are.same({
      name = "ttl", wire = "ttl_seconds", rule = "a whole number of seconds from 1 to 3600", required = false,
    }, ttl)
  end)
end)

describe("a request", function()
  it("has what a driver needs, and nothing else", function()
    local request = assert(native.request(endpoint(), "acquire_lock", nil, "a/b", 5))
    assert.are.equal("acquire_lock", request.operation)
    assert.are.equal("POST", request.method)
    assert.are.equal("https://locks.example/api/locks/a%2Fb/acquire", request.url)
    assert.are.equal("/api/locks/a%2Fb/acquire", request.path)
    assert.are.equal('{"ttl_seconds":5}', request.body)
    assert.are.same({
      Accept = "application/json", Authorization = "Bearer " .. TOKEN, ["Content-Type"] = "application/json",
    }, request.headers)
    assert.is_nil(request.credential)
  end)

  it("has the header of administrators where the operation asks for that", function()
    local admin = native.endpoint("https://locks.example", TOKEN, "admin-key", false)
    local request = assert(native.request(admin, "get_metrics", nil))
    assert.are.same({ Accept = "application/json", ["X-OctoStore-Admin-Key"] = "admin-key" }, request.headers)
  end)

  it("has no body for operations without one", function()
    assert.is_nil(assert(native.request(endpoint(), "list_locks", nil)).body)
    assert.is_nil(assert(native.request(endpoint(), "rotate_token", nil)).body)
  end)

  it("prefers the argument by position to the option", function()
    local request = assert(native.request(endpoint(), "acquire_lock", { ttl = 9, name = "other" }, "jobs", 5))
    assert.are.equal("/api/locks/jobs/acquire", request.path)
    assert.are.equal('{"ttl_seconds":5}', request.body)
  end)

  it("is refused with the mark of a wrong type, which its caller raises", function()
    local request, problem = native.request(endpoint(), "acquire_lock", nil, 5)
    assert.is_nil(request)
    assert.is_true(problem.wrong_type)
    assert.are.equal("name", problem.argument)
  end)

  it("does not exist for operations that are not in the table", function()
    assert.is_false(pcall(native.request, endpoint(), "no_such_operation", nil))
  end)

  it("knows whether its token has been replaced", function()
    local place = endpoint()
    local request = assert(native.request(place, "list_locks", nil))
    local public = assert(native.request(place, "health", nil))
    assert.is_false(place:is_outdated(request))
    assert.is_true(place:set_token("another-token"))
    assert.is_true(place:is_outdated(request))
    assert.is_false(place:is_outdated(public))
  end)
end)

describe("an endpoint", function()
  it("says what it is without its secrets", function()
    local place = endpoint()
    assert.are.equal("https://locks.example/api", place:base_url())
    assert.is_true(place:is_secure())
    assert.is_true(place:has_token())
    assert.are.equal("octostore.endpoint(https://locks.example/api)", tostring(place))
  end)

  it("keeps its token when a new one breaks the rule", function()
    local place = endpoint()
    local done, problem = place:set_token("two words")
    assert.is_nil(done)
    assert.are.equal("token", problem.argument)
    assert.are.equal("Bearer " .. TOKEN, native.request(place, "list_locks", nil).headers.Authorization)
  end)

  it("refuses an admin key that breaks the rule", function()
    local place, problem = native.endpoint("https://locks.example", nil, "a b", false)
    assert.is_nil(place)
    assert.are.equal("admin_key", problem.argument)
  end)
end)

describe("an answer", function()
  local request = native.request(endpoint(), "get_metrics_timeseries", nil)
    or native.request(native.endpoint("https://locks.example", nil, "key", false), "get_metrics_timeseries", nil)

  it("without a shape is handed on whole, with exact integers", function()
    local result = assert(native.parse(request, answers.raw(200,
      '{"a":[1,2.5,"x",null,true],"b":{"c":9223372036854775807}}')))
    assert.are.same({ 1, 2.5, "x", [5] = true }, result.a)
    assert.are.equal("9223372036854775807", tostring(result.b.c))
  end)

  it("needs neither headers nor a body", function()
    local result, problem = native.parse(request, { status = 200 })
    assert.is_nil(result)
    assert.are.equal("protocol", problem.kind)
    assert.is_nil(problem.request_id)
  end)

  it("must be a table", function()
    assert.is_false(pcall(native.parse, request, nil))
  end)

  it("is to a request, and no other object passes for one", function()
    local response = { status = 200, body = "{}" }
    for _, other in ipairs { endpoint(), native.transport(false, nil, nil), io.stdout, {}, "request" } do
      local ok, problem = pcall(native.parse, other, response)
      assert.is_false(ok)
      assert.is_truthy(tostring(problem):find("octostore.request expected", 1, true), problem)
    end
  end)
end)

describe("a fault", function()
  local acquire = assert(native.request(endpoint(), "acquire_lock", nil, "jobs"))

  it("of an operation with effect is of unknown outcome once it was sent", function()
    local fault = native.fault(acquire, "network", "reset", "words", true)
    assert.are.same({
      kind = "network", code = "reset", message = "acquire_lock: words", outcome = "unknown", retryable = true,
      operation = "acquire_lock",
    }, fault)
    assert.are.equal("none", native.fault(acquire, "network", "reset", "words", false).outcome)
  end)

  it("can be of every kind", function()
    for _, kind in pairs(errors.kinds) do
      assert.are.equal(kind, native.fault(acquire, kind, "code", "words", false).kind)
    end
    assert.is_false(pcall(native.fault, acquire, "no_such_kind", "code", "words", false))
  end)

  it("has a code of bounded length", function()
    assert.is_true(#native.fault(acquire, "network", ("c"):rep(500), "words", false).code < 64)
  end)
end)

describe("the clock", function()
  it("goes forward and counts what the machine sleeps", function()
    local before = native.now()
    native.sleep(0.02)
    assert.is_true(native.now() - before >= 0.02)
    assert.is_true(native.counts_suspend())
  end)

  it("does not wait for nothing", function()
    local before = native.now()
    native.sleep(0)
    native.sleep(-5)
    assert.is_true(native.now() - before < 1)
  end)
end)

describe("retry_delay", function()
  it("is between nothing and a bound that doubles up to the cap", function()
    for attempt, bound in ipairs { 0.1, 0.2, 0.4, 0.5, 0.5 } do
      for _ = 1, 50 do
        local delay = native.retry_delay(attempt, nil, 0.1, 0.5)
        assert.is_true(delay >= 0 and delay <= bound)
      end
    end
  end)

  it("adds its jitter to the hint", function()
    for _ = 1, 50 do
      local delay = native.retry_delay(1, 2, 0.1, 5)
      assert.is_true(delay >= 2 and delay <= 2.1)
    end
  end)

  it("differs from call to call", function()
    local seen = {}
    for _ = 1, 20 do
      seen[native.retry_delay(10, nil, 1000, 1000)] = true
    end
    local first = next(seen)
    assert.is_not_nil(next(seen, first))
  end)
end)
