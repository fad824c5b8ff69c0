/* The blocking transport as a userdata.
 * May use: transport, core, compat.h. Owns: the oct_transport inside the userdata until close. */
#include "lua/native.h"
#include "transport/transport.h"

struct box {
    struct oct_transport *transport; /* NULL once closed */
};

static struct oct_transport *check_open(lua_State *L)
{
    struct box *box = oct_object_check(L, 1, OCT_TRANSPORT);
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
    struct box *box = oct_object_new(L, OCT_TRANSPORT, sizeof *box);
    box->transport = oct_transport_new(&options);
    return box->transport == NULL ? luaL_error(L, "not enough memory") : 1;
}

/* Pushes the answer, or nil while it is pending, or nil and an error. */
static int push_step(lua_State *L, struct oct_transport *transport, int64_t wait_ms)
{
    struct oct_error error;
    switch (oct_transport_step(transport, wait_ms, &error)) {
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

/* (request, timeout, connect_timeout, wait) -> as step: most answers come within the first one. */
static int start(lua_State *L)
{
    struct oct_transport *transport = check_open(L);
    const struct oct_request *request = oct_request_check(L, 2);
    int64_t wait_ms = oct_check_ms(L, 5);
    if (oct_transport_start(transport, request, oct_check_ms(L, 3), oct_check_ms(L, 4)) != OCT_OK) {
        return luaL_error(L, "not enough memory");
    }
    return push_step(L, transport, wait_ms);
}

/* (wait) -> answer | nil while it is pending | nil, error; all times are seconds */
static int step(lua_State *L)
{
    return push_step(L, check_open(L), oct_check_ms(L, 2));
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
    struct box *box = oct_object_check(L, 1, OCT_TRANSPORT);
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
    static const luaL_Reg metamethods[] = {{"__gc", close_transport}, {NULL, NULL}};
    oct_define_class(L, OCT_TRANSPORT, metamethods, methods);
}
