/* The blocking transport as a userdata.
 * May use: transport, core, compat.h. Owns: the oct_transport inside the userdata until close. */
#include "lua/native.h"
#include "transport/transport.h"

#define TRANSPORT "octostore.transport"

struct box {
    struct oct_transport *transport; /* NULL once closed */
};

static struct oct_transport *check_open(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, TRANSPORT);
    if (box->transport == NULL) {
        luaL_error(L, "the transport is closed");
    }
    return box->transport;
}

/* (secure, ca_file | nil, proxy | nil) -> transport */
int oct_transport_create(lua_State *L)
{
    struct oct_transport_options options = {luaL_optstring(L, 2, NULL), luaL_optstring(L, 3, NULL),
                                            lua_toboolean(L, 1)};
    struct box *box = lua_newuserdata(L, sizeof *box);
    box->transport = NULL;
    luaL_getmetatable(L, TRANSPORT);
    lua_setmetatable(L, -2);
    box->transport = oct_transport_new(&options);
    return box->transport == NULL ? luaL_error(L, "not enough memory") : 1;
}

/* (request, timeout, connect_timeout): seconds */
static int start(lua_State *L)
{
    struct oct_transport *transport = check_open(L);
    const struct oct_request *request = oct_request_check(L, 2);
    enum oct_status status =
        oct_transport_start(transport, request, oct_check_ms(L, 3), oct_check_ms(L, 4));
    return status == OCT_OK ? 0 : luaL_error(L, "not enough memory");
}

/* (wait) -> answer, or nil while it is pending, or nil, error: `wait` is in seconds. */
static int step(lua_State *L)
{
    struct oct_error error;
    struct oct_transport *transport = check_open(L);
    switch (oct_transport_step(transport, oct_check_ms(L, 2), &error)) {
    case OCT_ANSWERED:
        oct_push_answer(L, oct_transport_response(transport), oct_transport_repeated(transport));
        return 1;
    case OCT_BROKEN:
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    case OCT_PENDING:
        break;
    }
    lua_pushnil(L);
    return 1;
}

/* () -> boolean: ends the exchange in progress; true when any of the request had been sent. */
static int abort_exchange(lua_State *L)
{
    struct oct_transport *transport = check_open(L);
    lua_pushboolean(L, oct_transport_sent(transport));
    oct_transport_abort(transport);
    return 1;
}

static int close_transport(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, TRANSPORT);
    oct_transport_free(box->transport);
    box->transport = NULL;
    return 0;
}

void oct_register_transport(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"start", start},           {"step", step}, {"abort", abort_exchange},
        {"close", close_transport}, {NULL, NULL},
    };
    luaL_newmetatable(L, TRANSPORT);
    oct_push_library(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, close_transport);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
