/* What the userdata of keepers, accounts, sessions and locks have in common: the hub.
 * May use: core, engine, transport, compat.h. Owns: an oct_hub is freed, and lets the engine go,
 * with the last userdata that refers to it; no order of finalisation is certain.
 *
 * Times are seconds of one clock: C's own with the engine (native.now), a virtual one when Lua
 * steps the keeper. In a child made by fork everything that was made in the parent answers "forked"
 * and is left alone, its memory too. Nothing may raise between enter and leave. */
#ifndef OCT_LUA_HUB_H
#define OCT_LUA_HUB_H

#include "engine/engine.h"
#include "lua/native.h"

struct oct_hub {
    size_t references;
    unsigned generation;       /* of the process that made it */
    struct oct_engine *engine; /* NULL for a stepped one, which has what follows */
    struct oct_keeper keeper;
    struct oct_job *carried; /* the one that Lua is at */
    int64_t now_ms;          /* when it was last used */
};

struct oct_session_box {
    struct oct_hub *hub;
    struct oct_session *session;
};

struct oct_lock_box {
    struct oct_hub *hub;
    struct oct_lock *lock; /* NULL when it was not claimed */
};

bool oct_hub_is_inherited(const struct oct_hub *hub);

/* The keeper, for this thread alone until it is left. */
struct oct_keeper *oct_hub_enter(struct oct_hub *hub);
void oct_hub_leave(struct oct_hub *hub);

/* For finalisers, which are given no time. */
int64_t oct_hub_clock(const struct oct_hub *hub);
void oct_hub_let_go(struct oct_hub *hub);

/* A moment, and a span of time, in seconds as milliseconds; a span that is nil is -1. */
int64_t oct_check_now(lua_State *L, int index, struct oct_hub *hub);
int64_t oct_check_span(lua_State *L, int index);
int64_t oct_opt_span(lua_State *L, int index);

/* Pushes the reason, or nil while it has not ended. */
void oct_push_ending(lua_State *L, enum oct_ending ending);

/* A class that has methods and is collected. */
void oct_define_kept(lua_State *L, enum oct_class class, const luaL_Reg *methods,
                     lua_CFunction collect);

/* The methods of sessions (session_lua.c) and of locks (lock_lua.c). */
void oct_register_session(lua_State *L);
void oct_register_lock(lua_State *L);

#endif
