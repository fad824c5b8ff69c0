/* Unit tests of src/core/request.c: method, URL, body and credential of every operation.
 * Uses: check.h, fixtures.h, src/core.
 * Owner: every test frees the request it builds. */
#include "core/request.h"

#include "check.h"
#include "fixtures.h"

#define BASE "https://locks.example/base"
#define LOCK "/locks/reports%2Fdaily.1"
#define ACL "\"acl\":{\"acquire\":[\"user:bob\",\"token:" ACL_TOKEN "\"]}"
#define HELD_LEASE "\"lease_id\":\"" LEASE "\""

/* `full` has every argument, `least` the required ones; NULL stands for no body. */
static const struct expected {
    const char *name, *method, *path, *full, *least;
} expected[] = {
    {"acquire_lock", "POST", LOCK "/acquire",
     "{\"ttl_seconds\":30,\"metadata\":\"m \\\"\xC3\xA9\\\"\",\"session_id\":\"" LEASE "\","
     "\"ephemeral\":true,\"lock_delay_seconds\":30," ACL "}",
     "{\"ttl_seconds\":60}"},
    {"release_lock", "POST", LOCK "/release", "{" HELD_LEASE "}", "{" HELD_LEASE "}"},
    {"renew_lock", "POST", LOCK "/renew", "{" HELD_LEASE ",\"ttl_seconds\":30}",
     "{" HELD_LEASE ",\"ttl_seconds\":60}"},
    {"get_lock_status", "GET", LOCK, NULL, NULL},
    {"list_locks", "GET", "/locks?prefix=re%2F%20%C3%A9", NULL, NULL},
    {"set_lock_acl", "PUT", LOCK "/acl", "{" ACL "}", "{" ACL "}"},
    {"watch_lock", "GET", LOCK "/watch", NULL, NULL},
    {"create_session", "POST", "/sessions", "{\"ttl_seconds\":30}", "{\"ttl_seconds\":60}"},
    {"keep_session_alive", "POST", "/sessions/" LEASE "/keepalive", NULL, NULL},
    {"get_session", "GET", "/sessions/" LEASE, NULL, NULL},
    {"end_session", "DELETE", "/sessions/" LEASE, NULL, NULL},
    {"create_election", "POST", "/elections", NULL, NULL},
    {"campaign", "POST", "/elections/room_0-1/campaign",
     "{\"candidate_id\":\"a.b:c@d\",\"ttl_seconds\":30,\"metadata\":\"m \\\"\xC3\xA9\\\"\"}",
     "{\"candidate_id\":\"a.b:c@d\",\"ttl_seconds\":30}"},
    {"renew_leadership", "POST", "/elections/room_0-1/renew",
     "{\"leader_token\":\"" LEADER_TOKEN "\",\"ttl_seconds\":30}",
     "{\"leader_token\":\"" LEADER_TOKEN "\",\"ttl_seconds\":30}"},
    {"resign", "POST", "/elections/room_0-1/resign", "{\"leader_token\":\"" LEADER_TOKEN "\"}",
     "{\"leader_token\":\"" LEADER_TOKEN "\"}"},
    {"get_election", "GET", "/elections/room_0-1", NULL, NULL},
    {"watch_election", "GET", "/elections/room_0-1/watch", NULL, NULL},
    {"create_webhook", "POST", "/webhooks",
     "{\"url\":\"https://hooks.example/x?y=1\",\"secret\":\"" WEBHOOK_SECRET "\","
     "\"events\":[\"acquired\",\"*\"],\"lock_pattern\":\"re*\"}",
     "{\"url\":\"https://hooks.example/x?y=1\"}"},
    {"list_webhooks", "GET", "/webhooks", NULL, NULL},
    {"delete_webhook", "DELETE", "/webhooks/" LEASE, NULL, NULL},
    {"rotate_token", "POST", "/auth/token/rotate", NULL, NULL},
    {"register_user", "POST", "/auth/register", "{\"username\":\"bob-1\",\"namespace\":\"team.a\"}",
     "{\"username\":\"bob-1\"}"},
    {"health", "GET", "/health", NULL, NULL},
    {"get_service_status", "GET", "/status", NULL, NULL},
    {"get_admin_status", "GET", "/admin/status", NULL, NULL},
    {"get_metrics", "GET", "/metrics", NULL, NULL},
    {"get_metrics_timeseries", "GET", "/admin/metrics/timeseries?window=12h", NULL, NULL},
};

/* Parses the URL, builds, frees the URL. */
static enum oct_status build(const char *base_text, const struct oct_credentials *credentials,
                             const char *name, const struct oct_arguments *arguments,
                             struct oct_request *request, struct oct_error *error)
{
    struct oct_base_url base;
    enum oct_status status = oct_base_url_parse(oct_text_of(base_text), &base, error);
    if (status == OCT_OK) {
        status = oct_request_build(&base, credentials, oct_operation_find(name), arguments, request,
                                   error);
        oct_base_url_free(&base);
    }
    return status;
}

static const char *wanted_credential(const struct oct_operation *operation)
{
    return operation->auth == OCT_AUTH_NONE     ? NULL
           : operation->auth == OCT_AUTH_BEARER ? TOKEN
                                                : ADMIN_KEY;
}

static void check_request(const struct expected *want, bool all)
{
    const struct oct_operation *operation = oct_operation_find(want->name);
    struct oct_arguments arguments = sample_arguments(operation, all);
    struct oct_credentials credentials = sample_credentials();
    struct oct_request request;
    struct oct_error error = {.message = ""};
    char url[512];

    snprintf(url, sizeof url, BASE "%s", want->path);
    if (!all && strchr(url, '?') != NULL) {
        *strchr(url, '?') = '\0';
    }
    CHECK_INT(want->name, build(BASE, &credentials, want->name, &arguments, &request, &error),
              OCT_OK);
    const char *body = all ? want->full : want->least;
    CHECK_TEXT(want->name, error.message, "");
    CHECK_TEXT(want->name, request.operation->method, want->method);
    CHECK_TEXT(want->name, request.url, url);
    CHECK_TEXT(want->name, request.url + request.path_offset,
               url + strlen("https://locks.example"));
    CHECK_TEXT(want->name, request.body, body);
    CHECK_INT(want->name, request.body_len, body == NULL ? 0 : strlen(body));
    CHECK_TEXT(want->name, request.credential, wanted_credential(operation));
    CHECK(want->name, strstr(request.url, "secret") == NULL);
    oct_request_free(&request);
    CHECK(want->name, request.url == NULL && request.body == NULL && request.credential == NULL);
}

static void test_every_operation(void)
{
    CHECK_INT("every operation", COUNT_OF(expected), oct_operation_count);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        check_request(&expected[i], true);
        check_request(&expected[i], false);
    }
}

static void test_each_missing_argument(void)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        const struct oct_operation *operation = &oct_operations[i];
        for (size_t k = 0; k < operation->parameter_count; k++) {
            struct oct_arguments arguments = sample_arguments(operation, false);
            struct oct_error error;
            arguments.values[k].set = false;
            bool needed = operation->parameters[k].required;
            CHECK_INT(operation->name, oct_validate_arguments(operation, &arguments, &error),
                      needed ? OCT_FAILED : OCT_OK);
            if (needed) {
                CHECK_TEXT(operation->name, error.argument, operation->parameters[k].name);
                CHECK_TEXT(operation->name, error.code, "missing_argument");
            }
        }
    }
}

/* An ephemeral lock without a session, and an argument that breaks its rule, give no request. */
static void test_refused_arguments(void)
{
    const struct oct_operation *operation = oct_operation_find("acquire_lock");
    struct oct_arguments arguments = sample_arguments(operation, false);
    struct oct_credentials credentials = sample_credentials();
    struct oct_request request;
    struct oct_error error;

    arguments.values[4] = value_flag(true);
    CHECK_INT("ephemeral", build(BASE, &credentials, "acquire_lock", &arguments, &request, &error),
              OCT_FAILED);
    CHECK_TEXT("ephemeral", error.argument, "session_id");
    arguments.values[4] = value_flag(false);
    CHECK_INT("not ephemeral", oct_validate_arguments(operation, &arguments, &error), OCT_OK);
    arguments.values[4] = value_flag(true);
    arguments.values[3] = value_string(LEASE);
    CHECK_INT("with a session", oct_validate_arguments(operation, &arguments, &error), OCT_OK);
    arguments.values[0] = value_string("../locks");
    CHECK_INT("name", build(BASE, &credentials, "acquire_lock", &arguments, &request, &error),
              OCT_FAILED);
    CHECK_TEXT("name", error.argument, "name");
    CHECK("nothing is left", request.url == NULL && request.body == NULL);
}

static void test_text_in_bodies(void)
{
    static const struct {
        const char *name;
        struct oct_text metadata;
        const char *body;
    } cases[] = {
        {"empty", {"", 0}, "{\"ttl_seconds\":60,\"metadata\":\"\"}"},
        {"empty without data", {NULL, 0}, "{\"ttl_seconds\":60,\"metadata\":\"\"}"},
        {"NUL and line ends",
         {"a\0\n\"\\", 5},
         "{\"ttl_seconds\":60,\"metadata\":\"a\\u0000\\n\\\"\\\\\"}"},
        {"four bytes",
         {"\xF0\x9F\x98\x80", 4},
         "{\"ttl_seconds\":60,\"metadata\":\"\xF0\x9F\x98\x80\"}"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_credentials credentials = sample_credentials();
        struct oct_arguments arguments =
            sample_arguments(oct_operation_find("acquire_lock"), false);
        struct oct_request request;
        struct oct_error error;
        arguments.values[2] = value_text(cases[i].metadata.data, cases[i].metadata.len);
        CHECK_INT(cases[i].name,
                  build(BASE, &credentials, "acquire_lock", &arguments, &request, &error), OCT_OK);
        CHECK_TEXT(cases[i].name, request.body, cases[i].body);
        oct_request_free(&request);
    }
}

static void test_names_in_paths(void)
{
    static const char *const cases[][2] = {
        {"a", "/locks/a"},
        {".", "/locks/."},
        {"a/./b", "/locks/a%2F.%2Fb"},
        {"\xE6\x97\xA5", "/locks/%E6%97%A5"},
        {"acquire", "/locks/acquire"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_credentials credentials = sample_credentials();
        struct oct_arguments arguments = {.values = {value_string(cases[i][0])}};
        struct oct_request request;
        struct oct_error error;
        CHECK_INT(cases[i][0],
                  build("http://[::1]:3000/p/", &credentials, "get_lock_status", &arguments,
                        &request, &error),
                  OCT_OK);
        CHECK_TEXT(cases[i][0], request.url + strlen("http://[::1]:3000/p"), cases[i][1]);
        CHECK_TEXT(cases[i][0], request.echo, cases[i][0]);
        oct_request_free(&request);
    }
}

/* Which base URLs may carry a credential; `insecure` is allow_insecure_http. */
static void test_cleartext(void)
{
    static const struct {
        const char *base;
        bool insecure, good;
    } cases[] = {
        {"https://evil.com", false, true},           {"http://localhost:3000", false, true},
        {"http://127.8.9.10", false, true},          {"http://[::1]", false, true},
        {"http://example.com", false, false},        {"http://127.1", false, false},
        {"http://127.0.0.1.evil.com", false, false}, {"http://0.0.0.0", false, false},
        {"http://example.com", true, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t k = 0; k < oct_operation_count; k++) {
            const struct oct_operation *operation = &oct_operations[k];
            struct oct_arguments arguments = sample_arguments(operation, true);
            struct oct_credentials credentials = sample_credentials();
            struct oct_request request;
            struct oct_error error;
            credentials.allow_insecure_http = cases[i].insecure;
            bool good = cases[i].good || operation->auth == OCT_AUTH_NONE;
            enum oct_status status =
                build(cases[i].base, &credentials, operation->name, &arguments, &request, &error);
            CHECK_INT(cases[i].base, status, good ? OCT_OK : OCT_FAILED);
            if (!good) {
                CHECK_TEXT(cases[i].base, error.code, "insecure_http");
                CHECK(cases[i].base, request.url == NULL && request.credential == NULL);
            }
            oct_request_free(&request);
        }
    }
}

static void test_missing_credentials(void)
{
    struct oct_credentials none = {{NULL, 0}, {NULL, 0}, true};
    for (size_t i = 0; i < oct_operation_count; i++) {
        const struct oct_operation *operation = &oct_operations[i];
        struct oct_arguments arguments = sample_arguments(operation, true);
        struct oct_request request;
        struct oct_error error;
        bool open = operation->auth == OCT_AUTH_NONE;
        CHECK_INT(operation->name,
                  build(BASE, &none, operation->name, &arguments, &request, &error),
                  open ? OCT_OK : OCT_FAILED);
        if (!open) {
            CHECK_INT(operation->name, error.kind, OCT_AUTHENTICATION);
            CHECK_TEXT(operation->name, error.code,
                       operation->auth == OCT_AUTH_ADMIN ? "admin_key_missing" : "token_missing");
        }
        oct_request_free(&request);
    }
}

/* The request stands on its own once it is built. */
static void test_keeps_no_pointers(void)
{
    char name[] = "mine";
    char token[] = "abc";
    struct oct_credentials credentials = {{token, 3}, {NULL, 0}, false};
    struct oct_arguments arguments = {.values = {value_string(name)}};
    struct oct_request request;
    struct oct_error error;
    CHECK_INT("copies", build(BASE, &credentials, "get_lock_status", &arguments, &request, &error),
              OCT_OK);
    memset(name, 'x', 4);
    memset(token, 'x', 3);
    CHECK_TEXT("copies", request.url, BASE "/locks/mine");
    CHECK_TEXT("copies", request.credential, "abc");
    CHECK_TEXT("copies", request.echo, "mine");
    oct_request_free(&request);
}

int main(void)
{
    test_every_operation();
    test_each_missing_argument();
    test_refused_arguments();
    test_text_in_bodies();
    test_names_in_paths();
    test_cleartext();
    test_missing_credentials();
    test_keeps_no_pointers();
    return check_report();
}
