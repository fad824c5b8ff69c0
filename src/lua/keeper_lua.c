/* Keepers and accounts as userdata: what is kept of a client beside its calls.
 * May use: core, transport, hub_lua.h. Owns: a reference to its hub each, and to its account. */
#include "lua/hub_lua.h"

#include "transport/clock.h"
#include "transport/fork.h"

#include <stdlib.h>
#include <string.h>

struct keeper_box {
    struct oct_hub *hub;
};

struct account_box {
    struct oct_hub *hub;
    struct oct_account *account;
};

/* ---- the keeper ---- */

static struct oct_hub *check_hub(lua_State *L)
{
    return ((struct keeper_box *)oct_object_check(L, 1, OCT_KEEPER))->hub;
}

/* Leaves the keeper on the stack, with a hub that has no engine yet. */
static struct oct_hub *push_keeper(lua_State *L)
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
    struct oct_hub *hub = push_keeper(L);
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
    oct_hub_let_go(box->hub);
    box->hub = NULL;
    return 0;
}

/* () -> boolean: it was made in the process that this one was forked from */
static int keeper_is_inherited(lua_State *L)
{
    lua_pushboolean(L, oct_hub_is_inherited(check_hub(L)));
    return 1;
}

static struct oct_hub *check_stepped(lua_State *L)
{
    struct oct_hub *hub = check_hub(L);
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
    struct oct_hub *hub = check_stepped(L);
    int64_t now_ms = oct_check_now(L, 2, hub);
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
    struct oct_hub *hub = check_stepped(L);
    int64_t now_ms = oct_check_now(L, 4, hub);
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
    struct oct_hub *hub = check_hub(L);
    const struct oct_endpoint *endpoint = oct_endpoint_check(L, 2);
    struct oct_account_options options = {
        oct_text_of(endpoint->base.text), endpoint->token,
        luaL_optstring(L, 3, NULL),       luaL_optstring(L, 4, NULL),
        luaL_optstring(L, 5, NULL),       endpoint->allow_insecure_http,
    };
    struct account_box *box = oct_object_new(L, OCT_ACCOUNT, sizeof *box);
    oct_hub_enter(hub);
    box->account = oct_account_new(&options);
    oct_hub_leave(hub);
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
    if (oct_hub_is_inherited(box->hub)) {
        return 0;
    }
    oct_hub_enter(box->hub);
    bool taken = oct_account_set_token(box->account, endpoint->token);
    oct_hub_leave(box->hub);
    return taken ? 0 : luaL_error(L, "not enough memory");
}

/* () -> type, reason, lock | nil: the next thing that happened beside the calls */
static int next_event(lua_State *L)
{
    struct account_box *box = check_account(L);
    char lock[257];
    if (oct_hub_is_inherited(box->hub)) {
        return 0;
    }
    oct_hub_enter(box->hub);
    struct oct_event *event = oct_events_take(&box->account->events);
    oct_hub_leave(box->hub);
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
    if (box->hub != NULL && !oct_hub_is_inherited(box->hub)) {
        oct_hub_enter(box->hub);
        oct_account_let_go(box->account);
        oct_hub_leave(box->hub);
        oct_hub_let_go(box->hub);
    }
    box->hub = NULL;
    return 0;
}

/* ---- their sessions ---- */

/* Pushes the userdata that is to hold a session, empty. */
static struct oct_session_box *push_session(lua_State *L)
{
    return oct_object_new(L, OCT_SESSION, sizeof(struct oct_session_box));
}

static int keep_session(lua_State *L, struct oct_session_box *box, struct oct_hub *hub,
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
    struct oct_lease_rules rules = {oct_check_span(L, 3), oct_check_span(L, 4), 0};
    struct oct_grant grant = {0, 0, rules.ttl_ms, oct_opt_span(L, 7), oct_random()};
    grant.sent_ms = oct_check_now(L, 5, box->hub);
    grant.answered_ms = oct_check_now(L, 6, box->hub);
    luaL_argcheck(L, strlen(id) == OCT_UUID_BYTES, 2, "a session's id expected");
    struct oct_session_box *made = push_session(L);
    struct oct_keeper *keeper = oct_hub_enter(box->hub);
    struct oct_session *session =
        oct_session_open(&keeper->registry, box->account, id, &rules, &grant);
    oct_hub_leave(box->hub);
    return keep_session(L, made, box->hub, session);
}

/* () -> session: the gate of locks that are held by the token itself */
static int open_token_scope(lua_State *L)
{
    struct account_box *box = check_account(L);
    struct oct_session_box *made = push_session(L);
    struct oct_keeper *keeper = oct_hub_enter(box->hub);
    struct oct_session *session = oct_token_scope_open(&keeper->registry, box->account);
    oct_hub_leave(box->hub);
    return keep_session(L, made, box->hub, session);
}

/* ---- metatables ---- */

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
    oct_define_kept(L, OCT_KEEPER, keeper, collect_keeper);
    oct_define_kept(L, OCT_ACCOUNT, account, collect_account);
    oct_register_session(L);
    oct_register_lock(L);
}
