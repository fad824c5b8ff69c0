-- busted's output for `make test`: failures at once and in full, skipped tests by reason at the end.
-- Uses: busted's base handler. Writes "PASSED FAILED SKIPPED" to the file OCTOSTORE_TEST_RESULT at the suite's end;
-- a run that found no test at all counts as one failure.

local busted = require "busted"
local base = require "busted.outputHandlers.base"
local pretty = require "pl.pretty"

local function text_of(message)
  if message == nil then return "no message" end
  if type(message) == "string" then return message end
  local mt = getmetatable(message)
  return mt and mt.__tostring and tostring(message) or pretty.write(message)
end

local function indented(text)
  return "    " .. text:gsub("%s+$", ""):gsub("\n", "\n    ")
end

local function show(kind, t)
  local trace = t.element.trace or t.trace or {}
  io.write(("%s: %s\n    %s:%s\n%s\n"):format(kind, t.name, trace.short_src or "?", trace.currentline or "?",
    indented(text_of(t.message))))
  local traceback = t.trace and t.trace.traceback
  if type(traceback) == "string" and traceback ~= "" then
    io.write(indented(traceback:gsub("^\n", "")), "\n")
  end
  io.flush()
end

local function show_skipped(pendings)
  local reasons, count = {}, {}
  for _, t in ipairs(pendings) do
    local reason = type(t.message) == "string" and t.message:gsub("^%S+:%d+: ", "") or t.name
    if not count[reason] then reasons[#reasons + 1] = reason end
    count[reason] = (count[reason] or 0) + 1
  end
  for _, reason in ipairs(reasons) do io.write(("skipped %d: %s\n"):format(count[reason], reason)) end
end

local function write_result(passed, failed, skipped)
  local path = os.getenv("OCTOSTORE_TEST_RESULT")
  if not path or path == "" then
    io.write(("%d passed, %d failed, %d skipped\n"):format(passed, failed, skipped))
    return
  end
  local file = assert(io.open(path, "w"))
  file:write(("%d %d %d\n"):format(passed, failed, skipped))
  file:close()
end

return function()
  local handler = base()

  local function test_end(_, _, status)
    if status == "failure" then show("failed", handler.failures[#handler.failures]) end
    return nil, true
  end

  local function on_error()
    show("error", handler.errors[#handler.errors])
    return nil, true
  end

  local function suite_end()
    local passed, skipped = handler.successesCount, handler.pendingsCount
    local failed = handler.failuresCount + handler.errorsCount
    show_skipped(handler.pendings)
    if passed + failed + skipped == 0 then
      io.write("failed: no test was found\n")
      failed = 1
    end
    write_result(passed, failed, skipped)
    io.flush()
    return nil, true
  end

  busted.subscribe({ "test", "end" }, test_end)
  busted.subscribe({ "error" }, on_error)
  busted.subscribe({ "failure" }, function(element)
    if element.descriptor ~= "it" then show("error", handler.errors[#handler.errors]) end
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, suite_end)
  return handler
end
