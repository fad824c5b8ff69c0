/* Unit tests of src/core/response.c: answers that are errors, of the service and of others.
 * Uses: check.h, fixtures.h, src/core.
 * Owner: every test frees its request. */
#include "core/response.h"

#include "check.h"
#include "fixtures.h"

static struct oct_error parse_error(const char *operation, const struct oct_response *response)
{
    struct oct_request request = must_request(operation);
    struct oct_result result;
    struct oct_error error;
    memset(&error, 0, sizeof error);
    CHECK_INT(operation, oct_response_parse(&request, response, &result, &error), OCT_FAILED);
    CHECK("nothing is kept", result.root == NULL);
    CHECK("never in a message",
          strstr(error.message, TOKEN) == NULL && strstr(error.message, LEASE) == NULL);
    oct_result_free(&result);
    oct_request_free(&request);
    return error;
}

static struct oct_error service_error(const char *operation, int status, const char *code)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"error\":\"E\",\"code\":\"%s\",\"details\":\"some words\",\"request_id\":\"r\"}",
             code);
    struct oct_response response = fixture_response(status, body);
    response.request_id = oct_text_of("r-1");
    return parse_error(operation, &response);
}

static void test_codes(void)
{
    static const struct {
        int status;
        const char *code;
        enum oct_kind kind;
    } cases[] = {
        {401, "authentication_required", OCT_AUTHENTICATION},
        {401, "authentication_failed", OCT_AUTHENTICATION},
        {403, "forbidden", OCT_FORBIDDEN},
        {403, "lock_limit_exceeded", OCT_LIMIT},
        {409, "capacity_exceeded", OCT_LIMIT},
        {400, "invalid_input", OCT_VALIDATION},
        {405, "invalid_input", OCT_VALIDATION},
        {415, "invalid_input", OCT_VALIDATION},
        {422, "invalid_input", OCT_VALIDATION},
        {400, "invalid_ttl", OCT_VALIDATION},
        {400, "invalid_lock_name", OCT_VALIDATION},
        {404, "not_found", OCT_NOT_FOUND},
        {410, "session_expired", OCT_SESSION_EXPIRED},
        {400, "lease_not_current", OCT_LOCK_LOST},
        {404, "lease_not_current", OCT_LOCK_LOST},
        {409, "conflict", OCT_CONFLICT},
        {429, "rate_limited", OCT_RATE_LIMITED},
        {502, "upstream_unavailable", OCT_SERVER},
        {500, "internal_error", OCT_SERVER},
        /* unknown codes go by their status */
        {400, "new_code", OCT_VALIDATION},
        {401, "new_code", OCT_AUTHENTICATION},
        {403, "new_code", OCT_FORBIDDEN},
        {404, "new_code", OCT_NOT_FOUND},
        {405, "new_code", OCT_VALIDATION},
        {409, "new_code", OCT_CONFLICT},
        {410, "new_code", OCT_SESSION_EXPIRED},
        {413, "new_code", OCT_VALIDATION},
        {415, "new_code", OCT_VALIDATION},
        {418, "new_code", OCT_PROTOCOL},
        {422, "new_code", OCT_VALIDATION},
        {429, "new_code", OCT_RATE_LIMITED},
        {500, "new_code", OCT_SERVER},
        {503, "new_code", OCT_SERVER},
        {599, "new_code", OCT_SERVER},
        {600, "new_code", OCT_PROTOCOL},
        {302, "new_code", OCT_PROTOCOL},
        {404, "LEASE_NOT_CURRENT", OCT_NOT_FOUND},
        {404, "lease_not_current\\u0000", OCT_NOT_FOUND},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_error error = service_error("release_lock", cases[i].status, cases[i].code);
        CHECK_INT(cases[i].code, error.kind, cases[i].kind);
        CHECK_INT(cases[i].code, error.status, cases[i].status);
        CHECK_TEXT(cases[i].code, error.request_id, "r-1");
        CHECK(cases[i].code, strstr(error.message, "release_lock: some words (HTTP ") != NULL);
        if (strchr(cases[i].code, '\\') == NULL) {
            CHECK_TEXT(cases[i].code, error.code, cases[i].code);
        }
    }
}

/* Whether it took effect and may be repeated, for each class of operation. */
static void test_judgement(void)
{
    static const struct {
        const char *operation;
        int status;
        const char *code;
        bool unknown, retryable;
    } cases[] = {
        {"acquire_lock", 403, "lock_limit_exceeded", false, true},
        {"acquire_lock", 429, "rate_limited", false, true},
        {"acquire_lock", 500, "internal_error", true, true},
        {"acquire_lock", 401, "authentication_failed", false, false},
        {"acquire_lock", 410, "session_expired", false, false},
        {"acquire_lock", 418, "new_code", true, false},
        {"release_lock", 404, "lease_not_current", false, false},
        {"get_lock_status", 500, "internal_error", false, true},
        {"create_session", 500, "internal_error", true, false},
        {"create_session", 429, "rate_limited", false, true},
        {"campaign", 502, "upstream_unavailable", true, false},
        {"campaign", 409, "capacity_exceeded", false, true},
        {"rotate_token", 500, "internal_error", true, false},
        {"rotate_token", 429, "rate_limited", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_error error = service_error(cases[i].operation, cases[i].status, cases[i].code);
        CHECK_INT(cases[i].operation, error.outcome == OCT_OUTCOME_UNKNOWN, cases[i].unknown);
        CHECK_INT(cases[i].operation, error.retryable, cases[i].retryable);
    }
}

/* Every operation can meet every error. */
static void test_every_operation(void)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        struct oct_error error = service_error(oct_operations[i].name, 429, "rate_limited");
        CHECK_INT(oct_operations[i].name, error.kind, OCT_RATE_LIMITED);
        CHECK(oct_operations[i].name,
              error.retryable == (oct_operations[i].repeat != OCT_REPEAT_NEVER));
    }
}

/* What is no error of the service says nothing about a lease. */
static void test_foreign_answers(void)
{
    static const struct {
        const char *name;
        int status;
        const char *body;
        enum oct_kind kind;
        const char *code;
    } cases[] = {
        {"502 HTML", 502, "<html>Bad Gateway</html>", OCT_SERVER, "http_error"},
        {"503 empty", 503, "", OCT_SERVER, "http_error"},
        {"504 text", 504, "upstream timed out", OCT_SERVER, "http_error"},
        {"500 JSON without code", 500, "{\"message\":\"x\"}", OCT_SERVER, "http_error"},
        {"429 HTML", 429, "<html>slow down</html>", OCT_RATE_LIMITED, "http_error"},
        {"404 HTML", 404, "<html>Not Found</html>", OCT_PROTOCOL, "unexpected_answer"},
        {"404 empty", 404, "", OCT_PROTOCOL, "unexpected_answer"},
        {"404 JSON without code", 404, "{\"detail\":\"Not Found\"}", OCT_PROTOCOL,
         "unexpected_answer"},
        {"404 empty code", 404, "{\"code\":\"\"}", OCT_PROTOCOL, "unexpected_answer"},
        {"404 code as a number", 404, "{\"code\":404}", OCT_PROTOCOL, "unexpected_answer"},
        {"404 list", 404, "[{\"code\":\"not_found\"}]", OCT_PROTOCOL, "unexpected_answer"},
        {"404 cut JSON", 404, "{\"code\":\"lease_not_curr", OCT_PROTOCOL, "unexpected_answer"},
        {"404 code twice", 404, "{\"code\":\"not_found\",\"code\":\"conflict\"}", OCT_PROTOCOL,
         "unexpected_answer"},
        {"401 HTML", 401, "<html>", OCT_PROTOCOL, "unexpected_answer"},
        {"403 HTML", 403, "<html>", OCT_PROTOCOL, "unexpected_answer"},
        {"410 HTML", 410, "<html>", OCT_PROTOCOL, "unexpected_answer"},
        {"301 empty", 301, "", OCT_PROTOCOL, "unexpected_answer"},
        {"409 without tag", 409, "{\"status\":\"other\"}", OCT_PROTOCOL, "unexpected_answer"},
        {"200 HTML", 200, "<html>log in</html>", OCT_PROTOCOL, "malformed_answer"},
        {"200 empty", 200, "", OCT_PROTOCOL, "malformed_answer"},
        {"200 of an error", 200, "{\"code\":\"not_found\"}", OCT_PROTOCOL, "malformed_answer"},
        {"201 JSON", 201, "{}", OCT_PROTOCOL, "malformed_answer"},
        {"204", 204, "", OCT_PROTOCOL, "malformed_answer"},
        {"100", 100, "", OCT_PROTOCOL, "malformed_answer"},
        {"0", 0, "{}", OCT_PROTOCOL, "malformed_answer"},
        {"-1", -1, "", OCT_PROTOCOL, "malformed_answer"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_response response = fixture_response(cases[i].status, cases[i].body);
        struct oct_error error = parse_error("acquire_lock", &response);
        bool certain = cases[i].kind == OCT_RATE_LIMITED;
        CHECK_INT(cases[i].name, error.kind, cases[i].kind);
        CHECK_TEXT(cases[i].name, error.code, cases[i].code);
        CHECK_INT(cases[i].name, error.status, cases[i].status);
        CHECK_INT(cases[i].name, error.outcome == OCT_OUTCOME_UNKNOWN, !certain);
        CHECK_INT(cases[i].name, error.retryable, cases[i].kind != OCT_PROTOCOL);
        CHECK(cases[i].name, strstr(error.message, "html") == NULL);
    }
}

static void test_hints(void)
{
#define LIMITED(more) "{\"code\":\"rate_limited\"" more "}"
    static const struct {
        const char *name, *body, *header;
        int64_t want;
    } cases[] = {
        {"none", LIMITED(""), "", -1},
        {"body", LIMITED(",\"retry_after_ms\":1500"), "", 1500},
        {"header", LIMITED(""), "7", 7000},
        {"body before header", LIMITED(",\"retry_after_ms\":1500"), "7", 1500},
        {"body of 0 before header", LIMITED(",\"retry_after_ms\":0"), "7", 0},
        {"null and header", LIMITED(",\"retry_after_ms\":null"), "7", 7000},
        {"negative and header", LIMITED(",\"retry_after_ms\":-5"), "7", 7000},
        {"text and header", LIMITED(",\"retry_after_ms\":\"5\""), "7", 7000},
        {"real and header", LIMITED(",\"retry_after_ms\":5.5"), "7", 7000},
        {"INT64_MAX", LIMITED(",\"retry_after_ms\":9223372036854775807"), "", INT64_MAX},
        {"header of 0", LIMITED(""), "0", 0},
        {"header of nine digits", LIMITED(""), "999999999", 999999999000},
        {"header of ten digits", LIMITED(""), "9999999999", -1},
        {"header with a sign", LIMITED(""), "-1", -1},
        {"header with a fraction", LIMITED(""), "1.5", -1},
        {"header with a space", LIMITED(""), "1 ", -1},
        {"header with a date", LIMITED(""), "Wed, 21 Oct 2026 07:28:00 GMT", -1},
        {"header of a proxy", "<html>", "3", 3000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_response response = fixture_response(429, cases[i].body);
        response.retry_after = oct_text_of(cases[i].header);
        struct oct_error error = parse_error("campaign", &response);
        CHECK_INT(cases[i].name, error.kind, OCT_RATE_LIMITED);
        CHECK_INT(cases[i].name, error.retry_after_ms, cases[i].want);
    }
}

/* Details that repeat a secret of the request, or any UUID, are left out. */
static void test_secrets(void)
{
    static const struct {
        const char *name, *operation, *details;
        bool shown;
    } cases[] = {
        {"harmless", "release_lock", "lease 12 is gone", true},
        {"token", "release_lock", "bad token " TOKEN "!", false},
        {"admin key", "get_metrics", "bad key " ADMIN_KEY, false},
        {"lease of a release", "release_lock", "no lease " LEASE, false},
        {"lease of a renewal", "renew_lock", LEASE " is not current", false},
        {"lease in capitals", "release_lock", "no 0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", false},
        {"somebody's lease", "release_lock", "it is " OTHER_LEASE, false},
        {"leader token of a renewal", "renew_leadership", "not " LEADER_TOKEN, false},
        {"leader token of a resignation", "resign", "not " LEADER_TOKEN, false},
        {"webhook secret", "create_webhook", "weak: " WEBHOOK_SECRET, false},
        {"webhook URL", "create_webhook", "no host at https://hooks.example/x?y=1", false},
        {"token of an ACL", "set_lock_acl", "no principal " ACL_TOKEN, false},
        {"principal of an ACL", "acquire_lock", "no principal token:" ACL_TOKEN, false},
        {"user of an ACL", "set_lock_acl", "no principal user:bob", true},
        {"lock name", "get_lock_status", "no lock reports/daily.1", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"code\":\"not_found\",\"details\":\"%s\"}",
                 cases[i].details);
        struct oct_response response = fixture_response(404, body);
        struct oct_error error = parse_error(cases[i].operation, &response);
        CHECK_INT(cases[i].name, strstr(error.message, cases[i].details) != NULL, cases[i].shown);
        CHECK_INT(cases[i].name, strstr(error.message, "refused by the server") != NULL,
                  !cases[i].shown);
        CHECK(cases[i].name, strstr(error.message, "secret-0123") == NULL);
        CHECK(cases[i].name, strstr(error.message, "(HTTP 404, not_found)") != NULL);
    }
}

static struct oct_error details_error(const char *details)
{
    char body[1024];
    snprintf(body, sizeof body, "{\"code\":\"conflict\",\"details\":%s}", details);
    struct oct_response response = fixture_response(409, body);
    return parse_error("release_lock", &response);
}

/* A secret that the cut would leave half of, and details that are no text. */
static void test_details(void)
{
    char long_text[400];
    snprintf(long_text, sizeof long_text, "\"%0140d" TOKEN "\"", 0);
    CHECK("secret at the cut", strstr(details_error(long_text).message, "tok-") == NULL);
    snprintf(long_text, sizeof long_text, "\"%0300d\"", 0);
    CHECK_INT("long details", strlen(details_error(long_text).message),
              strlen("release_lock:  (HTTP 409, conflict)") + 159);
    CHECK_TEXT("null", details_error("null").message,
               "release_lock: refused by the server (HTTP 409, conflict)");
    CHECK_TEXT("a number", details_error("5").message,
               "release_lock: refused by the server (HTTP 409, conflict)");
    CHECK_TEXT("control characters", details_error("\"a\\n\\u001b[31m\\u009bb\"").message,
               "release_lock: a??[31m??b (HTTP 409, conflict)");
    CHECK("NUL hides nothing",
          strstr(details_error("\"a\\u0000" TOKEN "\"").message, TOKEN) == NULL);
    CHECK_TEXT("format characters", details_error("\"%s%n%d\"").message,
               "release_lock: %s%n%d (HTTP 409, conflict)");
}

static void test_odd_codes_and_ids(void)
{
    char body[256];
    snprintf(body, sizeof body, "{\"code\":\"%0100d\"}", 0);
    struct oct_response response = fixture_response(404, body);
    response.request_id = oct_text_of("a\r\nb");
    struct oct_error error = parse_error("release_lock", &response);
    CHECK_INT("long code", strlen(error.code), OCT_CODE_BYTES - 1);
    CHECK_TEXT("request id", error.request_id, "a??b");
    response = fixture_response(404, "{\"code\":\"a\\u001b\\nb\"}");
    error = parse_error("release_lock", &response);
    CHECK_TEXT("control characters in a code", error.code, "a??b");
}

static void test_refuse(void)
{
    struct oct_request request = must_request("campaign");
    struct oct_response response = fixture_response(200, "");
    struct oct_error error;
    oct_response_refuse(&request, &response, "that is too large", &error);
    CHECK_INT("refused", error.kind, OCT_PROTOCOL);
    CHECK_TEXT("refused", error.message, "campaign: HTTP 200 that is too large");
    CHECK("refused", error.outcome == OCT_OUTCOME_UNKNOWN && !error.retryable);
    oct_request_free(&request);
}

int main(void)
{
    test_codes();
    test_judgement();
    test_every_operation();
    test_foreign_answers();
    test_hints();
    test_secrets();
    test_details();
    test_odd_codes_and_ids();
    test_refuse();
    return check_report();
}
