-- One scripted case of a lock: what is done under which faults, and the state of lock, error and server it leaves.
-- May use: luassert, octostore.testing, spec.support.{expect,faulty}. All on virtual time.

local assert = require "luassert"
local expect = require "spec.support.expect"
local faulty = require "spec.support.faulty"

local lease_case = {}

local TTL = 10 -- of the lock, whose margin is 2; its neighbour in the session has 60
local PATIENCE = 400 -- seconds after which a name that is still held counts as never free

---@class LeaseCase
---@field [1] string what happens
---@field [2] fun(faults: table, world: table): table? writes the script; for an acquire it may return `options`
---@field ttl integer? of the lock
---@field options table? further options of the lock
---@field client table? further options of the client
---@field after number? seconds that pass under the faults before the state is looked at
---@field lock string? "held", or its reason; nil when it was not acquired
---@field err table? fields of the returned error; nil when the call succeeded
---@field neighbour string? state of another lock in the session, "held" unless said otherwise
---@field free number[]? from when to when, in seconds from the look, another session can get the name; none when
---the lock is held
---@field also fun(world: table, lock: table?)? looks at what is special
---@field met integer? at most so many requests met faults

local function state_of(lock)
  return lock:held() and "held" or lock.reason
end

local function is_free(world)
  return world:status("jobs") == "free"
end

---Seconds until the name is free, and surely so: another session acquires it.
local function seconds_until_free(world)
  local from = world.clock:now()
  while not is_free(world) and world:elapsed(from) < PATIENCE do
    world.clock:advance(0.25)
  end
  local seconds = world:elapsed(from)
  local theirs = assert(world.rival:lock("jobs", { ttl = 10 }))
  assert(theirs:release())
  return seconds
end

local function check_server(world, case, lock)
  if case.lock == "held" then
    expect.failure({ kind = "lock_held" }, world.rival:lock("jobs", { ttl = 10 }))
    world.faults:clear()
    assert.is_true((lock:release()))
  end
  local range = case.free or { 0, 0 }
  local seconds = seconds_until_free(world)
  assert.is_true(seconds >= range[1] and seconds <= range[2], "free after " .. seconds .. " s")
end

local function check(world, case, lock, result, err)
  if case.err then
    expect.failure(case.err, result, err)
  else
    assert.is_truthy(result, tostring(err))
  end
  assert.are.equal(case.lock, lock and state_of(lock))
  assert.are.equal(case.neighbour or "held", state_of(world.neighbour))
  assert.are.same({}, world.faults:unmet())
  assert.is_true(#world.faults:log() <= (case.met or math.huge), #world.faults:log() .. " requests met faults")
  if case.also then
    case.also(world, lock)
  end
  check_server(world, case, lock)
end

local function new_world(case)
  local world = faulty.new(case.client)
  world.rival = world:client_of "alice-token" -- one token, another session
  world.neighbour = assert(world.client:lock("neighbour", { ttl = 60 }))
  return world
end

local function acquire(world, case)
  local options = case.options or {}
  options.ttl = case.ttl or TTL
  local err
  world.lock, err = world.client:lock("jobs", options)
  return world.lock, err
end

---The faults meet the acquire.
---@param case LeaseCase
function lease_case.acquiring(case)
  local world = new_world(case)
  case.options = case[2](world.faults, world) or case.options
  local lock, err = acquire(world, case)
  world.clock:advance(case.after or 0)
  check(world, case, lock, lock, err)
end

---The faults meet what is done in the background while a lock is held.
---@param case LeaseCase
function lease_case.holding(case)
  local world = new_world(case)
  local lock = assert(acquire(world, case))
  case[2](world.faults, world)
  world.clock:advance(case.after)
  check(world, case, lock, lock)
end

---The faults meet the release.
---@param case LeaseCase
function lease_case.releasing(case)
  local world = new_world(case)
  local lock = assert(acquire(world, case))
  case[2](world.faults, world)
  local released, err = lock:release()
  world.clock:advance(case.after or 0)
  check(world, case, lock, released, err)
end

return lease_case
