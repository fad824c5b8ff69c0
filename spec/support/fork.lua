-- fork() and further Lua states for specs, in a child interpreter: by LuaJIT's ffi, or by a small module compiled for
-- the Lua at hand.
-- Uses: cc and pkg-config for PUC Lua; spec.support.interpreter and spec.support.process.
-- Owner: whoever builds it removes the directory.

local interpreter = require "spec.support.interpreter"
local process = require "spec.support.process"

local fork = {}

local SOURCE = [[
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
#include <sys/wait.h>
#include <unistd.h>
static int do_fork(lua_State *L) { lua_pushinteger(L, fork()); return 1; }
static int do_wait(lua_State *L) {
  int status = 0;
  waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
  lua_pushinteger(L, status);
  return 1;
}
static int do_run(lua_State *L) {
  lua_State *other = luaL_newstate();
  luaL_openlibs(other);
  lua_pushboolean(L, luaL_loadstring(other, luaL_checkstring(L, 1)) == 0 && lua_pcall(other, 0, 0, 0) == 0);
  lua_close(other);
  return 1;
}
int luaopen_spec_fork(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, do_fork); lua_setfield(L, -2, "fork");
  lua_pushcfunction(L, do_wait); lua_setfield(L, -2, "wait");
  lua_pushcfunction(L, do_run); lua_setfield(L, -2, "run_in_new_state");
  return 1;
}
]]

local WITH_FFI = [==[
local ffi = require "ffi"
ffi.cdef [=[
  int fork(void); int waitpid(int pid, int *status, int options);
  void *luaL_newstate(void); void luaL_openlibs(void *L); void lua_close(void *L);
  int luaL_loadstring(void *L, const char *s); int lua_pcall(void *L, int args, int results, int handler);
]=]
local fork = {
  fork = ffi.C.fork,
  wait = function(pid)
    local status = ffi.new("int[1]")
    ffi.C.waitpid(pid, status, 0)
    return status[0]
  end,
  run_in_new_state = function(chunk)
    local other = ffi.C.luaL_newstate()
    ffi.C.luaL_openlibs(other)
    local ok = ffi.C.luaL_loadstring(other, chunk) == 0 and ffi.C.lua_pcall(other, 0, 0, 0) == 0
    ffi.C.lua_close(other)
    return ok
  end,
}
]==]

---Builds what the Lua at hand needs in the directory; answers Lua code that defines `fork` with fork(), wait(pid)
---and run_in_new_state(chunk), which answers whether the chunk ran and has closed the state again.
function fork.prelude(directory)
  if interpreter.is_luajit then
    return WITH_FFI
  end
  local file = assert(io.open(directory .. "/fork.c", "w"))
  file:write(SOURCE)
  file:close()
  local version = _VERSION:match("%d%.%d")
  local flags = ("$(pkg-config --cflags lua%s || pkg-config --cflags lua-%s)"):format(version, version)
  -- Without LD_PRELOAD: under a sanitizer's runtime the compiler's own leaks would be reported.
  local output = process.capture(("cd %s && env -u LD_PRELOAD cc -shared -fPIC %s -o fork.so fork.c 2>&1 && echo built")
    :format(process.quote(directory), flags))
  assert(output:find("built$"), output)
  return ("local fork = assert(package.loadlib(%q, 'luaopen_spec_fork'))()\n"):format(directory .. "/fork.so")
end

return fork
