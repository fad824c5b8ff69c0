/* The module octostore.native: the C side of the library as Lua sees it.
 * May use: core, transport, compat.h. Owns: nothing. Not an API: octostore.client stands on it. */
#include "lua/native.h"

#include "core/limits.h"
#include "core/operation.h"
#include "core/retry.h"
#include "core/rfc3339.h"
#include "transport/clock.h"
#include "transport/token_file.h"

#include <string.h>
#include <time.h>

static void set_string(lua_State *L, const char *field, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

static void push_parameters(lua_State *L, const struct oct_operation *operation)
{
    lua_createtable(L, (int)operation->parameter_count, 0);
    for (size_t i = 0; i < operation->parameter_count; i++) {
        lua_createtable(L, 0, 4);
        set_string(L, "name", operation->parameters[i].name);
        set_string(L, "wire", operation->parameters[i].wire);
        set_string(L, "rule", oct_rule_words(operation->parameters[i].rule));
        lua_pushboolean(L, operation->parameters[i].required);
        lua_setfield(L, -2, "required");
        lua_rawseti(L, -2, (int)i + 1);
    }
}

/* () -> list of { name, method, path, auth, repeat_class, parameters }: the operations table. */
static int operations(lua_State *L)
{
    lua_createtable(L, (int)oct_operation_count, 0);
    for (size_t i = 0; i < oct_operation_count; i++) {
        const struct oct_operation *operation = &oct_operations[i];
        lua_createtable(L, 0, 6);
        set_string(L, "name", operation->name);
        set_string(L, "method", operation->method);
        set_string(L, "path", operation->path);
        set_string(L, "auth", oct_auth_name(operation->auth));
        set_string(L, "repeat_class", oct_repeat_name(operation->repeat));
        push_parameters(L, operation);
        lua_setfield(L, -2, "parameters");
        lua_rawseti(L, -2, (int)i + 1);
    }
    return 1;
}

int64_t oct_check_ms(lua_State *L, int argument)
{
    lua_Number ms = luaL_checknumber(L, argument) * 1000;
    return ms >= (lua_Number)INT32_MAX ? INT32_MAX : ms > 0 ? (int64_t)ms : 0;
}

/* (attempt, hint | nil, base, cap) -> seconds to wait before the next attempt */
static int retry_delay(lua_State *L)
{
    struct oct_retry_policy policy = {oct_check_ms(L, 3), oct_check_ms(L, 4)};
    lua_Number hint = luaL_optnumber(L, 2, -1);
    int64_t hint_ms = hint < 0 ? -1 : hint > 1e9 ? INT64_MAX : (int64_t)(hint * 1000);
    int attempt = (int)luaL_checkinteger(L, 1);
    int64_t delay_ms = oct_retry_delay_ms(&policy, attempt, hint_ms, oct_random());
    lua_pushnumber(L, (lua_Number)delay_ms / 1000);
    return 1;
}

/* () -> seconds of the clock that authority and timeouts are counted on */
static int now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)oct_clock_seconds());
    return 1;
}

/* () -> a number in [0, 1) that two processes do not share */
static int random_number(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)oct_random());
    return 1;
}

/* (seconds): waits, or until a signal arrives */
static int sleep_for(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    struct timespec wait = {(time_t)seconds, 0};
    wait.tv_nsec = (long)((seconds - (lua_Number)wait.tv_sec) * 1e9);
    if (seconds > 0) {
        nanosleep(&wait, NULL);
    }
    return 0;
}

/* (text) -> seconds since 1970 with fractions | nil when the text is not an RFC 3339 time */
static int parse_time(lua_State *L)
{
    struct oct_text text;
    struct oct_time time;
    text.data = luaL_checklstring(L, 1, &text.len);
    if (!oct_rfc3339_parse(text, &time)) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushnumber(L, (lua_Number)time.seconds + (lua_Number)time.nanoseconds / 1e9);
    return 1;
}

/* (path) -> token | nil, error: the content of a file that nobody else may read */
static int read_token_file(lua_State *L)
{
    char token[OCT_MAX_TOKEN_BYTES + 1];
    struct oct_error error;
    if (oct_token_file_read(luaL_checkstring(L, 1), token, sizeof token, &error) != OCT_OK) {
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    }
    lua_pushstring(L, token);
    oct_wipe(token, sizeof token);
    return 1;
}

/* (path) -> boolean */
static int is_readable(lua_State *L)
{
    lua_pushboolean(L, oct_is_readable(luaL_checkstring(L, 1)));
    return 1;
}

static int counts_suspend(lua_State *L)
{
    lua_pushboolean(L, oct_clock_counts_suspend());
    return 1;
}

__attribute__((visibility("default"))) int luaopen_octostore_native(lua_State *L);

int luaopen_octostore_native(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"operations", operations},
        {"endpoint", oct_endpoint_new},
        {"request", oct_request_new},
        {"parse", oct_response_read},
        {"fault", oct_error_make},
        {"retry_delay", retry_delay},
        {"now", now},
        {"sleep", sleep_for},
        {"random", random_number},
        {"counts_suspend", counts_suspend},
        {"parse_time", parse_time},
        {"read_token_file", read_token_file},
        {"is_readable", is_readable},
        {"engine", oct_keeper_of_engine},
        {"keeper", oct_keeper_stepped},
        {"port", oct_port_create},
        {NULL, NULL},
    };
    lua_settop(L, 0); /* of no use: the module's name, and where it was found */
    oct_push_classes(L);
    oct_register_endpoint(L);
    oct_register_request(L);
    oct_register_transport(L);
    oct_register_keeper(L);
    oct_register_port(L);
    lua_newtable(L);
    oct_set_functions(L, functions);
    oct_set_functions(L, oct_transport_functions);
    return 1;
}
