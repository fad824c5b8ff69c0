/* Errors as Lua tables.
 * May use: core, compat.h. Owns: nothing. */
#include "lua/native.h"

static void set_string(lua_State *L, const char *field, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        lua_pushstring(L, value);
        lua_setfield(L, -2, field);
    }
}

void oct_push_error(lua_State *L, const struct oct_error *error,
                    const struct oct_operation *operation)
{
    lua_createtable(L, 0, 10);
    set_string(L, "kind", oct_kind_name(error->kind));
    set_string(L, "code", error->code);
    set_string(L, "message", error->message);
    set_string(L, "outcome", oct_outcome_name(error->outcome));
    set_string(L, "request_id", error->request_id);
    set_string(L, "argument", error->argument);
    set_string(L, "operation", operation == NULL ? NULL : operation->name);
    set_string(L, "reason", error->kind == OCT_LOCK_LOST ? "lost" : NULL);
    lua_pushboolean(L, error->retryable);
    lua_setfield(L, -2, "retryable");
    if (error->status != 0) {
        lua_pushinteger(L, error->status);
        lua_setfield(L, -2, "status");
    }
    if (error->retry_after_ms >= 0) {
        lua_pushnumber(L, (lua_Number)error->retry_after_ms / 1000);
        lua_setfield(L, -2, "retry_after");
    }
}

int oct_push_failure(lua_State *L, enum oct_status status, const struct oct_error *error,
                     const struct oct_operation *operation)
{
    if (status == OCT_NO_MEMORY) {
        return luaL_error(L, "not enough memory");
    }
    lua_pushnil(L);
    oct_push_error(L, error, operation);
    return 2;
}

/* (request, kind, code, message, sent) -> error: for what goes wrong outside C, in a driver
 * written in Lua. Outcome and retryable follow from the operation and from `sent`. */
int oct_error_make(lua_State *L)
{
    const struct oct_request *request = oct_request_check(L, 1);
    const char *kind_name = luaL_checkstring(L, 2);
    struct oct_error error;
    enum oct_kind kind;

    luaL_argcheck(L, oct_kind_find(kind_name, &kind), 2, "a kind of error expected");
    oct_error_set(&error, kind, luaL_checkstring(L, 3), "%s: %s", request->operation->name,
                  luaL_checkstring(L, 4));
    oct_error_judge(&error, request->operation, lua_toboolean(L, 5));
    oct_push_error(L, &error, request->operation);
    return 1;
}
