-- What a client's calls make of scripted faults: results, outcomes and the state of the service afterwards.
-- May use: octostore, octostore.testing, spec.support.faulty. lease_cases_spec has what locks make of them.

local faulty = require "spec.support.faulty"

local UNKNOWN = { outcome = "unknown" }
local TIMEOUT = { kind = "timeout", outcome = "unknown" }
local GARBLED = { kind = "protocol", outcome = "unknown", retryable = false }

local function nothing() end

local function acquired(world)
  return assert(world.client:acquire_lock("jobs", 60))
end

local function words_of(fault)
  local words = { fault.commit and "commit" or nil }
  words[#words + 1] = fault[1]
  for i = 2, 3 do
    local value = fault[i]
    words[#words + 1] = type(value) == "table" and next(value) or value ~= nil and tostring(value) or nil
  end
  return table.concat(words, " ") .. (fault.times and " x" .. fault.times or "")
end

local function check_error(expected, result, err)
  if not expected then
    assert.is_truthy(result, tostring(err))
    return
  end
  assert.is_nil(result)
  for field, value in pairs(expected) do
    assert.are.equal(value, err[field], ("err.%s of '%s'"):format(field, tostring(err)))
  end
end

---Makes a spec for each case: { fault = as above, err = fields or nil, lock = "held" | "free",
---took = seconds at least, requests = how often the operation met the service or a fault }.
---@param operation string
---@param prepare fun(world): any what the call needs, made before the faults begin
---@param call fun(world, prepared): any, any
---@param cases table[]
local function define(operation, prepare, call, cases)
  for _, case in ipairs(cases) do
    it(operation .. " under " .. words_of(case.fault), function()
      local world = faulty.new()
      local prepared = prepare(world)
      local from = world.clock:now()
      faulty.write(world.faults:on(operation), case.fault)
      local result, err = call(world, prepared)
      check_error(case.err, result, err)
      assert.are.equal(case.lock, world:status())
      assert.are.same({}, world.faults:unmet())
      local took = world:elapsed(from)
      assert.is_true(took >= (case.took or 0) and took < (case.took or 0) + 2, "took " .. took)
    end)
  end
end

describe("a call and its fault:", function()
  define("acquire_lock", nothing, function(world)
    return world.client:acquire_lock("jobs", 60)
  end, {
    { fault = { "refuse" }, lock = "held" },
    { fault = { "refuse", times = 4 }, err = { kind = "network", outcome = "none" }, lock = "free" },
    { fault = { "drop_request" }, lock = "held" },
    { fault = { "drop_request", times = 4 }, err = UNKNOWN, lock = "free" },
    { fault = { "drop_answer" }, lock = "held" },
    { fault = { "drop_answer", times = 4 }, err = UNKNOWN, lock = "held" },
    { fault = { "reset" }, lock = "held" },
    { fault = { "stall_request" }, err = TIMEOUT, lock = "free", took = 30 },
    { fault = { "stall_answer" }, err = TIMEOUT, lock = "held", took = 30 },
    { fault = { "delay_request", 3 }, lock = "held", took = 3 },
    { fault = { "delay_request", 40 }, err = TIMEOUT, lock = "free", took = 30 },
    { fault = { "delay_answer", 3 }, lock = "held", took = 3 },
    { fault = { "delay_answer", 30 }, lock = "held", took = 30 },
    { fault = { "delay_answer", 30.1 }, err = TIMEOUT, lock = "held", took = 30 },
    { fault = { "duplicate" }, lock = "held" },
    { fault = { "duplicate_later", 5 }, lock = "held" },
    { fault = { "status", 503 }, lock = "held" },
    { fault = { "status", 503, times = 3 }, lock = "held" },
    { fault = { "status", 503, times = 4 }, err = { kind = "server", outcome = "unknown" }, lock = "free" },
    { fault = { "status", 502, { bare = true } }, lock = "held" },
    { fault = { "status", 500, commit = true, times = 4 }, err = UNKNOWN, lock = "held" },
    { fault = { "status", 503, { retry_after = 4 } }, lock = "held", took = 4 },
    { fault = { "status", 401 }, err = { kind = "authentication", outcome = "none" }, lock = "free" },
    { fault = { "status", 429 }, lock = "held" },
    { fault = { "status", 429, { retry_after = 2.5 } }, lock = "held", took = 2.5 },
    { fault = { "status", 429, { retry_after = 0 }, times = 3 }, lock = "held" },
    { fault = { "status", 429, { retry_after = 40 } },
      err = { kind = "rate_limited", outcome = "none" }, lock = "free" },
    { fault = { "html" }, err = GARBLED, lock = "free" },
    { fault = { "html", 404 }, err = GARBLED, lock = "free" },
    { fault = { "html", 502 }, lock = "held" },
    { fault = { "garbage" }, err = GARBLED, lock = "held" },
    { fault = { "garbage", "" }, err = GARBLED, lock = "held" },
    { fault = { "clock_step", 3600 }, lock = "held" },
    { fault = { "restart" }, lock = "held" },
    { fault = { "restart", "everything" }, lock = "held" },
  })

  define("release_lock", acquired, function(world, lock)
    return world.client:release_lock("jobs", lock.lease_id)
  end, {
    { fault = { "refuse" }, lock = "free" },
    { fault = { "refuse", times = 4 }, err = { kind = "network", outcome = "none" }, lock = "held" },
    { fault = { "drop_request" }, lock = "free" },
    { fault = { "drop_answer" }, lock = "free" },
    { fault = { "drop_answer", times = 3 }, lock = "free" },
    { fault = { "drop_answer", times = 4 }, err = UNKNOWN, lock = "free" },
    { fault = { "reset", commit = true }, lock = "free" },
    { fault = { "stall_request" }, err = TIMEOUT, lock = "held", took = 30 },
    { fault = { "stall_answer" }, err = TIMEOUT, lock = "free", took = 30 },
    { fault = { "delay_request", 3 }, lock = "free", took = 3 },
    { fault = { "delay_answer", 3 }, lock = "free", took = 3 },
    -- Nothing tells the client that its own release came first; it errs on the side of "lost".
    { fault = { "duplicate" }, err = { kind = "lock_lost", reason = "lost" }, lock = "free" },
    { fault = { "duplicate_later", 5 }, lock = "free" },
    { fault = { "status", 503 }, lock = "free" },
    { fault = { "status", 500, commit = true }, lock = "free" },
    { fault = { "status", 504, { bare = true }, commit = true }, lock = "free" },
    { fault = { "status", 429, { retry_after = 2 } }, lock = "free", took = 2 },
    { fault = { "html" }, err = GARBLED, lock = "held" },
    { fault = { "garbage" }, err = GARBLED, lock = "free" },
    { fault = { "garbage", "" }, err = GARBLED, lock = "free" },
    { fault = { "clock_step", 61 }, err = { kind = "lock_lost", reason = "lost" }, lock = "free" },
    { fault = { "clock_step", -3600 }, lock = "free" },
    { fault = { "restart" }, lock = "free" },
    { fault = { "restart", "leases" }, err = { kind = "lock_lost", reason = "lost" }, lock = "free" },
    { fault = { "restart", "everything" }, err = { kind = "lock_lost", reason = "lost" }, lock = "free" },
  })

  define("renew_lock", acquired, function(world, lock)
    return world.client:renew_lock("jobs", lock.lease_id, 60)
  end, {
    { fault = { "refuse", times = 3 }, lock = "held" },
    { fault = { "drop_request" }, lock = "held" },
    { fault = { "drop_answer" }, lock = "held" },
    { fault = { "drop_answer", times = 4 }, err = UNKNOWN, lock = "held" },
    { fault = { "reset" }, lock = "held" },
    { fault = { "stall_request" }, err = TIMEOUT, lock = "held", took = 30 },
    { fault = { "stall_answer" }, err = TIMEOUT, lock = "held", took = 30 },
    { fault = { "delay_request", 5 }, lock = "held", took = 5 },
    { fault = { "duplicate" }, lock = "held" },
    { fault = { "status", 503, times = 3 }, lock = "held" },
    { fault = { "status", 401 }, err = { kind = "authentication", outcome = "none" }, lock = "held" },
    { fault = { "status", 404 }, err = { kind = "not_found" }, lock = "held" },
    { fault = { "status", 410 }, err = { kind = "session_expired" }, lock = "held" },
    { fault = { "status", 429, { retry_after = 2 } }, lock = "held", took = 2 },
    { fault = { "html", 410 }, err = GARBLED, lock = "held" },
    { fault = { "garbage" }, err = GARBLED, lock = "held" },
    { fault = { "clock_step", 61 }, err = { kind = "lock_lost", reason = "lost" }, lock = "free" },
    { fault = { "other_id" }, err = GARBLED, lock = "held" },
    { fault = { "restart" }, lock = "held" },
    { fault = { "restart", "leases" }, err = { kind = "lock_lost", reason = "lost" }, lock = "free" },
  })
end)

describe("rotate_token and its fault:", function()
  local LOST = { outcome = "unknown", retryable = false }

  ---`works` says which token the service knows afterwards.
  for name, case in pairs {
    ["refuse"] = { { "refuse" }, err = { kind = "network", outcome = "none" }, works = "old" },
    ["drop_request"] = { { "drop_request" }, err = LOST, works = "old" },
    ["drop_answer"] = { { "drop_answer" }, err = LOST },
    ["stall_answer"] = { { "stall_answer" }, err = LOST },
    ["delay_answer"] = { { "delay_answer", 5 }, works = "new" },
    ["status 500 after it took effect"] = { { "status", 500, commit = true }, err = LOST },
    ["status 429"] = { { "status", 429, { retry_after = 1 } },
      err = { kind = "rate_limited", outcome = "none" }, works = "old" },
    ["html"] = { { "html" }, err = LOST, works = "old" },
    ["garbage"] = { { "garbage" }, err = LOST },
    ["restart"] = { { "restart" }, works = "new" },
  } do
    it(name, function()
      local world = faulty.new()
      faulty.write(world.faults:on "rotate_token", case[1])
      local result, err = world.client:rotate_token()
      for field, value in pairs(case.err or {}) do
        assert.are.equal(value, err[field])
      end
      assert.are.equal(case.err == nil, result ~= nil)
      assert.are.equal(1, #world.faults:log())
      local old_works = world:client_of("alice-token"):list_locks() ~= nil
      assert.are.equal(case.works == "old", old_works)
      assert.are.equal(case.works ~= nil, world.client:list_locks() ~= nil)
      if err and err.outcome == "unknown" then
        assert.is_truthy(err.message:find("Check whether the old one still works", 1, true))
      end
    end)
  end
end)
