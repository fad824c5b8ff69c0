/* The blocking transport as a userdata, and its answer as fields of it.
 * May use: transport, core, compat.h. Owns: the oct_transport inside the userdata until it is
 * closed. A transport that has answered is the response: it has the fields that a driver written in
 * Lua puts into a table, and nothing is copied for the core to read. It holds its last answer only.
 */
#include "lua/native.h"
#include "transport/transport.h"

#include <string.h>

struct box {
    struct oct_transport *transport; /* NULL once closed */
    uint64_t exchange;               /* how many were started */
};

static struct box *check_open(lua_State *L, int index)
{
    struct box *box = oct_object_check(L, index, OCT_TRANSPORT);
    if (box->transport == NULL) {
        luaL_error(L, "the transport is closed");
    }
    return box;
}

/* (secure, ca_file | nil, proxy | nil) -> transport */
static int create(lua_State *L)
{
    struct oct_transport_options options = {luaL_optstring(L, 2, NULL), luaL_optstring(L, 3, NULL),
                                            lua_toboolean(L, 1)};
    struct box *box = oct_object_new(L, OCT_TRANSPORT, sizeof *box);
    box->transport = oct_transport_new(&options);
    return box->transport == NULL ? luaL_error(L, "not enough memory") : 1;
}

/* Pushes true when there is an answer, nil while it is pending, or nil and an error. */
static int push_step(lua_State *L, struct oct_transport *transport, int64_t wait_ms)
{
    struct oct_error error;
    switch (oct_transport_step(transport, wait_ms, &error)) {
    case OCT_ANSWERED:
        lua_pushboolean(L, 1);
        return 1;
    case OCT_BROKEN:
        return oct_push_failure(L, OCT_FAILED, &error, NULL);
    case OCT_PENDING:
        break;
    }
    lua_pushnil(L);
    return 1;
}

/* (transport, request, timeout, connect_timeout, wait) -> as step: most answers come within the
 * first one. */
static int start(lua_State *L)
{
    struct box *box = check_open(L, 1);
    struct oct_request_box *request = oct_request_box_check(L, 2);
    int64_t timeout_ms = oct_check_ms(L, 3);
    int64_t connect_timeout_ms = oct_check_ms(L, 4);
    int64_t wait_ms = oct_check_ms(L, 5);

    request->transport = box;
    request->exchange = ++box->exchange;
    if (oct_transport_start(box->transport, &request->request, timeout_ms, connect_timeout_ms) !=
        OCT_OK) {
        return luaL_error(L, "not enough memory");
    }
    return push_step(L, box->transport, wait_ms);
}

/* (transport, wait) -> true | nil while it is pending | nil, error; all times are seconds */
static int step(lua_State *L)
{
    return push_step(L, check_open(L, 1)->transport, oct_check_ms(L, 2));
}

/* (transport) -> boolean: ends the exchange in progress; true when any of the request had been
 * sent. */
static int abort_exchange(lua_State *L)
{
    struct oct_transport *transport = check_open(L, 1)->transport;
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

/* ---- the answer ---- */

const struct oct_response *oct_transport_answer(lua_State *L, int index,
                                                const struct oct_request_box *request)
{
    const struct box *box = check_open(L, index);
    if (request->transport != box || request->exchange != box->exchange) {
        luaL_error(L, "the transport has sent another request since");
    }
    return oct_transport_response(box->transport);
}

static void set_header(lua_State *L, const char *name, struct oct_text value)
{
    if (value.len > 0) {
        lua_pushlstring(L, value.data, value.len);
        lua_setfield(L, -2, name);
    }
}

/* The fields of a driver's response: status, headers, body, repeated. */
static int index(lua_State *L)
{
    const struct oct_transport *transport = check_open(L, 1)->transport;
    const struct oct_response *response = oct_transport_response(transport);
    const char *field = luaL_checkstring(L, 2);

    if (strcmp(field, "repeated") == 0) {
        lua_pushboolean(L, oct_transport_repeated(transport));
    } else if (strcmp(field, "status") == 0) {
        lua_pushinteger(L, response->status);
    } else if (strcmp(field, "body") == 0) {
        lua_pushlstring(L, response->body.data, response->body.len);
    } else if (strcmp(field, "headers") == 0) {
        lua_createtable(L, 0, 2);
        set_header(L, "x-request-id", response->request_id);
        set_header(L, "retry-after", response->retry_after);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/* Functions and not methods: the fields are the answer's. */
const luaL_Reg oct_transport_functions[] = {
    {"transport", create},     {"start", start},           {"step", step},
    {"abort", abort_exchange}, {"close", close_transport}, {NULL, NULL},
};

void oct_register_transport(lua_State *L)
{
    static const luaL_Reg metamethods[] = {
        {"__index", index}, {"__gc", close_transport}, {NULL, NULL}};
    oct_define_class(L, OCT_TRANSPORT, metamethods, NULL);
}
