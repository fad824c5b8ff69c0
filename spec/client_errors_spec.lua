-- What the client makes of every error answer, and of locks that someone else has.
-- Uses: a client on a fake driver, without repeats.
-- Owner: nothing.

local answers = require "spec.support.answers"
local expect = require "spec.support.expect"
local fake_driver = require "spec.support.fake_driver"

local function acquire(answer)
  local client = fake_driver.client({ answer }, { retry = false })
  return client:acquire_lock("jobs")
end

describe("an error of the service", function()
  for _, case in ipairs {
    -- status, code, kind, retryable, outcome
    { 401, "authentication_required", "authentication", false, "none" },
    { 401, "authentication_failed", "authentication", false, "none" },
    { 403, "forbidden", "forbidden", false, "none" },
    { 403, "lock_limit_exceeded", "limit", true, "none" },
    { 409, "capacity_exceeded", "limit", true, "none" },
    { 400, "invalid_input", "validation", false, "none" },
    { 405, "invalid_input", "validation", false, "none" },
    { 415, "invalid_input", "validation", false, "none" },
    { 422, "invalid_input", "validation", false, "none" },
    { 400, "invalid_ttl", "validation", false, "none" },
    { 400, "invalid_lock_name", "validation", false, "none" },
    { 404, "not_found", "not_found", false, "none" },
    { 410, "session_expired", "session_expired", false, "none" },
    { 404, "lease_not_current", "lock_lost", false, "none" },
    { 400, "lease_not_current", "lock_lost", false, "none" },
    { 409, "conflict", "conflict", false, "none" },
    { 429, "rate_limited", "rate_limited", true, "none" },
    { 502, "upstream_unavailable", "server", true, "unknown" },
    { 500, "internal_error", "server", true, "unknown" },
    -- codes of a later version go by their status
    { 400, "new_in_0_15", "validation", false, "none" },
    { 401, "new_in_0_15", "authentication", false, "none" },
    { 403, "new_in_0_15", "forbidden", false, "none" },
    { 404, "new_in_0_15", "not_found", false, "none" },
    { 409, "new_in_0_15", "conflict", false, "none" },
    { 410, "new_in_0_15", "session_expired", false, "none" },
    { 418, "new_in_0_15", "protocol", false, "unknown" },
    { 429, "new_in_0_15", "rate_limited", true, "none" },
    { 503, "new_in_0_15", "server", true, "unknown" },
  } do
    local status, code, kind, retryable, outcome = (table.unpack or unpack)(case)
    it(("%d %s is %s"):format(status, code, kind), function()
      local err = expect.failure({
        kind = kind, code = code, status = status, retryable = retryable, outcome = outcome,
        request_id = answers.REQUEST_ID, operation = "acquire_lock",
      }, acquire(answers.error(status, code)))
      assert.are.equal(("acquire_lock: some details (HTTP %d, %s)"):format(status, code), err.message)
    end)
  end

  it("has no outcome when the call only reads", function()
    local client = fake_driver.client({ answers.error(500, "internal_error") }, { retry = false })
    expect.failure({ kind = "server", outcome = "none", retryable = true }, client:list_locks())
  end)

  it("carries the server's hint", function()
    expect.failure({ retry_after = 2.5 },
      acquire(answers.error(429, "rate_limited", { retry_after_ms = 2500 }, { ["retry-after"] = "3" })))
    expect.failure({ retry_after = 3 }, acquire(answers.error(429, "rate_limited", nil, { ["retry-after"] = "3" })))
  end)

  for _, header in ipairs { "", "soon", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", ("9"):rep(30) } do
    it(("has no hint when the header says '%s'"):format(header), function()
      local _, err = acquire(answers.error(429, "rate_limited", nil, { ["retry-after"] = header }))
      assert.is_nil(err.retry_after)
    end)
  end

  it("has a message of one line and bounded length whatever the details are", function()
    local err = expect.failure({ kind = "conflict" },
      acquire(answers.error(409, "conflict", { details = "a\\nb\\u001b[31m\\u0000" .. ("x"):rep(5000) })))
    assert.is_nil(err.message:find("%c"))
    assert.is_true(#err.message < 400)
  end)
end)

describe("a lock of someone else", function()
  it("is lock_held although the answer is a success of HTTP", function()
    local err = expect.failure({
      kind = "lock_held", code = "held", status = 200, retryable = true, outcome = "none", holder_id = "holder-1",
      expires_at = answers.EXPIRES, retry_after = 12.5, metadata = "worker 7", request_id = answers.REQUEST_ID,
    }, acquire(answers.held { retry_after_ms = 12500, metadata = "worker 7" }))
    assert.is_truthy(err.message:find(answers.EXPIRES, 1, true))
  end)

  it("is lock_held without hint and metadata too", function()
    local err = expect.failure({ kind = "lock_held" }, acquire(answers.held()))
    assert.is_nil(err.retry_after)
    assert.is_nil(err.metadata)
  end)

  it("is lock_delayed while its delay lasts", function()
    expect.failure({
      kind = "lock_delayed", code = "delayed", status = 409, retryable = true, outcome = "none",
      available_at = answers.EXPIRES, retry_after = 2.5, lock_delay = 5, request_id = answers.REQUEST_ID,
    }, acquire(answers.delayed()))
  end)
end)

describe("an answer that is not the service's", function()
  for name, answer in pairs {
    ["HTML"] = answers.raw(200, "<html><body>Welcome</body></html>"),
    ["truncated JSON"] = answers.raw(200, answers.acquired().body:sub(1, -2)),
    ["JSON with something behind it"] = answers.raw(200, answers.acquired().body .. "x"),
    ["nothing"] = answers.raw(200, ""),
    ["null"] = answers.raw(200, "null"),
    ["a list"] = answers.raw(200, "[]"),
    ["an empty object"] = answers.raw(200, "{}"),
    ["a status that does not exist"] = answers.raw(200, '{"status":"maybe"}'),
    ["a lease that is not a UUID"] = answers.acquired { lease = "7" },
    ["a fencing token that is text"] = answers.acquired { token = '"7"' },
    ["a fencing token with a fraction"] = answers.acquired { token = "7.0" },
    ["a negative fencing token"] = answers.acquired { token = "-1" },
    ["a fencing token over INT64_MAX"] = answers.acquired { token = "9223372036854775808" },
    ["a time that is none"] = answers.raw(200, (answers.acquired().body:gsub('_at":"[^"]*', '_at":"soon'))),
    ["a missing lease"] = answers.raw(200, (answers.acquired().body:gsub('"lease_id"', '"lease"'))),
    ["a missing fencing token"] = answers.raw(200, (answers.acquired().body:gsub('"fencing_token"', '"token"'))),
    ["a lock that is held by nobody"] = answers.raw(200, (answers.held().body:gsub('"holder_id"', '"holder"'))),
    ["the same key twice"] = answers.raw(200, (answers.acquired().body:gsub("^{", '{"status":"acquired",'))),
    ["JSON that is nested too deep"] = answers.raw(200, ("["):rep(5000) .. ("]"):rep(5000)),
    ["a success of another kind"] = answers.raw(204, ""),
    ["a redirect"] = answers.raw(302, "", { location = "https://elsewhere.example" }),
    ["a proxy's 404"] = answers.raw(404, "<html>not here</html>"),
    ["a proxy's 403"] = answers.raw(403, '{"message":"blocked"}'),
  } do
    it("is a protocol error: " .. name, function()
      expect.failure({
        kind = "protocol", status = answer.status, request_id = answers.REQUEST_ID, outcome = "unknown",
        retryable = false,
      }, acquire(answer))
    end)
  end

  it("names the field that is wrong", function()
    local _, err = acquire(answers.acquired { token = '"7"' })
    assert.is_truthy(err.message:find("'fencing_token'", 1, true))
  end)

  it("is a fault of the server when a proxy says so", function()
    expect.failure({ kind = "server", code = "http_error", status = 503, retryable = true, outcome = "unknown" },
      acquire(answers.raw(503, "<html></html>")))
    expect.failure({ kind = "rate_limited", code = "http_error", status = 429, retry_after = 7, outcome = "none" },
      acquire(answers.raw(429, "slow down", { ["retry-after"] = "7" })))
  end)

  it("renews nothing when it is about another lease", function()
    local client = fake_driver.client { answers.renewed(answers.OTHER_LEASE) }
    expect.failure({ kind = "protocol", status = 200, request_id = answers.REQUEST_ID, outcome = "unknown" },
      client:renew_lock("jobs", answers.LEASE))
  end)

  it("renews when the lease differs in letter case only", function()
    local lease = "ABCDEF00-2222-4333-8444-555555555555"
    local client = fake_driver.client { answers.renewed(lease:lower()) }
    assert(client:renew_lock("jobs", lease))
  end)

  it("describes nothing when it is about another lock", function()
    local client = fake_driver.client { answers.raw(200, '{"name":"other","status":"free","fencing_token":1}') }
    expect.failure({ kind = "protocol", status = 200 }, client:get_lock_status("jobs"))
  end)
end)

describe("a fencing token", function()
  local has_integers = math.type ~= nil

  for text, as_double in pairs {
    ["0"] = 0,
    ["1"] = 1,
    ["9007199254740991"] = 2 ^ 53 - 1,
    ["9007199254740992"] = 2 ^ 53,
    ["9007199254740993"] = "9007199254740993",
    ["9223372036854775807"] = "9223372036854775807",
  } do
    it(("of %s is exact"):format(text), function()
      local lock = assert(acquire(answers.acquired { token = text }))
      if has_integers then
        assert.are.equal("integer", math.type(lock.fencing_token))
        assert.are.equal(text, tostring(lock.fencing_token))
      else
        assert.are.equal(as_double, lock.fencing_token)
      end
    end)
  end
end)
