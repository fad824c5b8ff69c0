/* Shared by the C unit tests: a client's base URL and credentials, sample arguments for every rule,
 * and one sample of every answer of every operation.
 * Uses: src/core. Owner: a request made by fixture_request belongs to the test. */
#ifndef SPEC_FIXTURES_H
#define SPEC_FIXTURES_H

#include "core/request.h"
#include "core/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define OTHER_LEASE "ffffffff-4e5f-6071-8293-a4b5c6d7e8f9"
#define TOKEN "tok-secret-0123456789"
#define ADMIN_KEY "admin-secret-0123456789"
#define LEADER_TOKEN "leader-secret-0123456789"
#define WEBHOOK_SECRET "webhook-secret-0123456789"
#define ACL_TOKEN "acl-secret-0123456789"
#define TIME "2026-11-23T06:06:57.321891876Z"

static inline struct oct_value value_text(const char *text, size_t len)
{
    return (struct oct_value){.set = true, .type = OCT_STRING, .text = {text, len}};
}

static inline struct oct_value value_string(const char *text)
{
    return value_text(text, strlen(text));
}

static inline struct oct_value value_number(double number)
{
    return (struct oct_value){.set = true, .type = OCT_NUMBER, .number = number};
}

static inline struct oct_value value_flag(bool flag)
{
    return (struct oct_value){.set = true, .type = OCT_BOOLEAN, .flag = flag};
}

static inline struct oct_value value_strings(const struct oct_text *items, size_t count)
{
    return (struct oct_value){
        .set = true, .type = OCT_STRINGS, .items = items, .item_count = count};
}

static inline struct oct_value sample_strings(enum oct_rule rule)
{
    static const struct oct_text principals[] = {{"user:bob", 8}, {"token:" ACL_TOKEN, 27}};
    static const struct oct_text events[] = {{"acquired", 8}, {"*", 1}};
    return rule == OCT_RULE_ACL ? value_strings(principals, 2) : value_strings(events, 2);
}

static inline const char *sample_text(enum oct_rule rule)
{
    switch (rule) {
    case OCT_RULE_LOCK_NAME:
        return "reports/daily.1";
    case OCT_RULE_LOCK_PREFIX:
        return "re/ \xC3\xA9";
    case OCT_RULE_UUID:
        return LEASE;
    case OCT_RULE_METADATA:
        return "m \"\xC3\xA9\"";
    case OCT_RULE_ELECTION_ID:
        return "room_0-1";
    case OCT_RULE_CANDIDATE_ID:
        return "a.b:c@d";
    case OCT_RULE_CAPABILITY:
        return LEADER_TOKEN;
    case OCT_RULE_HTTPS_URL:
        return "https://hooks.example/x?y=1";
    case OCT_RULE_WEBHOOK_SECRET:
        return WEBHOOK_SECRET;
    case OCT_RULE_LOCK_PATTERN:
        return "re*";
    case OCT_RULE_USERNAME:
        return "bob-1";
    case OCT_RULE_NAMESPACE:
        return "team.a";
    default:
        return "12h";
    }
}

static inline struct oct_value sample_value(enum oct_rule rule)
{
    switch (oct_rule_type(rule)) {
    case OCT_NUMBER:
        return value_number(30);
    case OCT_BOOLEAN:
        return value_flag(true);
    case OCT_STRINGS:
        return sample_strings(rule);
    case OCT_STRING:
        break;
    }
    return value_string(sample_text(rule));
}

/* Every argument of the operation, or the required ones alone. */
static inline struct oct_arguments sample_arguments(const struct oct_operation *operation, bool all)
{
    struct oct_arguments arguments;
    memset(&arguments, 0, sizeof arguments);
    for (size_t i = 0; i < operation->parameter_count; i++) {
        if (all || operation->parameters[i].required) {
            arguments.values[i] = sample_value(operation->parameters[i].rule);
        }
    }
    return arguments;
}

static inline struct oct_credentials sample_credentials(void)
{
    struct oct_credentials credentials = {
        {TOKEN, strlen(TOKEN)}, {ADMIN_KEY, strlen(ADMIN_KEY)}, false};
    return credentials;
}

/* Builds the request of `name` with every argument, to https://locks.example/base. */
static inline enum oct_status fixture_request(const char *name, struct oct_request *request,
                                              struct oct_error *error)
{
    static char text[] = "https://locks.example/base";
    const struct oct_base_url base = {text, 21, true, false};
    const struct oct_operation *operation = oct_operation_find(name);
    struct oct_arguments arguments = sample_arguments(operation, true);
    struct oct_credentials credentials = sample_credentials();
    return oct_request_build(&base, &credentials, operation, &arguments, request, error);
}

/* The same where the test is about something else, and can go on only with a request. */
static inline struct oct_request must_request(const char *name)
{
    struct oct_request request;
    struct oct_error error;
    if (fixture_request(name, &request, &error) != OCT_OK) {
        printf("no request for %s\n", name);
        exit(2);
    }
    return request;
}

static inline struct oct_response fixture_response(int status, const char *body)
{
    return (struct oct_response){.status = status, .body = oct_text_of(body)};
}

#define LEADER                                                                                     \
    "{\"candidate_id\":\"c\",\"metadata\":\"m\",\"term\":9223372036854775807,"                     \
    "\"expires_at\":\"" TIME "\"}"
#define LOCK_STATUS                                                                                \
    "{\"name\":\"reports/daily.1\",\"status\":\"held\",\"holder_id\":\"h\",\"fencing_token\":7,"   \
    "\"expires_at\":\"" TIME "\",\"metadata\":null,\"acl\":{\"acquire\":[\"user:bob\"]}}"
#define WEBHOOK                                                                                    \
    "{\"id\":\"" LEASE "\",\"user_id\":\"" LEASE "\",\"url\":\"https://h\",\"secret\":\"****\","   \
    "\"events\":[\"*\"],\"lock_pattern\":null,\"created_at\":\"" TIME "\",\"active\":true}"
#define ELECTION_WON                                                                               \
    "{\"status\":\"leader\",\"election_id\":\"room_0-1\",\"leader\":" LEADER ","                   \
    "\"leader_token\":\"t\",\"renew_after_ms\":10000}"
#define OPEN "{\"a\":{\"b\":[1,2.5,\"x\",true,null]},\"long name of a counter here\":1.25e-3}"

/* One answer of each variant of every operation, as the real server writes it. */
static const struct answer {
    const char *operation;
    int status;
    enum oct_verdict verdict;
    const char *body;
} answers[] = {
    {"acquire_lock", 200, OCT_VERDICT_SUCCESS,
     "{\"status\":\"acquired\",\"lease_id\":\"" LEASE "\",\"fencing_token\":9223372036854775807,"
     "\"expires_at\":\"" TIME "\",\"renew_after_ms\":30000,\"metadata\":null}"},
    {"acquire_lock", 200, OCT_VERDICT_HELD,
     "{\"status\":\"held\",\"holder_id\":\"h1\",\"expires_at\":\"" TIME "\","
     "\"retry_after_ms\":2500,\"metadata\":\"a long piece of metadata, longer than a buffer\"}"},
    {"acquire_lock", 409, OCT_VERDICT_DELAYED,
     "{\"status\":\"delayed\",\"available_at\":\"" TIME "\",\"lock_delay_seconds\":5,"
     "\"retry_after_ms\":4000}"},
    {"release_lock", 200, OCT_VERDICT_SUCCESS, "null"},
    {"renew_lock", 200, OCT_VERDICT_SUCCESS,
     "{\"lease_id\":\"" LEASE "\",\"expires_at\":\"" TIME "\",\"renew_after_ms\":1}"},
    {"get_lock_status", 200, OCT_VERDICT_SUCCESS, LOCK_STATUS},
    {"list_locks", 200, OCT_VERDICT_SUCCESS,
     "{\"locks\":[" LOCK_STATUS "," LOCK_STATUS "],\"total\":2,\"prefix\":\"re\"}"},
    {"set_lock_acl", 200, OCT_VERDICT_SUCCESS,
     "{\"name\":\"reports/daily.1\",\"acl\":{\"acquire\":[\"token:[redacted]\"]}}"},
    {"watch_lock", 200, OCT_VERDICT_SUCCESS, "data: {}\n\n"},
    {"create_session", 201, OCT_VERDICT_SUCCESS,
     "{\"session_id\":\"" LEASE "\",\"expires_at\":\"" TIME "\",\"keepalive_interval_secs\":20}"},
    {"keep_session_alive", 200, OCT_VERDICT_SUCCESS,
     "{\"session_id\":\"" LEASE "\",\"expires_at\":\"" TIME "\"}"},
    {"get_session", 200, OCT_VERDICT_SUCCESS,
     "{\"session_id\":\"" LEASE "\",\"user_id\":\"" LEASE "\",\"expires_at\":\"" TIME "\","
     "\"lock_count\":3,\"active\":true}"},
    {"end_session", 204, OCT_VERDICT_SUCCESS, ""},
    {"create_election", 201, OCT_VERDICT_SUCCESS,
     "{\"election_id\":\"room_0-1\",\"campaign_path\":\"/c\",\"status_path\":\"/s\","
     "\"watch_path\":\"/w\"}"},
    {"campaign", 200, OCT_VERDICT_SUCCESS, ELECTION_WON},
    {"campaign", 200, OCT_VERDICT_SUCCESS,
     "{\"status\":\"follower\",\"election_id\":\"room_0-1\",\"leader\":" LEADER ","
     "\"retry_after_ms\":100}"},
    {"renew_leadership", 200, OCT_VERDICT_SUCCESS, ELECTION_WON},
    {"resign", 200, OCT_VERDICT_SUCCESS,
     "{\"election_id\":\"room_0-1\",\"status\":\"vacant\",\"previous_term\":4}"},
    {"get_election", 200, OCT_VERDICT_SUCCESS,
     "{\"election_id\":\"room_0-1\",\"status\":\"vacant\",\"leader\":null,\"retry_after_ms\":0}"},
    {"get_election", 200, OCT_VERDICT_SUCCESS,
     "{\"election_id\":\"room_0-1\",\"status\":\"leader\",\"leader\":" LEADER "}"},
    {"watch_election", 200, OCT_VERDICT_SUCCESS, ": hello\n\n"},
    {"create_webhook", 201, OCT_VERDICT_SUCCESS, WEBHOOK},
    {"list_webhooks", 200, OCT_VERDICT_SUCCESS, "[" WEBHOOK "," WEBHOOK "]"},
    {"delete_webhook", 204, OCT_VERDICT_SUCCESS, ""},
    {"rotate_token", 200, OCT_VERDICT_SUCCESS,
     "{\"token\":\"a-new-token-0123456789\",\"user_id\":\"" LEASE "\",\"github_username\":\"bob\","
     "\"namespace\":null}"},
    {"register_user", 200, OCT_VERDICT_SUCCESS,
     "{\"token\":\"a-new-token-0123456789\",\"user_id\":\"" LEASE "\",\"username\":\"bob-1\"}"},
    {"health", 200, OCT_VERDICT_SUCCESS,
     "{\"status\":\"ok\",\"storage\":\"wal\",\"db_size_bytes\":4096}"},
    {"get_service_status", 200, OCT_VERDICT_SUCCESS,
     "{\"status\":\"ok\",\"uptime_seconds\":1,\"active_locks\":2,\"total_users\":3,"
     "\"total_acquires\":4,\"total_releases\":5}"},
    {"get_admin_status", 200, OCT_VERDICT_SUCCESS, OPEN},
    {"get_metrics", 200, OCT_VERDICT_SUCCESS, OPEN},
    {"get_metrics_timeseries", 200, OCT_VERDICT_SUCCESS, OPEN},
};

enum { ANSWER_COUNT = sizeof answers / sizeof answers[0] };

#endif
