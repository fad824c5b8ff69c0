-- Expectations about the two ways in which a call fails: errors that are returned and mistakes that are raised.
-- Uses: luassert, octostore.errors.
-- Owner: nothing.

local assert = require "luassert"
local errors = require "octostore.errors"

local expect = {}

---A call returned nil and an octostore.Error with these fields.
---@param fields table<string, any>
---@return table err
function expect.failure(fields, ...)
  local result, err = ...
  assert.is_nil(result)
  assert.is_true(errors.is_error(err), "not an octostore.Error: " .. tostring(err))
  for name, value in pairs(fields) do
    assert.are.equal(value, err[name], ("err.%s of '%s'"):format(name, tostring(err)))
  end
  assert.is_string(err.message)
  assert.is_nil(tostring(err):find("\n", 1, true), "more than one line: " .. tostring(err))
  return err
end

---A call was refused since an argument broke a rule: the message names the argument and these words.
function expect.invalid(argument, words, ...)
  local err = expect.failure({ kind = "validation", argument = argument, outcome = "none", retryable = false }, ...)
  assert.is_truthy(err.message:find(argument, 1, true), "the argument is not named: " .. err.message)
  assert.is_truthy(err.message:find(words, 1, true), ("'%s' is not in '%s'"):format(words, err.message))
  return err
end

---The function, written on one line of a spec, raises a string with the position of that line and these words.
function expect.raises(words, fn)
  local ok, problem = pcall(fn)
  assert.is_false(ok, "nothing was raised")
  assert.is_string(problem)
  local about = debug.getinfo(fn, "S")
  local position = ("%s:%d: "):format(about.short_src, about.linedefined)
  assert.are.equal(position, problem:sub(1, #position), "another position: " .. problem)
  assert.is_truthy(problem:find(words, 1, true), ("'%s' is not in '%s'"):format(words, problem))
end

---As expect.raises, for an argument of a wrong type.
function expect.wrong_type(argument, operation, fn)
  expect.raises(("bad argument '%s' to '%s' ("):format(argument, operation), fn)
end

return expect
