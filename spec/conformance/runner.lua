-- Runs the conformance cases against several worlds and keeps what each saw.
-- Uses: spec.conformance.context, the case files, LuaSocket's clock; waits of all cases and worlds overlap.
-- Owner: the runner keeps one context for each case and world until the worlds stop.
--
-- A case is {name =, run = function(t)}, with mode = "registration", "closed" or "small" for another kind of
-- server. One that has to wait says prepare = function(t), which runs right after the server's start, and
-- after = seconds, about how long it waits then for what it wants to see.

local socket = require "socket"
local context = require "spec.conformance.context"
local transcript = require "spec.conformance.transcript"

local runner = {}

local FILES = {
  "locks_acquire", "locks_names", "locks_release", "locks_renew", "locks_status_list", "locks_acl", "locks_delay",
  "limits", "sessions", "elections", "webhooks", "auth", "system", "errors", "watch",
}

-- All cases, each with a full name and an index, in the order in which they run.
function runner.cases()
  local cases, names = {}, {}
  for _, file in ipairs(FILES) do
    for _, case in ipairs(require("spec.conformance.cases." .. file)) do
      case.full_name = file .. ": " .. case.name
      assert(not names[case.full_name], "two cases with one name: " .. case.full_name)
      names[case.full_name] = true
      case.index = #cases + 1
      cases[case.index] = case
    end
  end
  return cases
end

-- Errors of luassert are tables that busted would print; here they become text.
local function attempt(run, t)
  local ok, err = pcall(run, t)
  if ok then return nil end
  if type(err) == "table" and err.message then err = err.message end
  return tostring(err)
end

local function open(world, cases)
  local results = {}
  for _, case in ipairs(cases) do
    local t = context.new(world:target(case.mode or "static"), case.index)
    results[case] = { context = t, transcript = t.transcript }
  end
  return results
end

local function prepare(results, cases)
  for _, case in ipairs(cases) do
    if case.prepare then results[case].err = attempt(case.prepare, results[case].context) end
  end
end

local function run(results, case)
  local result = results[case]
  result.err = result.err or attempt(case.run, result.context)
  result.context:close()
end

-- The cases that wait, shortest first.
local function waiting_of(cases)
  local waiting = {}
  for _, case in ipairs(cases) do
    if case.after then waiting[#waiting + 1] = case end
  end
  table.sort(waiting, function(a, b)
    if a.after ~= b.after then return a.after < b.after end
    return a.index < b.index
  end)
  return waiting
end

local function run_everywhere(all, worlds, case)
  for _, world in ipairs(worlds) do run(all[world], case) end
end

-- Answers {[world] = {[case] = {err =, transcript =}}}. A case that waits runs as soon as its time has come: some see
-- a state that lasts only a few seconds.
function runner.run(worlds, cases)
  local all, waiting, started = {}, waiting_of(cases), socket.gettime()
  for _, world in ipairs(worlds) do
    all[world] = open(world, cases)
    prepare(all[world], cases)
  end
  for _, case in ipairs(cases) do
    if not case.after then run_everywhere(all, worlds, case) end
    while waiting[1] and socket.gettime() - started > waiting[1].after + 1 do
      run_everywhere(all, worlds, table.remove(waiting, 1))
    end
  end
  for _, case in ipairs(waiting) do run_everywhere(all, worlds, case) end
  return all
end

-- Nil, or why the case failed in a world or saw there something else than in the reference world.
function runner.verdict(results, reference, case)
  local result = results[case]
  if result.err then return result.err end
  if reference and not reference[case].err then
    return transcript.difference(reference[case].transcript, result.transcript)
  end
  return nil
end

return runner
