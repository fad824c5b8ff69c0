#include "lua/object.h"

#include <stdbool.h>
#include <string.h>

static const char *const names[] = {
    [OCT_ENDPOINT] = "octostore.endpoint",   [OCT_REQUEST] = "octostore.request",
    [OCT_TRANSPORT] = "octostore.transport", [OCT_KEEPER] = "octostore.keeper",
    [OCT_ACCOUNT] = "octostore.account",     [OCT_SESSION] = "octostore.kept_session",
    [OCT_HELD] = "octostore.kept_lock",      [OCT_PORT] = "octostore.port",
};

void oct_push_classes(lua_State *L)
{
    for (int i = 1; i <= OCT_LAST_CLASS; i++) {
        luaL_newmetatable(L, names[i]);
    }
}

void oct_set_functions(lua_State *L, const luaL_Reg *functions)
{
    for (; functions->name != NULL; functions++) {
        for (int i = 1; i <= OCT_LAST_CLASS; i++) {
            lua_pushvalue(L, i);
        }
        lua_pushcclosure(L, functions->func, OCT_LAST_CLASS);
        lua_setfield(L, -2, functions->name);
    }
}

void oct_define_class(lua_State *L, enum oct_class class, const luaL_Reg *metamethods,
                      const luaL_Reg *methods)
{
    lua_pushvalue(L, (int)class);
    oct_set_functions(L, metamethods);
    if (methods != NULL) {
        lua_newtable(L);
        oct_set_functions(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
}

void *oct_object_new(lua_State *L, enum oct_class class, size_t size)
{
    void *object = lua_newuserdata(L, size);
    memset(object, 0, size);
    lua_pushvalue(L, lua_upvalueindex((int)class));
    lua_setmetatable(L, -2);
    return object;
}

void *oct_object_check(lua_State *L, int index, enum oct_class class)
{
    void *object = lua_touserdata(L, index);
    if (object != NULL && lua_getmetatable(L, index)) {
        bool same = lua_rawequal(L, -1, lua_upvalueindex((int)class));
        lua_pop(L, 1);
        if (same) {
            return object;
        }
    }
    return luaL_checkudata(L, index, names[class]); /* raises, and knows the words */
}
