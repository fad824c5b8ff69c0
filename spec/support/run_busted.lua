-- Runs busted under the Lua that runs this file, from the top of the tree: LUA spec/support/run_busted.lua [options]
-- `luarocks test` starts it too, then it builds the module for that Lua first. Paths come from .busted.

local name = jit and "luajit" or _VERSION:match("%d+%.%d+")

local function succeeded(status)
  return status == true or status == 0
end

if not os.getenv("OCTOSTORE_TEST_RESULT") then
  if not succeeded(os.execute("make -s modules LUAS=" .. name)) then os.exit(1) end
end

require "busted.runner" { standalone = false }
