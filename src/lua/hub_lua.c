#include "lua/hub_lua.h"

#include "transport/clock.h"
#include "transport/fork.h"

#include <stdlib.h>

bool oct_hub_is_inherited(const struct oct_hub *hub)
{
    return hub->generation != oct_fork_generation();
}

struct oct_keeper *oct_hub_enter(struct oct_hub *hub)
{
    return hub->engine != NULL ? oct_engine_lock(hub->engine) : &hub->keeper;
}

void oct_hub_leave(struct oct_hub *hub)
{
    if (hub->engine != NULL) {
        oct_engine_unlock(hub->engine);
    }
}

/* The fraction makes up for what a double of such a size lacks: 0.001 s must not become 0 ms. */
int64_t oct_check_now(lua_State *L, int index, struct oct_hub *hub)
{
    int64_t now_ms = (int64_t)(luaL_checknumber(L, index) * 1000 + 0.01);
    hub->now_ms = now_ms;
    return now_ms;
}

/* For finalisers, which are given no time. */
int64_t oct_hub_clock(const struct oct_hub *hub)
{
    return hub->engine != NULL ? oct_clock_ms() : hub->now_ms;
}

int64_t oct_check_span(lua_State *L, int index)
{
    lua_Number seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, index, "a span of seconds expected");
    return (int64_t)(seconds * 1000);
}

/* Seconds, or nil for none: -1. */
int64_t oct_opt_span(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ? -1 : oct_check_span(L, index);
}

void oct_hub_let_go(struct oct_hub *hub)
{
    if (hub == NULL || --hub->references > 0 || oct_hub_is_inherited(hub)) {
        return;
    }
    if (hub->engine != NULL) {
        oct_engine_let_go(hub->engine);
    } else {
        oct_keeper_free(&hub->keeper);
    }
    free(hub);
}

void oct_push_ending(lua_State *L, enum oct_ending ending)
{
    if (ending == OCT_LEASE_HELD) {
        lua_pushnil(L);
    } else {
        lua_pushstring(L, oct_ending_name(ending));
    }
}

void oct_define_kept(lua_State *L, enum oct_class class, const luaL_Reg *methods,
                     lua_CFunction collect)
{
    const luaL_Reg metamethods[] = {{"__gc", collect}, {NULL, NULL}};
    oct_define_class(L, class, metamethods, methods);
}
