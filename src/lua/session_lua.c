/* Sessions as userdata, and the gate that lets a lock in.
 * May use: core, hub_lua.h. Owns: a reference to its hub; a session is the keeper's, and dropped
 * with its userdata. */
#include "lua/hub_lua.h"

#include "transport/clock.h"

static struct oct_session_box *check_session(lua_State *L)
{
    return oct_object_check(L, 1, OCT_SESSION);
}

/* Tells the keeper something about it; (now). */
static int tell(lua_State *L, void (*what)(struct oct_session *session, int64_t now_ms))
{
    struct oct_session_box *box = check_session(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        what(box->session, now_ms);
        oct_hub_leave(box->hub);
    }
    return 0;
}

/* (now) -> reason | nil: why it has ended */
static int session_ending(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    enum oct_ending ending = OCT_LEASE_FORKED;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        ending = oct_session_ending(box->session, now_ms);
        oct_hub_leave(box->hub);
    }
    oct_push_ending(L, ending);
    return 1;
}

/* (now) -> seconds of its authority that remain */
static int session_remaining(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    int64_t remaining_ms = 0;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        remaining_ms = oct_session_remaining_ms(box->session, now_ms);
        oct_hub_leave(box->hub);
    }
    lua_pushnumber(L, (lua_Number)remaining_ms / 1000);
    return 1;
}

/* (sent, now): its owner's keepalive was answered */
static int session_kept(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    struct oct_grant grant = {oct_check_now(L, 2, box->hub), oct_check_now(L, 3, box->hub), 0, -1,
                              oct_random()};
    if (oct_hub_is_inherited(box->hub)) {
        return 0;
    }
    oct_hub_enter(box->hub);
    grant.ttl_ms = box->session->lease.rules.ttl_ms;
    oct_session_kept(box->session, &grant);
    oct_hub_leave(box->hub);
    return 0;
}

/* (now): the outcome of its owner's keepalive is unknown */
static int session_may_be_kept(lua_State *L)
{
    return tell(L, oct_session_may_be_kept);
}

/* (now): a session call has proved that it is gone */
static int session_lost(lua_State *L)
{
    return tell(L, oct_session_lost);
}

/* (now, hands_off) -> boolean: its owner ends it, and nobody else for that span; false when it had
 * ended before */
static int session_close(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    int64_t hands_off_ms = oct_check_span(L, 3);
    bool closed = false;
    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        closed = oct_session_close(box->session, now_ms, hands_off_ms);
        oct_hub_leave(box->hub);
    }
    lua_pushboolean(L, closed);
    return 1;
}

/* (now, confirmed): how that went */
static int session_closed(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    int64_t now_ms = oct_check_now(L, 2, box->hub);
    if (oct_hub_is_inherited(box->hub)) {
        return 0;
    }
    oct_hub_enter(box->hub);
    oct_session_closed(box->session, now_ms, lua_toboolean(L, 3));
    oct_hub_leave(box->hub);
    return 0;
}

static int collect_session(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    if (box->hub != NULL && !oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        oct_session_drop(box->session, oct_hub_clock(box->hub));
        oct_hub_leave(box->hub);
        oct_hub_let_go(box->hub);
    }
    box->hub = NULL;
    return 0;
}

/* ---- the gate ---- */

static const char *const refusals[] = {NULL, "taken", "own", "over", NULL};

/* (name, owner, first_ttl, budget, now) -> lock | nil, "taken" | "own" | "over": the owner, a
 * number, is who would hold it; it may take `budget` seconds to acquire it */
static int claim(lua_State *L)
{
    struct oct_session_box *box = check_session(L);
    struct oct_claim_options options = {luaL_checkstring(L, 2), (uint64_t)luaL_checknumber(L, 3),
                                        oct_check_span(L, 4), oct_check_span(L, 5)};
    int64_t now_ms = oct_check_now(L, 6, box->hub);
    struct oct_lock_box *lock = oct_object_new(L, OCT_HELD, sizeof *lock);
    enum oct_claim result = OCT_CLAIM_OVER;

    if (!oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        result = oct_lock_claim(box->session, &options, now_ms, &lock->lock);
        oct_hub_leave(box->hub);
    }
    if (result == OCT_CLAIM_MADE) {
        lock->hub = box->hub;
        lock->hub->references++;
        return 1;
    }
    if (result == OCT_CLAIM_NO_MEMORY) {
        return luaL_error(L, "not enough memory");
    }
    lua_pushnil(L);
    lua_pushstring(L, refusals[result]);
    return 2;
}

void oct_register_session(lua_State *L)
{
    static const luaL_Reg session[] = {
        {"ending", session_ending},
        {"remaining", session_remaining},
        {"kept", session_kept},
        {"lost", session_lost},
        {"close", session_close},
        {"closed", session_closed},
        {"claim", claim},
        {"may_be_kept", session_may_be_kept},
        {NULL, NULL},
    };
    oct_define_kept(L, OCT_SESSION, session, collect_session);
}
