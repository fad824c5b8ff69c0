/* Ports as userdata: exchanges that the engine carries for a host's loop.
 * May use: core, engine, transport, compat.h. Owns: the port, and a use of the engine, until it is
 * closed. In a child made by fork both are the parent's and left alone. */
#include "engine/engine.h"
#include "lua/native.h"
#include "transport/fork.h"

#include <string.h>

struct box {
    struct oct_engine *engine; /* NULL once closed */
    struct oct_port *port;
    unsigned generation;
    struct oct_exchange *taken; /* for as long as it is being pushed: pushing may raise */
};

static bool is_inherited(const struct box *box)
{
    return box->generation != oct_fork_generation();
}

static bool is_usable(const struct box *box)
{
    return box->engine != NULL && !is_inherited(box);
}

static struct box *check_open(lua_State *L)
{
    struct box *box = oct_object_check(L, 1, OCT_PORT);
    if (!is_usable(box)) {
        luaL_error(L, box->engine == NULL ? "the port is closed"
                                          : "the port belongs to the parent process");
    }
    return box;
}

/* (secure, ca_file | nil, proxy | nil) -> port */
int oct_port_create(lua_State *L)
{
    struct oct_transport_options options = {luaL_optstring(L, 2, NULL), luaL_optstring(L, 3, NULL),
                                            lua_toboolean(L, 1)};
    struct box *box = oct_object_new(L, OCT_PORT, sizeof *box);
    struct oct_engine *engine = oct_engine_use();
    if (engine == NULL) {
        return luaL_error(L, "the background thread could not be started");
    }
    box->generation = oct_fork_generation();
    box->port = oct_engine_open_port(engine, &options);
    if (box->port == NULL) {
        oct_engine_let_go(engine);
        return luaL_error(L, "not enough memory or descriptors");
    }
    box->engine = engine;
    return 1;
}

/* () -> descriptor: readable while there is something to be taken */
static int descriptor(lua_State *L)
{
    lua_pushinteger(L, oct_port_descriptor(check_open(L)->port));
    return 1;
}

typedef uint64_t submission(struct oct_port *port, const struct oct_request *request,
                            int64_t timeout_ms, int64_t connect_timeout_ms);

static int put(lua_State *L, submission *submit_to)
{
    struct box *box = check_open(L);
    const struct oct_request *request = oct_request_check(L, 2);
    int64_t timeout_ms = oct_check_ms(L, 3);
    int64_t connect_timeout_ms = oct_check_ms(L, 4);
    oct_engine_lock(box->engine);
    uint64_t id = submit_to(box->port, request, timeout_ms, connect_timeout_ms);
    oct_engine_unlock(box->engine);
    oct_engine_wake(box->engine);
    if (id == 0) {
        return luaL_error(L, "not enough memory");
    }
    lua_pushnumber(L, (lua_Number)id);
    return 1;
}

/* (request, timeout, connect_timeout) -> id: has the engine send it; times are seconds */
static int submit(lua_State *L)
{
    return put(L, oct_port_submit);
}

/* (request, timeout, connect_timeout) -> id: the same for a watch, which has no completion */
static int watch(lua_State *L)
{
    return put(L, oct_port_watch);
}

/* (id) -> number | nil: how often the watched lock has become free; nil when the watch is over, as
 * those of a closed port are */
static int changes(lua_State *L)
{
    struct box *box = oct_object_check(L, 1, OCT_PORT);
    uint64_t id = (uint64_t)luaL_checknumber(L, 2);
    long count = -1;
    if (is_usable(box)) {
        oct_engine_lock(box->engine);
        count = oct_port_changes(box->port, id);
        oct_engine_unlock(box->engine);
    }
    if (count < 0) {
        lua_pushnil(L);
    } else {
        lua_pushinteger(L, (lua_Integer)count);
    }
    return 1;
}

/* (id): the exchange completes with an error of kind "cancelled", if it has not completed yet;
 * those of a closed port have ended with it */
static int cancel(lua_State *L)
{
    struct box *box = oct_object_check(L, 1, OCT_PORT);
    uint64_t id = (uint64_t)luaL_checknumber(L, 2);
    if (is_usable(box)) {
        oct_engine_lock(box->engine);
        oct_port_cancel(box->port, id);
        oct_engine_unlock(box->engine);
        oct_engine_wake(box->engine);
    }
    return 0;
}

static void set_header(lua_State *L, const char *name, const char *value)
{
    if (value[0] != '\0') {
        lua_pushstring(L, value);
        lua_setfield(L, -2, name);
    }
}

/* A response as any driver makes it. */
static void push_response(lua_State *L, const struct oct_exchange *exchange)
{
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, exchange->status);
    lua_setfield(L, -2, "status");
    lua_pushlstring(L, exchange->body.data == NULL ? "" : exchange->body.data, exchange->body.len);
    lua_setfield(L, -2, "body");
    lua_pushboolean(L, exchange->repeated);
    lua_setfield(L, -2, "repeated");
    lua_createtable(L, 0, 2);
    set_header(L, "x-request-id", exchange->request_id);
    set_header(L, "retry-after", exchange->retry_after);
    lua_setfield(L, -2, "headers");
}

static void free_taken(struct box *box)
{
    if (box->taken != NULL) {
        oct_exchange_free(box->taken);
        box->taken = NULL;
    }
}

/* () -> id, response | id, nil, error | nil: the next completion, if there is one */
static int take(lua_State *L)
{
    struct box *box = check_open(L);
    free_taken(box);
    oct_engine_lock(box->engine);
    box->taken = oct_port_take(box->port);
    oct_engine_unlock(box->engine);
    if (box->taken == NULL) {
        lua_pushnil(L);
        return 1;
    }
    int count = 2;
    lua_pushnumber(L, (lua_Number)box->taken->id);
    if (box->taken->answered) {
        push_response(L, box->taken);
    } else {
        lua_pushnil(L);
        oct_push_error(L, &box->taken->error, box->taken->request.operation);
        count = 3;
    }
    free_taken(box);
    return count;
}

/* Ends what is carried; harmless when it is closed already. */
static int close_port(lua_State *L)
{
    struct box *box = oct_object_check(L, 1, OCT_PORT);
    if (is_usable(box)) {
        free_taken(box);
        oct_engine_close_port(box->engine, box->port);
        oct_engine_let_go(box->engine);
    }
    box->engine = NULL;
    return 0;
}

void oct_register_port(lua_State *L)
{
    static const luaL_Reg metamethods[] = {{"__gc", close_port}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"descriptor", descriptor}, {"submit", submit},   {"cancel", cancel},    {"take", take},
        {"watch", watch},           {"changes", changes}, {"close", close_port}, {NULL, NULL},
    };
    oct_define_class(L, OCT_PORT, metamethods, methods);
}
