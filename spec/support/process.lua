-- Child processes for specs: start in the background, ask, stop by pid.
-- Uses: a POSIX shell through io.popen and os.execute, LuaSocket for ports and short sleeps.
-- Owner: whoever starts a process stops it; nothing here is stopped by name.

local socket = require "socket"

local process = {}

local POLL_INTERVAL = 0.02

function process.quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- Lua 5.1 answers a number, later ones a boolean.
local function succeeds(command)
  local result = os.execute(command)
  return result == true or result == 0
end

local function capture(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read("*a")
  pipe:close()
  return (output:gsub("%s+$", ""))
end

process.capture = capture

function process.tmpdir()
  local dir = capture("mktemp -d \"${TMPDIR:-/tmp}/octostore-spec.XXXXXX\"")
  assert(dir ~= "", "mktemp -d failed")
  return dir
end

function process.remove_tmpdir(dir)
  assert(dir:match("octostore%-spec%.%w+$"), "not a directory of process.tmpdir(): " .. dir)
  return succeeds("rm -rf -- " .. process.quote(dir))
end

function process.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

-- An orphan that nobody reaps stays as a zombie: it is dead all the same.
local function is_zombie(pid)
  local stat = io.open("/proc/" .. pid .. "/stat", "r")
  if not stat then return false end
  local line = stat:read("*l") or ""
  stat:close()
  return line:match("%) (%a)") == "Z"
end

function process.is_alive(pid)
  return succeeds("kill -0 " .. pid .. " 2>/dev/null") and not is_zombie(pid)
end

local function wait_gone(pid, seconds)
  local deadline = socket.gettime() + seconds
  while process.is_alive(pid) do
    if socket.gettime() >= deadline then return false end
    socket.sleep(POLL_INTERVAL)
  end
  return true
end

local function environment(variables)
  local words = { "env -i PATH=\"$PATH\" HOME=\"$HOME\"" }
  for name, value in pairs(variables or {}) do
    words[#words + 1] = name .. "=" .. process.quote(value)
  end
  return table.concat(words, " ")
end

local function command_line(arguments)
  local words = {}
  for i, argument in ipairs(arguments) do words[i] = process.quote(argument) end
  return table.concat(words, " ")
end

-- options: command = {program, argument…}, env = {NAME = value} (nothing else is inherited but PATH and HOME),
-- directory, log (a file that is appended to). Answers the pid.
function process.start(options)
  local line = string.format("{ cd %s && exec %s %s; } >>%s 2>&1 </dev/null & echo $!",
    process.quote(options.directory), environment(options.env), command_line(options.command),
    process.quote(options.log))
  local pid = tonumber(capture(line))
  assert(pid, "the shell gave no pid for: " .. options.command[1])
  return pid
end

-- Answers true when TERM was enough, false when it took KILL.
function process.stop(pid, grace)
  if not process.is_alive(pid) then return true end
  os.execute("kill -TERM " .. pid .. " 2>/dev/null")
  if wait_gone(pid, grace or 3) then return true end
  os.execute("kill -KILL " .. pid .. " 2>/dev/null")
  assert(wait_gone(pid, 3), "process " .. pid .. " survived KILL")
  return false
end

return process
