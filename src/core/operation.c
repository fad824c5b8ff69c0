#include "core/operation.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SHAPE(id) static const struct oct_shape id = {#id, id##_fields, COUNT(id##_fields)}

/* clang-format off */

/* ---- shapes of answers: (type, name on the wire, name in Lua) ---- */

#define MUST(type, wire) {wire, wire, OCT_FIELD_##type, true, NULL}
#define MAY(type, wire)  {wire, wire, OCT_FIELD_##type, false, NULL}
#define MUST_AS(type, wire, name) {wire, name, OCT_FIELD_##type, true, NULL}
#define MAY_AS(type, wire, name)  {wire, name, OCT_FIELD_##type, false, NULL}
#define MUST_BE(type, wire, shape) {wire, wire, OCT_FIELD_##type, true, &(shape)}
#define MAY_BE(type, wire, shape)  {wire, wire, OCT_FIELD_##type, false, &(shape)}

static const struct oct_field health_fields[] = {
    MUST(STRING, "status"),
    MAY(STRING, "storage"),
    MAY(INTEGER, "db_size_bytes"),
};
SHAPE(health);

static const struct oct_field service_status_fields[] = {
    MUST(STRING, "status"),
    MUST(INTEGER, "uptime_seconds"),
    MUST(INTEGER, "active_locks"),
    MUST(INTEGER, "total_users"),
    MUST(INTEGER, "total_acquires"),
    MUST(INTEGER, "total_releases"),
};
SHAPE(service_status);

static const struct oct_field acl_fields[] = {
    MUST(STRINGS, "acquire"),
};
SHAPE(acl);

static const struct oct_field lock_acquired_fields[] = {
    MUST(STRING, "status"),
    MUST(UUID, "lease_id"),
    MUST(INTEGER, "fencing_token"),
    MUST(TIME, "expires_at"),
    MAY_AS(MS, "renew_after_ms", "renew_after"),
    MAY(STRING, "metadata"),
};
SHAPE(lock_acquired);

static const struct oct_field lock_held_fields[] = {
    MUST(STRING, "status"),
    MUST(STRING, "holder_id"),
    MUST(TIME, "expires_at"),
    MAY_AS(MS, "retry_after_ms", "retry_after"),
    MAY(STRING, "metadata"),
};
SHAPE(lock_held);

static const struct oct_field lock_delayed_fields[] = {
    MUST(STRING, "status"),
    MUST(TIME, "available_at"),
    MAY_AS(INTEGER, "lock_delay_seconds", "lock_delay"),
    MAY_AS(MS, "retry_after_ms", "retry_after"),
};
SHAPE(lock_delayed);

static const struct oct_field lock_renewed_fields[] = {
    MUST(UUID, "lease_id"),
    MUST(TIME, "expires_at"),
    MAY_AS(MS, "renew_after_ms", "renew_after"),
};
SHAPE(lock_renewed);

static const struct oct_field lock_status_fields[] = {
    MUST(STRING, "name"),
    MUST(STRING, "status"),
    MAY(STRING, "holder_id"),
    MUST(INTEGER, "fencing_token"),
    MAY(TIME, "expires_at"),
    MAY(STRING, "metadata"),
    MAY_BE(OBJECT, "acl", acl),
};
SHAPE(lock_status);

static const struct oct_field lock_list_fields[] = {
    MUST_BE(OBJECTS, "locks", lock_status),
    MUST(INTEGER, "total"),
    MAY(STRING, "prefix"),
};
SHAPE(lock_list);

static const struct oct_field lock_acl_fields[] = {
    MUST(STRING, "name"),
    MUST_BE(OBJECT, "acl", acl),
};
SHAPE(lock_acl);

static const struct oct_field token_fields[] = {
    MUST(STRING, "token"),
    MUST(UUID, "user_id"),
    MAY(STRING, "github_username"),
    MAY(STRING, "namespace"),
};
SHAPE(token);

static const struct oct_field registration_fields[] = {
    MUST(STRING, "token"),
    MUST(UUID, "user_id"),
    MUST(STRING, "username"),
    MAY(STRING, "namespace"),
};
SHAPE(registration);

static const struct oct_field session_created_fields[] = {
    MUST(UUID, "session_id"),
    MUST(TIME, "expires_at"),
    MAY_AS(INTEGER, "keepalive_interval_secs", "keepalive_interval"),
};
SHAPE(session_created);

static const struct oct_field session_kept_fields[] = {
    MUST(UUID, "session_id"),
    MUST(TIME, "expires_at"),
};
SHAPE(session_kept);

static const struct oct_field session_fields[] = {
    MUST(UUID, "session_id"),
    MUST(UUID, "user_id"),
    MUST(TIME, "expires_at"),
    MUST(INTEGER, "lock_count"),
    MUST(BOOLEAN, "active"),
};
SHAPE(session);

static const struct oct_field election_created_fields[] = {
    MUST(STRING, "election_id"),
    MUST(STRING, "campaign_path"),
    MUST(STRING, "status_path"),
    MUST(STRING, "watch_path"),
};
SHAPE(election_created);

static const struct oct_field leader_fields[] = {
    MUST(STRING, "candidate_id"),
    MAY(STRING, "metadata"),
    MUST(INTEGER, "term"),
    MUST(TIME, "expires_at"),
};
SHAPE(leader);

static const struct oct_field election_won_fields[] = {
    MUST(STRING, "status"),
    MUST(STRING, "election_id"),
    MUST_BE(OBJECT, "leader", leader),
    MUST(STRING, "leader_token"),
    MAY_AS(MS, "renew_after_ms", "renew_after"),
};
SHAPE(election_won);

static const struct oct_field election_followed_fields[] = {
    MUST(STRING, "status"),
    MUST(STRING, "election_id"),
    MUST_BE(OBJECT, "leader", leader),
    MAY_AS(MS, "retry_after_ms", "retry_after"),
};
SHAPE(election_followed);

static const struct oct_field election_resigned_fields[] = {
    MUST(STRING, "election_id"),
    MUST(STRING, "status"),
    MUST(INTEGER, "previous_term"),
};
SHAPE(election_resigned);

static const struct oct_field election_fields[] = {
    MUST(STRING, "election_id"),
    MUST(STRING, "status"),
    MAY_BE(OBJECT, "leader", leader),
    MAY_AS(MS, "retry_after_ms", "retry_after"),
};
SHAPE(election);

static const struct oct_field webhook_fields[] = {
    MUST(UUID, "id"),
    MUST(UUID, "user_id"),
    MUST(STRING, "url"),
    MAY(STRING, "secret"),
    MUST(STRINGS, "events"),
    MAY(STRING, "lock_pattern"),
    MUST(TIME, "created_at"),
    MUST(BOOLEAN, "active"),
};
SHAPE(webhook);

/* ---- parameters: (name in Lua, name on the wire, rule) ---- */

#define PATH(name, wire, rule)     {name, wire, OCT_IN_PATH, OCT_RULE_##rule, true, 0}
#define QUERY(name, wire, rule)    {name, wire, OCT_IN_QUERY, OCT_RULE_##rule, false, 0}
#define NEEDS(name, wire, rule)    {name, wire, OCT_IN_BODY, OCT_RULE_##rule, true, 0}
#define TAKES(name, wire, rule)    {name, wire, OCT_IN_BODY, OCT_RULE_##rule, false, 0}
#define SECONDS(rule, fallback)    {"ttl", "ttl_seconds", OCT_IN_BODY, OCT_RULE_##rule, false, fallback}

#define LOCK_NAME     PATH("name", "name", LOCK_NAME)
#define SESSION_ID    PATH("session_id", "id", UUID)
#define ELECTION_ID   PATH("election_id", "election_id", ELECTION_ID)
#define LEASE_ID      NEEDS("lease_id", "lease_id", UUID)
#define LEADER_TOKEN  NEEDS("leader_token", "leader_token", CAPABILITY)

/* ---- answers ---- */

#define ANSWERS(status, of) {status, NULL, OCT_BODY_OBJECT, &(of), OCT_VERDICT_SUCCESS}
#define TAGGED(status, tag, of, verdict) {status, tag, OCT_BODY_OBJECT, &(of), OCT_VERDICT_##verdict}
#define NO_CONTENT {204, NULL, OCT_BODY_NONE, NULL, OCT_VERDICT_SUCCESS}
#define OPEN {200, NULL, OCT_BODY_OPEN, NULL, OCT_VERDICT_SUCCESS}
#define STREAM {200, NULL, OCT_BODY_STREAM, NULL, OCT_VERDICT_SUCCESS}

const struct oct_operation oct_operations[] = {
    /* Locks. An acquire may be repeated: the same holder gets the same lease back. */
    {"acquire_lock", "POST", "/locks/{name}/acquire", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, NULL,
     3, 7, {LOCK_NAME, SECONDS(LOCK_TTL, 60),
            TAKES("metadata", "metadata", METADATA),
            TAKES("session_id", "session_id", UUID),
            TAKES("ephemeral", "ephemeral", FLAG),
            TAKES("lock_delay", "lock_delay_seconds", LOCK_DELAY),
            TAKES("acl", "acl", ACL)},
     3, {TAGGED(200, "acquired", lock_acquired, SUCCESS),
         TAGGED(200, "held", lock_held, HELD),
         TAGGED(409, "delayed", lock_delayed, DELAYED)}},
    {"release_lock", "POST", "/locks/{name}/release", OCT_AUTH_BEARER, OCT_REPEAT_SAFE,
     "lease_not_current", NULL,
     2, 2, {LOCK_NAME, LEASE_ID},
     1, {{200, NULL, OCT_BODY_NULL, NULL, OCT_VERDICT_SUCCESS}}},
    {"renew_lock", "POST", "/locks/{name}/renew", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, "lease_id",
     3, 3, {LOCK_NAME, LEASE_ID, SECONDS(LOCK_TTL, 60)},
     1, {ANSWERS(200, lock_renewed)}},
    {"get_lock_status", "GET", "/locks/{name}", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, "name",
     1, 1, {LOCK_NAME},
     1, {ANSWERS(200, lock_status)}},
    {"list_locks", "GET", "/locks", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, NULL,
     0, 1, {QUERY("prefix", "prefix", LOCK_PREFIX)},
     1, {ANSWERS(200, lock_list)}},
    {"set_lock_acl", "PUT", "/locks/{name}/acl", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, "name",
     2, 2, {LOCK_NAME, NEEDS("acl", "acl", ACL)},
     1, {ANSWERS(200, lock_acl)}},
    {"watch_lock", "GET", "/locks/{name}/watch", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, NULL,
     1, 1, {LOCK_NAME},
     1, {STREAM}},

    /* Sessions. A repeated create would leave a second session behind until it expires. */
    {"create_session", "POST", "/sessions", OCT_AUTH_BEARER, OCT_REPEAT_UNSENT, NULL, NULL,
     1, 1, {SECONDS(SESSION_TTL, 60)},
     1, {ANSWERS(201, session_created)}},
    {"keep_session_alive", "POST", "/sessions/{id}/keepalive", OCT_AUTH_BEARER, OCT_REPEAT_SAFE,
     NULL, "session_id",
     1, 1, {SESSION_ID},
     1, {ANSWERS(200, session_kept)}},
    {"get_session", "GET", "/sessions/{id}", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, "session_id",
     1, 1, {SESSION_ID},
     1, {ANSWERS(200, session)}},
    {"end_session", "DELETE", "/sessions/{id}", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, "not_found", NULL,
     1, 1, {SESSION_ID},
     1, {NO_CONTENT}},

    /* Elections. Campaigning twice makes the caller a follower of itself. */
    {"create_election", "POST", "/elections", OCT_AUTH_NONE, OCT_REPEAT_UNSENT, NULL, NULL,
     0, 0, {{0}},
     1, {ANSWERS(201, election_created)}},
    {"campaign", "POST", "/elections/{election_id}/campaign", OCT_AUTH_NONE, OCT_REPEAT_UNSENT,
     NULL, "election_id",
     2, 4, {ELECTION_ID, NEEDS("candidate_id", "candidate_id", CANDIDATE_ID),
            SECONDS(ELECTION_TTL, 30), TAKES("metadata", "metadata", METADATA)},
     2, {TAGGED(200, "leader", election_won, SUCCESS),
         TAGGED(200, "follower", election_followed, SUCCESS)}},
    {"renew_leadership", "POST", "/elections/{election_id}/renew", OCT_AUTH_NONE, OCT_REPEAT_SAFE,
     NULL, "election_id",
     2, 3, {ELECTION_ID, LEADER_TOKEN, SECONDS(ELECTION_TTL, 30)},
     1, {TAGGED(200, "leader", election_won, SUCCESS)}},
    {"resign", "POST", "/elections/{election_id}/resign", OCT_AUTH_NONE, OCT_REPEAT_UNSENT, NULL,
     "election_id",
     2, 2, {ELECTION_ID, LEADER_TOKEN},
     1, {TAGGED(200, "vacant", election_resigned, SUCCESS)}},
    {"get_election", "GET", "/elections/{election_id}", OCT_AUTH_NONE, OCT_REPEAT_SAFE, NULL,
     "election_id",
     1, 1, {ELECTION_ID},
     1, {ANSWERS(200, election)}},
    {"watch_election", "GET", "/elections/{election_id}/watch", OCT_AUTH_NONE, OCT_REPEAT_SAFE,
     NULL, NULL,
     1, 1, {ELECTION_ID},
     1, {STREAM}},

    /* Webhooks. */
    {"create_webhook", "POST", "/webhooks", OCT_AUTH_BEARER, OCT_REPEAT_UNSENT, NULL, NULL,
     1, 4, {NEEDS("url", "url", HTTPS_URL), TAKES("secret", "secret", WEBHOOK_SECRET),
            TAKES("events", "events", WEBHOOK_EVENTS),
            TAKES("lock_pattern", "lock_pattern", LOCK_PATTERN)},
     1, {ANSWERS(201, webhook)}},
    {"list_webhooks", "GET", "/webhooks", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, NULL, NULL,
     0, 0, {{0}},
     1, {{200, NULL, OCT_BODY_LIST, &webhook, OCT_VERDICT_SUCCESS}}},
    {"delete_webhook", "DELETE", "/webhooks/{id}", OCT_AUTH_BEARER, OCT_REPEAT_SAFE, "not_found",
     NULL,
     1, 1, {PATH("webhook_id", "id", UUID)},
     1, {NO_CONTENT}},

    /* Accounts. Both answers carry a token that exists nowhere else. */
    {"rotate_token", "POST", "/auth/token/rotate", OCT_AUTH_BEARER, OCT_REPEAT_NEVER, NULL, NULL,
     0, 0, {{0}},
     1, {ANSWERS(200, token)}},
    {"register_user", "POST", "/auth/register", OCT_AUTH_NONE, OCT_REPEAT_NEVER, NULL, NULL,
     1, 2, {NEEDS("username", "username", USERNAME), TAKES("namespace", "namespace", NAMESPACE)},
     1, {ANSWERS(200, registration)}},

    /* The service itself. */
    {"health", "GET", "/health", OCT_AUTH_NONE, OCT_REPEAT_SAFE, NULL, NULL,
     0, 0, {{0}},
     1, {ANSWERS(200, health)}},
    {"get_service_status", "GET", "/status", OCT_AUTH_NONE, OCT_REPEAT_SAFE, NULL, NULL,
     0, 0, {{0}},
     1, {ANSWERS(200, service_status)}},
    {"get_admin_status", "GET", "/admin/status", OCT_AUTH_ADMIN, OCT_REPEAT_SAFE, NULL, NULL,
     0, 0, {{0}},
     1, {OPEN}},
    {"get_metrics", "GET", "/metrics", OCT_AUTH_ADMIN, OCT_REPEAT_SAFE, NULL, NULL,
     0, 0, {{0}},
     1, {OPEN}},
    {"get_metrics_timeseries", "GET", "/admin/metrics/timeseries", OCT_AUTH_ADMIN, OCT_REPEAT_SAFE,
     NULL, NULL,
     0, 1, {QUERY("window", "window", METRICS_WINDOW)},
     1, {OPEN}},
};
/* clang-format on */

const size_t oct_operation_count = COUNT(oct_operations);

const struct oct_operation *oct_operation_find(const char *name)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        if (strcmp(oct_operations[i].name, name) == 0) {
            return &oct_operations[i];
        }
    }
    return NULL;
}

bool oct_operation_has_effect(const struct oct_operation *operation)
{
    return strcmp(operation->method, "GET") != 0;
}

bool oct_operation_sends_body(const struct oct_operation *operation)
{
    for (size_t i = 0; i < operation->parameter_count; i++) {
        if (operation->parameters[i].place == OCT_IN_BODY) {
            return true;
        }
    }
    return false;
}

const char *oct_auth_name(enum oct_auth auth)
{
    static const char *const names[] = {"none", "bearer", "admin"};
    return names[auth];
}

const char *oct_repeat_name(enum oct_repeat repeat)
{
    static const char *const names[] = {"safe", "unsent", "never"};
    return names[repeat];
}
