/* The keeper for Lua: accounts, sessions and locks as userdata, on the engine's keeper or on one
 * that Lua steps itself. May use: core, engine, transport, compat.h. Owns: a reference each; the
 * last one to the engine lets it go. Nothing here raises while the keeper is locked.
 *
 * Times are seconds of one clock: C's own with the engine (native.now), a virtual one when stepped.
 * In a child made by fork everything that was made in the parent answers "forked" and is left
 * alone, its memory too. */
#include "engine/engine.h"
#include "lua/native.h"
#include "transport/clock.h"
#include "transport/fork.h"

#include <stdlib.h>
#include <string.h>

/* A keeper and who refers to it: the userdata of a Lua state, for none of which an order of
 * finalisation is certain. */
struct hub {
    size_t references;
    unsigned generation;
    struct oct_engine *engine; /* NULL for a stepped one, which has what follows */
    struct oct_keeper keeper;
    struct oct_job *carried; /* the one that Lua is at */
    int64_t now_ms;          /* when it was last used */
};

struct keeper_box {
    struct hub *hub;
};

struct account_box {
    struct hub *hub;
    struct oct_account *account;
};

struct session_box {
    struct hub *hub;
    struct oct_session *session;
};

struct lock_box {
    struct hub *hub;
    struct oct_lock *lock; /* NULL when it was not claimed */
};

static bool is_inherited(const struct hub *hub)
{
    return hub->generation != oct_fork_generation();
}

static struct oct_keeper *enter(struct hub *hub)
{
    return hub->engine != NULL ? oct_engine_lock(hub->engine) : &hub->keeper;
}

static void leave(struct hub *hub)
{
    if (hub->engine != NULL) {
        oct_engine_unlock(hub->engine);
    }
}

/* The fraction makes up for what a double of such a size lacks: 0.001 s must not become 0 ms. */
static int64_t check_now(lua_State *L, int index, struct hub *hub)
{
    int64_t now_ms = (int64_t)(luaL_checknumber(L, index) * 1000 + 0.01);
    hub->now_ms = now_ms;
    return now_ms;
}

/* For finalisers, which are given no time. */
static int64_t now_of(const struct hub *hub)
{
    return hub->engine != NULL ? oct_clock_ms() : hub->now_ms;
}

static int64_t check_span(lua_State *L, int index)
{
    lua_Number seconds = luaL_checknumber(L, index);
    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, index, "a span of seconds expected");
    return (int64_t)(seconds * 1000);
}

/* Seconds, or nil for none: -1. */
static int64_t opt_span(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ? -1 : check_span(L, index);
}

static void let_go(struct hub *hub)
{
    if (hub == NULL || --hub->references > 0 || is_inherited(hub)) {
        return;
    }
    if (hub->engine != NULL) {
        oct_engine_let_go(hub->engine);
    } else {
        oct_keeper_free(&hub->keeper);
    }
    free(hub);
}

/* ---- the keeper ---- */

static struct hub *check_hub(lua_State *L)
{
    return ((struct keeper_box *)oct_object_check(L, 1, OCT_KEEPER))->hub;
}

/* Leaves the keeper on the stack, with a hub that has no engine yet. */
static struct hub *push_keeper(lua_State *L)
{
    struct keeper_box *box = oct_object_new(L, OCT_KEEPER, sizeof *box);
    box->hub = calloc(1, sizeof *box->hub);
    if (box->hub == NULL) {
        luaL_error(L, "not enough memory");
        return NULL;
    }
    box->hub->references = 1;
    box->hub->generation = oct_fork_generation();
    oct_keeper_init(&box->hub->keeper, oct_random);
    return box->hub;
}

/* () -> keeper: that of this process's engine, which is started when there is none */
int oct_keeper_of_engine(lua_State *L)
{
    struct hub *hub = push_keeper(L);
    hub->engine = oct_engine_use();
    return hub->engine == NULL ? luaL_error(L, "the background thread could not be started") : 1;
}

/* () -> keeper: one that does nothing by itself; see next and complete */
int oct_keeper_stepped(lua_State *L)
{
    push_keeper(L);
    return 1;
}

static int collect_keeper(lua_State *L)
{
    struct keeper_box *box = oct_object_check(L, 1, OCT_KEEPER);
    let_go(box->hub);
    box->hub = NULL;
    return 0;
}

/* () -> boolean: it was made in the process that this one was forked from */
static int keeper_is_inherited(lua_State *L)
{
    lua_pushboolean(L, is_inherited(check_hub(L)));
    return 1;
}

static struct hub *check_stepped(lua_State *L)
{
    struct hub *hub = check_hub(L);
    luaL_argcheck(L, hub->engine == NULL, 1, "the engine steps this keeper itself");
    return hub;
}

/* () -> seconds: when next() wants to be called, or nil for never */
static int wake(lua_State *L)
{
    int64_t wake_ms = oct_keeper_wake_ms(&check_stepped(L)->keeper);
    if (wake_ms == INT64_MAX) {
        lua_pushnil(L);
    } else {
        lua_pushnumber(L, (lua_Number)wake_ms / 1000);
    }
    return 1;
}

/* (now) -> request | nil: what is to be sent now, { operation, method, url, path, headers, body,
 * timeout }. Each is followed by complete() before the next one is asked for. */
static int next_request(lua_State *L)
{
    struct hub *hub = check_stepped(L);
    int64_t now_ms = check_now(L, 2, hub);
    luaL_argcheck(L, hub->carried == NULL, 1, "a request is being carried");
    hub->carried = oct_keeper_next(&hub->keeper, now_ms);
    if (hub->carried == NULL) {
        lua_pushnil(L);
        return 1;
    }
    oct_push_request_fields(L, &hub->carried->request);
    lua_pushnumber(L, (lua_Number)hub->carried->timeout_ms / 1000);
    lua_setfield(L, -2, "timeout");
    return 1;
}

/* (response | nil, sent, now): the answer to the request that next() gave */
static int complete(lua_State *L)
{
    struct oct_response response;
    struct hub *hub = check_stepped(L);
    int64_t now_ms = check_now(L, 4, hub);
    bool answered = !lua_isnil(L, 2);
    struct oct_job *job = hub->carried;

    luaL_argcheck(L, job != NULL, 1, "no request is being carried");
    if (answered) {
        oct_read_response(L, 2, &response);
    }
    hub->carried = NULL;
    oct_keeper_complete(&hub->keeper, job, answered ? &response : NULL, lua_toboolean(L, 3),
                        now_ms);
    return 0;
}

/* ---- accounts ---- */

static struct account_box *check_account(lua_State *L)
{
    return oct_object_check(L, 1, OCT_ACCOUNT);
}

/* (endpoint, token_file | nil, ca_file | nil, proxy | nil) -> account */
static int make_account(lua_State *L)
{
    struct hub *hub = check_hub(L);
    const struct oct_endpoint *endpoint = oct_endpoint_check(L, 2);
    struct oct_account_options options = {
        oct_text_of(endpoint->base.text), endpoint->token,
        luaL_optstring(L, 3, NULL),       luaL_optstring(L, 4, NULL),
        luaL_optstring(L, 5, NULL),       endpoint->allow_insecure_http,
    };
    struct account_box *box = oct_object_new(L, OCT_ACCOUNT, sizeof *box);
    enter(hub);
    box->account = oct_account_new(&options);
    leave(hub);
    if (box->account == NULL) {
        return luaL_error(L, "not enough memory");
    }
    box->hub = hub;
    hub->references++;
    return 1;
}

/* (endpoint): later requests carry its token */
static int take_token(lua_State *L)
{
    struct account_box *box = check_account(L);
    const struct oct_endpoint *endpoint = oct_endpoint_check(L, 2);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    bool taken = oct_account_set_token(box->account, endpoint->token);
    leave(box->hub);
    return taken ? 0 : luaL_error(L, "not enough memory");
}

/* () -> type, reason, lock | nil: the next thing that happened beside the calls */
static int next_event(lua_State *L)
{
    struct account_box *box = check_account(L);
    char lock[257];
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    struct oct_event *event = oct_events_take(&box->account->events);
    leave(box->hub);
    if (event == NULL) {
        return 0;
    }
    enum oct_event_type type = event->type;
    enum oct_ending reason = event->reason;
    strncpy(lock, event->lock, sizeof lock - 1);
    lock[sizeof lock - 1] = '\0';
    free(event);
    lua_pushstring(L, oct_event_name(type));
    lua_pushstring(L, oct_ending_name(reason));
    lua_pushstring(L, lock);
    return 3;
}

static int collect_account(lua_State *L)
{
    struct account_box *box = check_account(L);
    if (box->hub != NULL && !is_inherited(box->hub)) {
        enter(box->hub);
        oct_account_let_go(box->account);
        leave(box->hub);
        let_go(box->hub);
    }
    box->hub = NULL;
    return 0;
}

/* ---- sessions ---- */

static struct session_box *check_session(lua_State *L)
{
    return oct_object_check(L, 1, OCT_SESSION);
}

/* Pushes the userdata that is to hold a session, empty. */
static struct session_box *push_session(lua_State *L)
{
    return oct_object_new(L, OCT_SESSION, sizeof(struct session_box));
}

static int keep_session(lua_State *L, struct session_box *box, struct hub *hub,
                        struct oct_session *session)
{
    if (session == NULL) {
        return luaL_error(L, "not enough memory");
    }
    box->session = session;
    box->hub = hub;
    hub->references++;
    return 1;
}

/* (id, ttl, margin, sent, now, hint | nil) -> session: of the server's answer to create_session;
 * spans in seconds */
static int open_session(lua_State *L)
{
    struct account_box *box = check_account(L);
    const char *id = luaL_checkstring(L, 2);
    struct oct_lease_rules rules = {check_span(L, 3), check_span(L, 4), 0};
    struct oct_grant grant = {0, 0, rules.ttl_ms, opt_span(L, 7), oct_random()};
    grant.sent_ms = check_now(L, 5, box->hub);
    grant.answered_ms = check_now(L, 6, box->hub);
    luaL_argcheck(L, strlen(id) == OCT_UUID_BYTES, 2, "a session's id expected");
    struct session_box *made = push_session(L);
    struct oct_keeper *keeper = enter(box->hub);
    struct oct_session *session =
        oct_session_open(&keeper->registry, box->account, id, &rules, &grant);
    leave(box->hub);
    return keep_session(L, made, box->hub, session);
}

/* () -> session: the gate of locks that are held by the token itself */
static int open_token_scope(lua_State *L)
{
    struct account_box *box = check_account(L);
    struct session_box *made = push_session(L);
    struct oct_keeper *keeper = enter(box->hub);
    struct oct_session *session = oct_token_scope_open(&keeper->registry, box->account);
    leave(box->hub);
    return keep_session(L, made, box->hub, session);
}

static void push_ending(lua_State *L, enum oct_ending ending)
{
    if (ending == OCT_LEASE_HELD) {
        lua_pushnil(L);
    } else {
        lua_pushstring(L, oct_ending_name(ending));
    }
}

/* (now) -> reason | nil: why it has ended */
static int session_ending(lua_State *L)
{
    struct session_box *box = check_session(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    enum oct_ending ending = OCT_LEASE_FORKED;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        ending = oct_session_ending(box->session, now_ms);
        leave(box->hub);
    }
    push_ending(L, ending);
    return 1;
}

/* (now) -> seconds of its authority that remain */
static int session_remaining(lua_State *L)
{
    struct session_box *box = check_session(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    int64_t remaining_ms = 0;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        remaining_ms = oct_session_remaining_ms(box->session, now_ms);
        leave(box->hub);
    }
    lua_pushnumber(L, (lua_Number)remaining_ms / 1000);
    return 1;
}

/* (sent, now): its owner's keepalive was answered */
static int session_kept(lua_State *L)
{
    struct session_box *box = check_session(L);
    struct oct_grant grant = {check_now(L, 2, box->hub), check_now(L, 3, box->hub), 0, -1,
                              oct_random()};
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    grant.ttl_ms = box->session->lease.rules.ttl_ms;
    oct_session_kept(box->session, &grant);
    leave(box->hub);
    return 0;
}

/* (now): the outcome of its owner's keepalive is unknown */
static int session_may_be_kept(lua_State *L)
{
    struct session_box *box = check_session(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_session_may_be_kept(box->session, now_ms);
    leave(box->hub);
    return 0;
}

/* (now): a session call has proved that it is gone */
static int session_lost(lua_State *L)
{
    struct session_box *box = check_session(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_session_lost(box->session, now_ms);
    leave(box->hub);
    return 0;
}

/* (now, hands_off) -> boolean: its owner ends it, and nobody else for that span; false when it had
 * ended before */
static int session_close(lua_State *L)
{
    struct session_box *box = check_session(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    int64_t hands_off_ms = check_span(L, 3);
    bool closed = false;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        closed = oct_session_close(box->session, now_ms, hands_off_ms);
        leave(box->hub);
    }
    lua_pushboolean(L, closed);
    return 1;
}

/* (now, confirmed): how that went */
static int session_closed(lua_State *L)
{
    struct session_box *box = check_session(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_session_closed(box->session, now_ms, lua_toboolean(L, 3));
    leave(box->hub);
    return 0;
}

static int collect_session(lua_State *L)
{
    struct session_box *box = check_session(L);
    if (box->hub != NULL && !is_inherited(box->hub)) {
        enter(box->hub);
        oct_session_drop(box->session, now_of(box->hub));
        leave(box->hub);
        let_go(box->hub);
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
    struct session_box *box = check_session(L);
    struct oct_claim_options options = {luaL_checkstring(L, 2), (uint64_t)luaL_checknumber(L, 3),
                                        check_span(L, 4), check_span(L, 5)};
    int64_t now_ms = check_now(L, 6, box->hub);
    struct lock_box *lock = oct_object_new(L, OCT_HELD, sizeof *lock);
    enum oct_claim result = OCT_CLAIM_OVER;

    if (!is_inherited(box->hub)) {
        enter(box->hub);
        result = oct_lock_claim(box->session, &options, now_ms, &lock->lock);
        leave(box->hub);
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

/* ---- locks ---- */

static struct lock_box *check_lock(lua_State *L)
{
    struct lock_box *box = oct_object_check(L, 1, OCT_HELD);
    luaL_argcheck(L, box->hub != NULL, 1, "a lock that was claimed expected");
    return box;
}

/* (lease_id, ttl, first_ttl, max_hold | nil, sent, now, hint | nil) -> boolean: it was acquired for
 * `first_ttl` and is to be renewed for `ttl`; false when that grants nothing */
static int lock_granted(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    const char *lease_id = luaL_checkstring(L, 2);
    int64_t max_hold_ms = opt_span(L, 5);
    struct oct_lease_rules rules = {check_span(L, 3), 0, max_hold_ms < 0 ? 0 : max_hold_ms};
    struct oct_grant grant = {check_now(L, 6, box->hub), check_now(L, 7, box->hub),
                              check_span(L, 4), opt_span(L, 8), oct_random()};
    bool granted = false;
    luaL_argcheck(L, strlen(lease_id) == OCT_UUID_BYTES, 2, "a lease's id expected");
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        granted = oct_lock_granted(box->lock, lease_id, &rules, &grant);
        leave(box->hub);
    }
    lua_pushboolean(L, granted);
    return 1;
}

/* (now, may_exist): it was not acquired, or nobody knows */
static int lock_abandon(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_lock_abandon(box->lock, now_ms, lua_toboolean(L, 3));
    leave(box->hub);
    return 0;
}

/* (now) -> reason | nil: why it has ended */
static int lock_ending(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    enum oct_ending ending = OCT_LEASE_FORKED;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        ending = oct_lock_ending(box->lock, now_ms);
        leave(box->hub);
    }
    push_ending(L, ending);
    return 1;
}

/* (now) -> seconds of authority that remain */
static int lock_remaining(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    int64_t remaining_ms = 0;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        remaining_ms = oct_lock_remaining_ms(box->lock, now_ms);
        leave(box->hub);
    }
    lua_pushnumber(L, (lua_Number)remaining_ms / 1000);
    return 1;
}

/* (now) -> boolean: true once, after it has ended */
static int lock_report(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    bool first = false;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        first = oct_lock_ending(box->lock, now_ms) != OCT_LEASE_HELD &&
                oct_lease_report(&box->lock->lease, now_ms);
        leave(box->hub);
    }
    lua_pushboolean(L, first);
    return 1;
}

/* (ttl, sent, now, hint | nil) -> boolean: its owner has renewed it; false when it had ended */
static int lock_renewed(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    struct oct_grant grant = {check_now(L, 3, box->hub), check_now(L, 4, box->hub),
                              check_span(L, 2), opt_span(L, 5), oct_random()};
    bool renewed = false;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        renewed = oct_lock_renewed(box->lock, &grant);
        leave(box->hub);
    }
    lua_pushboolean(L, renewed);
    return 1;
}

/* (now): the outcome of its owner's renewal is unknown */
static int lock_may_be_renewed(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_lock_may_be_renewed(box->lock, now_ms);
    leave(box->hub);
    return 0;
}

/* (now): its owner has learnt that the lease is gone */
static int lock_lost(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_lock_lost(box->lock, now_ms);
    leave(box->hub);
    return 0;
}

/* (now, hands_off) -> boolean: its owner releases it, and nobody else for that span; false when it
 * had ended before */
static int lock_release(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    int64_t hands_off_ms = check_span(L, 3);
    bool begun = false;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        begun = oct_lock_release(box->lock, now_ms, hands_off_ms);
        leave(box->hub);
    }
    lua_pushboolean(L, begun);
    return 1;
}

/* (now, confirmed): how that went */
static int lock_released(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    int64_t now_ms = check_now(L, 2, box->hub);
    if (is_inherited(box->hub)) {
        return 0;
    }
    enter(box->hub);
    oct_lock_released(box->lock, now_ms, lua_toboolean(L, 3));
    leave(box->hub);
    return 0;
}

/* () -> boolean: its gate is open again */
static int lock_is_closed(lua_State *L)
{
    struct lock_box *box = check_lock(L);
    bool closed = false;
    if (!is_inherited(box->hub)) {
        enter(box->hub);
        closed = box->lock->state == OCT_LOCK_CLOSED;
        leave(box->hub);
    }
    lua_pushboolean(L, closed);
    return 1;
}

static int collect_lock(lua_State *L)
{
    struct lock_box *box = oct_object_check(L, 1, OCT_HELD);
    if (box->hub != NULL && !is_inherited(box->hub)) {
        enter(box->hub);
        oct_lock_drop(box->lock, now_of(box->hub));
        leave(box->hub);
        let_go(box->hub);
    }
    box->hub = NULL;
    return 0;
}

/* ---- metatables ---- */

static void define(lua_State *L, enum oct_class class, const luaL_Reg *methods,
                   lua_CFunction collect)
{
    const luaL_Reg metamethods[] = {{"__gc", collect}, {NULL, NULL}};
    oct_define_class(L, class, metamethods, methods);
}

void oct_register_keeper(lua_State *L)
{
    static const luaL_Reg keeper[] = {
        {"account", make_account},
        {"is_inherited", keeper_is_inherited},
        {"wake", wake},
        {"next", next_request},
        {"complete", complete},
        {NULL, NULL},
    };
    static const luaL_Reg account[] = {
        {"take_token", take_token},
        {"next_event", next_event},
        {"session", open_session},
        {"token_scope", open_token_scope},
        {NULL, NULL},
    };
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
    static const luaL_Reg lock[] = {
        {"granted", lock_granted},     {"abandon", lock_abandon},
        {"ending", lock_ending},       {"remaining", lock_remaining},
        {"report", lock_report},       {"renewed", lock_renewed},
        {"lost", lock_lost},           {"may_be_renewed", lock_may_be_renewed},
        {"release", lock_release},     {"released", lock_released},
        {"is_closed", lock_is_closed}, {NULL, NULL},
    };
    define(L, OCT_KEEPER, keeper, collect_keeper);
    define(L, OCT_ACCOUNT, account, collect_account);
    define(L, OCT_SESSION, session, collect_session);
    define(L, OCT_HELD, lock, collect_lock);
}
