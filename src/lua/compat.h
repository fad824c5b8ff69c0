/* One Lua API for 5.1, LuaJIT, 5.2, 5.3 and 5.4: everything that differs between them.
 * May use: the Lua headers. Owns: nothing. */
#ifndef OCT_LUA_COMPAT_H
#define OCT_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#include <stdint.h>
#include <stdio.h>

#if LUA_VERSION_NUM < 502
#define lua_rawlen(L, index) lua_objlen(L, index)
#endif

/* An exact integer: a Lua integer where there are such; else a number up to 2^53, which a double
 * holds exactly, and a decimal string beyond. */
static inline void oct_push_integer(lua_State *L, int64_t value)
{
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, (lua_Integer)value);
#else
    char text[24];
    if (value <= INT64_C(9007199254740992) && value >= -INT64_C(9007199254740992)) {
        lua_pushnumber(L, (lua_Number)value);
    } else {
        snprintf(text, sizeof text, "%lld", (long long)value);
        lua_pushstring(L, text);
    }
#endif
}

#endif
