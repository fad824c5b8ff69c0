-- Child interpreters of the Lua that runs the specs, with its search paths.
-- Uses: spec.support.process for quoting.
-- Owner: whoever starts the command.

local process = require "spec.support.process"

local interpreter = {}

interpreter.is_luajit = rawget(_G, "jit") ~= nil

---Path of the program that runs the specs.
function interpreter.program()
  local first = 0
  while arg and arg[first - 1] do
    first = first - 1
  end
  return first < 0 and arg[first] or (interpreter.is_luajit and "luajit" or "lua" .. _VERSION:match("%d%.%d"))
end

---A shell command that starts the interpreter with these arguments, quoted already.
local function command(arguments, variables)
  local words = { "exec env" }
  for name, value in pairs(variables or {}) do
    words[#words + 1] = name .. "=" .. process.quote(value)
  end
  words[#words + 1] = "LUA_PATH=" .. process.quote(package.path)
  words[#words + 1] = "LUA_CPATH=" .. process.quote(package.cpath)
  words[#words + 1] = interpreter.program() .. " " .. arguments
  return table.concat(words, " ")
end

---A shell command that runs a chunk of Lua; `variables` are further environment variables.
function interpreter.command(chunk, variables)
  return command("-e " .. process.quote(chunk), variables)
end

---Runs a file with its arguments to its end; answers all that it wrote.
function interpreter.run_file(words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = process.quote(word)
  end
  return process.capture(command(table.concat(quoted, " ")) .. " 2>&1")
end

---Runs a chunk of Lua to its end; answers all that it wrote.
function interpreter.run(chunk, variables)
  return process.capture(interpreter.command(chunk, variables) .. " 2>&1")
end

return interpreter
