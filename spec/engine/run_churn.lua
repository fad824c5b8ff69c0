-- Runs churn.lua on a server of its own; ends with status 0 when it ended well.
-- Uses: spec.support.servers. CHURN_WRAPPER, if set, is a command to run it under.
--   LUA spec/engine/run_churn.lua LUA CPATH SECONDS

local process = require "spec.support.process"
local servers = require "spec.support.servers"

local server = servers.real_available() and servers.real() or servers.embedded()
local words = {
  "env LUA_CPATH=" .. process.quote(arg[2] .. ";;"), os.getenv("CHURN_WRAPPER") or "", arg[1],
  "spec/engine/churn.lua", server.base_url, server.tokens.alice, arg[3], "2>&1; echo status $?",
}
local output = process.capture(table.concat(words, " "))
server:stop()
print(output)
os.exit(output:find("^ok %d+\nstatus 0") and 0 or 1)
