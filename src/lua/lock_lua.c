/* Locks as userdata.
 * May use: core, hub_lua.h. Owns: a reference to its hub; a lock is its session's, and dropped with
 * its userdata. */
#include "lua/hub_lua.h"

#include "transport/clock.h"

#include <string.h>

static struct oct_lock_box *check_lock(lua_State *L)
{
    struct oct_lock_box *box = oct_object_check(L, 1, OCT_HELD);
    luaL_argcheck(L, box->hub != NULL, 1, "a lock that was claimed expected");
    return box;
}

/* Tells the keeper something about it; (now). */
static int tell(lua_State *L, void (*what)(struct oct_lock *lock, int64_t now_ms))
{
    struct oct_lock_box *box = check_lock(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        what(box->lock, now_ms);
        oct_hub_leave(box->hub);
    }
    return 0;
}

/* Tells the keeper how something went; (now, how). */
static int inform(lua_State *L, void (*what)(struct oct_lock *lock, int64_t now_ms, bool how))
{
    struct oct_lock_box *box = check_lock(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        what(box->lock, now_ms, lua_toboolean(L, 3));
        oct_hub_leave(box->hub);
    }
    return 0;
}

/* (lease_id, ttl, first_ttl, max_hold | nil, sent, now, hint | nil) -> boolean: it was acquired for
 * `first_ttl` and is to be renewed for `ttl`; false when that grants nothing */
static int lock_granted(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    const char *lease_id = luaL_checkstring(L, 2);
    int64_t max_hold_ms = oct_opt_span(L, 5);
    struct oct_lease_rules rules = {oct_check_span(L, 3), 0, max_hold_ms < 0 ? 0 : max_hold_ms};
    struct oct_grant grant = {oct_check_now(L, 6, box->hub), oct_check_now(L, 7, box->hub),
                              oct_check_span(L, 4), oct_opt_span(L, 8), oct_random()};
    bool granted = false;
    luaL_argcheck(L, strlen(lease_id) == OCT_UUID_BYTES, 2, "a lease's id expected");
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        granted = oct_lock_granted(box->lock, lease_id, &rules, &grant);
        oct_hub_leave(box->hub);
    }
    lua_pushboolean(L, granted);
    return 1;
}

/* (now, may_exist): it was not acquired, or nobody knows */
static int lock_abandon(lua_State *L)
{
    return inform(L, oct_lock_abandon);
}

/* (now) -> reason | nil: why it has ended */
static int lock_ending(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    enum oct_ending ending = OCT_LEASE_FORKED;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        ending = oct_lock_ending(box->lock, now_ms);
        oct_hub_leave(box->hub);
    }
    oct_push_ending(L, ending);
    return 1;
}

/* (now) -> seconds of authority that remain */
static int lock_remaining(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    int64_t remaining_ms = 0;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        remaining_ms = oct_lock_remaining_ms(box->lock, now_ms);
        oct_hub_leave(box->hub);
    }
    lua_pushnumber(L, (lua_Number)remaining_ms / 1000);
    return 1;
}

/* (now) -> boolean: true once, after it has ended */
static int lock_report(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    bool first = false;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        first = oct_lock_ending(box->lock, now_ms) != OCT_LEASE_HELD &&
                oct_lease_report(&box->lock->lease, now_ms);
        oct_hub_leave(box->hub);
    }
    lua_pushboolean(L, first);
    return 1;
}

/* (ttl, sent, now, hint | nil) -> boolean: its owner has renewed it; false when it had ended */
static int lock_renewed(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    struct oct_grant grant = {oct_check_now(L, 3, box->hub), oct_check_now(L, 4, box->hub),
                              oct_check_span(L, 2), oct_opt_span(L, 5), oct_random()};
    bool renewed = false;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        renewed = oct_lock_renewed(box->lock, &grant);
        oct_hub_leave(box->hub);
    }
    lua_pushboolean(L, renewed);
    return 1;
}

/* (now): the outcome of its owner's renewal is unknown */
static int lock_may_be_renewed(lua_State *L)
{
    return tell(L, oct_lock_may_be_renewed);
}

/* (now): its owner has learnt that the lease is gone */
static int lock_lost(lua_State *L)
{
    return tell(L, oct_lock_lost);
}

/* (now, hands_off) -> boolean: its owner releases it, and nobody else for that span; false when it
 * had ended before */
static int lock_release(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    int64_t hands_off_ms = oct_check_span(L, 3);
    bool begun = false;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        begun = oct_lock_release(box->lock, now_ms, hands_off_ms);
        oct_hub_leave(box->hub);
    }
    lua_pushboolean(L, begun);
    return 1;
}

/* (now, confirmed): how that went */
static int lock_released(lua_State *L)
{
    return inform(L, oct_lock_released);
}

/* () -> boolean: its gate is open again */
static int lock_is_closed(lua_State *L)
{
    struct oct_lock_box *box = check_lock(L);
    bool closed = false;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        closed = box->lock->state == OCT_LOCK_CLOSED;
        oct_hub_leave(box->hub);
    }
    lua_pushboolean(L, closed);
    return 1;
}

static int collect_lock(lua_State *L)
{
    struct oct_lock_box *box = oct_object_check(L, 1, OCT_HELD);
    if (box->hub != NULL && !oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        oct_lock_drop(box->lock, oct_hub_clock(box->hub));
        oct_hub_leave(box->hub);
        oct_hub_let_go(box->hub);
    }
    box->hub = NULL;
    return 0;
}

void oct_register_lock(lua_State *L)
{
    static const luaL_Reg lock[] = {
        {"granted", lock_granted},     {"abandon", lock_abandon},
        {"ending", lock_ending},       {"remaining", lock_remaining},
        {"report", lock_report},       {"renewed", lock_renewed},
        {"lost", lock_lost},           {"may_be_renewed", lock_may_be_renewed},
        {"release", lock_release},     {"released", lock_released},
        {"is_closed", lock_is_closed}, {NULL, NULL},
    };
    oct_define_kept(L, OCT_HELD, lock, collect_lock);
}
