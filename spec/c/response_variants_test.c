/* Unit tests of src/core/response.c: answers that succeed, and lock_held and lock_delayed.
 * Uses: check.h, fixtures.h, src/core. Errors are in response_errors_test.c, limits of what is
 * read in response_test.c. Owner: every test frees its request and result. */
#include "core/response.h"

#include "check.h"
#include "fixtures.h"

static enum oct_kind kind_of_verdict(enum oct_verdict verdict)
{
    return verdict == OCT_VERDICT_HELD ? OCT_LOCK_HELD : OCT_LOCK_DELAYED;
}

/* Every answer of the fixtures is taken for what it is. */
static void test_every_variant(void)
{
    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        const struct answer *answer = &answers[i];
        struct oct_request request = must_request(answer->operation);
        struct oct_response response = fixture_response(answer->status, answer->body);
        struct oct_result result;
        struct oct_error error = {.message = ""};
        bool success = answer->verdict == OCT_VERDICT_SUCCESS;
        CHECK_INT(answer->operation, oct_response_parse(&request, &response, &result, &error),
                  success ? OCT_OK : OCT_FAILED);
        CHECK_TEXT(answer->operation, success ? error.message : "", "");
        if (CHECK(answer->operation, result.variant != NULL)) {
            CHECK_INT(answer->operation, result.variant->verdict, answer->verdict);
            bool content =
                result.variant->body != OCT_BODY_NONE && result.variant->body != OCT_BODY_STREAM;
            CHECK_INT(answer->operation, result.root != NULL, content);
        }
        if (!success) {
            CHECK_INT(answer->operation, error.kind, kind_of_verdict(answer->verdict));
        }
        oct_result_free(&result);
        oct_request_free(&request);
    }
}

/* Each operation has an answer among the fixtures, so that the test above covers the table. */
static void test_fixtures_are_whole(void)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        for (size_t k = 0; k < oct_operations[i].variant_count; k++) {
            const struct oct_variant *variant = &oct_operations[i].variants[k];
            bool found = false;
            for (size_t j = 0; j < ANSWER_COUNT; j++) {
                found = found ||
                        (strcmp(answers[j].operation, oct_operations[i].name) == 0 &&
                         answers[j].status == variant->http_status &&
                         (variant->tag == NULL || strstr(answers[j].body, variant->tag) != NULL));
            }
            CHECK(oct_operations[i].name, found);
        }
    }
}

static void test_acquired(void)
{
    struct oct_request request = must_request("acquire_lock");
    struct oct_response response = fixture_response(answers[0].status, answers[0].body);
    struct oct_result result;
    struct oct_error error;
    CHECK_INT("acquired", oct_response_parse(&request, &response, &result, &error), OCT_OK);
    CHECK("exact token", oct_result_integer(&result, "fencing_token") == INT64_MAX);
    CHECK("lease", oct_text_equal(oct_result_text(&result, "lease_id"), oct_text_of(LEASE)));
    CHECK_INT("renew_after_ms", oct_result_integer(&result, "renew_after_ms"), 30000);
    CHECK_INT("null is no text", oct_result_text(&result, "metadata").len, 0);
    CHECK_INT("absent is no text", oct_result_text(&result, "holder_id").len, 0);
    CHECK_INT("text is no integer", oct_result_integer(&result, "status"), -1);
    CHECK_INT("integer is no text", oct_result_text(&result, "fencing_token").len, 0);
    oct_result_free(&result);
    CHECK("freed", result.root == NULL);
    oct_result_free(&result);
    CHECK_INT("of nothing", oct_result_integer(&result, "fencing_token"), -1);
    oct_request_free(&request);
}

/* The trap of the protocol: held is 200. */
static void test_contention(void)
{
    static const struct {
        const char *name, *field, *code;
        size_t answer;
        enum oct_kind kind;
        int64_t retry_after_ms;
    } cases[] = {
        {"held", "holder_id", "held", 1, OCT_LOCK_HELD, 2500},
        {"delayed", "available_at", "delayed", 2, OCT_LOCK_DELAYED, 4000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct answer *answer = &answers[cases[i].answer];
        struct oct_request request = must_request("acquire_lock");
        struct oct_response response = fixture_response(answer->status, answer->body);
        struct oct_result result;
        struct oct_error error;
        response.request_id = oct_text_of("r-1");
        CHECK_INT(cases[i].name, oct_response_parse(&request, &response, &result, &error),
                  OCT_FAILED);
        CHECK_INT(cases[i].name, error.kind, cases[i].kind);
        CHECK_TEXT(cases[i].name, error.code, cases[i].code);
        CHECK_INT(cases[i].name, error.status, answer->status);
        CHECK_INT(cases[i].name, error.retry_after_ms, cases[i].retry_after_ms);
        CHECK_INT(cases[i].name, error.outcome, OCT_OUTCOME_NONE);
        CHECK(cases[i].name, error.retryable);
        CHECK_TEXT(cases[i].name, error.request_id, "r-1");
        CHECK(cases[i].name, strstr(error.message, TIME) != NULL);
        CHECK(cases[i].name, oct_result_text(&result, cases[i].field).len > 0);
        oct_result_free(&result);
        oct_request_free(&request);
    }
}

/* One field of an acquire's or a list's answer: what is taken and what is a protocol error. */
static const char *const parts[] = {"\"status\":\"acquired\"", "\"lease_id\":\"" LEASE "\"",
                                    "\"fencing_token\":7", "\"expires_at\":\"" TIME "\""};

static void compose(char *out, size_t size, size_t replaced, const char *by)
{
    const char *p[COUNT_OF(parts)];
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        p[i] = i == replaced ? by : parts[i];
    }
    snprintf(out, size, "{%s,%s,%s,%s}", p[0], p[1], p[2], p[3]);
}

static void test_fields(void)
{
    static const struct {
        const char *name;
        size_t part;
        const char *by;
        bool good;
    } cases[] = {
        {"as it is", 0, "\"status\":\"acquired\"", true},
        {"unknown tag", 0, "\"status\":\"granted\"", false},
        {"tag in capitals", 0, "\"status\":\"ACQUIRED\"", false},
        {"tag and NUL", 0, "\"status\":\"acquired\\u0000\"", false},
        {"tag and NUL and more", 0, "\"status\":\"acquired\\u0000held\"", false},
        {"no tag", 0, "\"x\":1", false},
        {"tag of another type", 0, "\"status\":1", false},
        {"no lease", 1, "\"x\":1", false},
        {"null lease", 1, "\"lease_id\":null", false},
        {"lease of another type", 1, "\"lease_id\":7", false},
        {"lease that is no UUID", 1, "\"lease_id\":\"0a1b2c3d\"", false},
        {"lease with NUL", 1, "\"lease_id\":\"" LEASE "\\u0000\"", false},
        {"lease in capitals", 1, "\"lease_id\":\"0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\"", true},
        {"no token", 2, "\"x\":1", false},
        {"token of 0", 2, "\"fencing_token\":0", true},
        {"token of 2^53+1", 2, "\"fencing_token\":9007199254740993", true},
        {"token of INT64_MAX", 2, "\"fencing_token\":9223372036854775807", true},
        {"token of INT64_MAX+1", 2, "\"fencing_token\":9223372036854775808", false},
        {"token of UINT64_MAX", 2, "\"fencing_token\":18446744073709551615", false},
        {"token of many digits", 2, "\"fencing_token\":99999999999999999999999999999999", false},
        {"negative token", 2, "\"fencing_token\":-1", false},
        {"token of INT64_MIN", 2, "\"fencing_token\":-9223372036854775808", false},
        {"real token", 2, "\"fencing_token\":7.0", false},
        {"token with an exponent", 2, "\"fencing_token\":7e0", false},
        {"token in quotes", 2, "\"fencing_token\":\"7\"", false},
        {"token twice", 2, "\"fencing_token\":7,\"fencing_token\":8", false},
        {"true as a token", 2, "\"fencing_token\":true", false},
        {"no time", 3, "\"x\":1", false},
        {"time that is none", 3, "\"expires_at\":\"2026-02-30T00:00:00Z\"", false},
        {"time in seconds", 3, "\"expires_at\":1795414017", false},
        {"unknown fields", 3, "\"expires_at\":\"" TIME "\",\"new\":{\"a\":[{}]},\"z\":-1.5e3",
         true},
        {"unknown field twice", 3, "\"expires_at\":\"" TIME "\",\"z\":1,\"z\":1", false},
        {"hint of 0", 3, "\"expires_at\":\"" TIME "\",\"renew_after_ms\":0", true},
        {"negative hint", 3, "\"expires_at\":\"" TIME "\",\"renew_after_ms\":-1", false},
        {"hint in quotes", 3, "\"expires_at\":\"" TIME "\",\"renew_after_ms\":\"1\"", false},
        {"null hint", 3, "\"expires_at\":\"" TIME "\",\"renew_after_ms\":null", true},
        {"NUL in metadata", 3, "\"expires_at\":\"" TIME "\",\"metadata\":\"a\\u0000b\"", true},
        {"metadata as a list", 3, "\"expires_at\":\"" TIME "\",\"metadata\":[]", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_request request = must_request("acquire_lock");
        struct oct_result result;
        struct oct_error error;
        char body[512];
        compose(body, sizeof body, cases[i].part, cases[i].by);
        struct oct_response response = fixture_response(200, body);
        enum oct_status status = oct_response_parse(&request, &response, &result, &error);
        CHECK_INT(cases[i].name, status, cases[i].good ? OCT_OK : OCT_FAILED);
        if (status == OCT_FAILED) {
            CHECK_INT(cases[i].name, error.kind, OCT_PROTOCOL);
            CHECK_INT(cases[i].name, error.outcome, OCT_OUTCOME_UNKNOWN);
            CHECK(cases[i].name, result.root == NULL && !error.retryable);
            CHECK(cases[i].name, strstr(error.message, LEASE) == NULL);
        }
        oct_result_free(&result);
        oct_request_free(&request);
    }
}

/* Shapes within shapes. */
static void test_nested_fields(void)
{
    static const struct {
        const char *name, *operation, *body, *field; /* NULL: good */
    } cases[] = {
        {"no locks", "list_locks", "{\"locks\":[],\"total\":0}", NULL},
        {"locks are no list", "list_locks", "{\"locks\":{},\"total\":0}", "locks"},
        {"a lock is no object", "list_locks", "{\"locks\":[1],\"total\":0}", "locks"},
        {"second lock wrong", "list_locks", "{\"locks\":[" LOCK_STATUS ",{\"name\":\"a\"}]}",
         "status"},
        {"free lock", "get_lock_status",
         "{\"name\":\"reports/daily.1\",\"status\":\"free\",\"fencing_token\":8}", NULL},
        {"ACL is no object", "get_lock_status",
         "{\"name\":\"reports/daily.1\",\"status\":\"free\",\"fencing_token\":8,\"acl\":[]}",
         "acl"},
        {"ACL without its list", "get_lock_status",
         "{\"name\":\"reports/daily.1\",\"status\":\"free\",\"fencing_token\":8,\"acl\":{}}",
         "acquire"},
        {"ACL of numbers", "get_lock_status",
         "{\"name\":\"reports/daily.1\",\"status\":\"free\",\"fencing_token\":8,"
         "\"acl\":{\"acquire\":[1]}}",
         "acquire"},
        {"leader without term", "get_election",
         "{\"election_id\":\"room_0-1\",\"status\":\"leader\",\"leader\":{\"candidate_id\":\"c\"}}",
         "term"},
        {"won without leader", "campaign",
         "{\"status\":\"leader\",\"election_id\":\"room_0-1\",\"leader_token\":\"t\"}", "leader"},
        {"hooks are no list", "list_webhooks", "{}", "(body)"},
        {"no hooks", "list_webhooks", "[]", NULL},
        {"counters are no object", "get_metrics", "[]", "(body)"},
        {"flag as a number", "get_session",
         "{\"session_id\":\"" LEASE "\",\"user_id\":\"" LEASE "\",\"expires_at\":\"" TIME "\","
         "\"lock_count\":3,\"active\":1}",
         "active"},
        {"a list for an object", "health", "[]", "(body)"},
        {"text for an object", "health", "\"ok\"", "(body)"},
        {"null for an object", "health", "null", "(body)"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_request request = must_request(cases[i].operation);
        struct oct_response response = fixture_response(200, cases[i].body);
        struct oct_result result;
        struct oct_error error;
        char words[64];
        enum oct_status status = oct_response_parse(&request, &response, &result, &error);
        CHECK_INT(cases[i].name, status, cases[i].field == NULL ? OCT_OK : OCT_FAILED);
        if (status == OCT_FAILED && cases[i].field != NULL) {
            snprintf(words, sizeof words, "missing or wrong field '%s'", cases[i].field);
            CHECK(cases[i].name, strstr(error.message, words) != NULL);
            CHECK_TEXT(cases[i].name, error.code, "malformed_answer");
        }
        oct_result_free(&result);
        oct_request_free(&request);
    }
}

/* An answer for something else grants nothing. */
static void test_echo(void)
{
    static const struct {
        const char *name, *operation, *body;
        bool good;
    } cases[] = {
        {"another lease", "renew_lock",
         "{\"lease_id\":\"" OTHER_LEASE "\",\"expires_at\":\"" TIME "\"}", false},
        {"the lease in capitals", "renew_lock",
         "{\"lease_id\":\"0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9\",\"expires_at\":\"" TIME "\"}",
         true},
        {"another lock", "get_lock_status",
         "{\"name\":\"reports\",\"status\":\"free\",\"fencing_token\":8}", false},
        {"a lock in capitals", "get_lock_status",
         "{\"name\":\"Reports/daily.1\",\"status\":\"free\",\"fencing_token\":8}", false},
        {"a lock with NUL", "get_lock_status",
         "{\"name\":\"reports/daily.1\\u0000\",\"status\":\"free\",\"fencing_token\":8}", false},
        {"another lock's ACL", "set_lock_acl",
         "{\"name\":\"b\",\"acl\":{\"acquire\":[\"user:bob\"]}}", false},
        {"another session", "keep_session_alive",
         "{\"session_id\":\"" OTHER_LEASE "\",\"expires_at\":\"" TIME "\"}", false},
        {"another election", "resign",
         "{\"election_id\":\"room_0-2\",\"status\":\"vacant\",\"previous_term\":4}", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_request request = must_request(cases[i].operation);
        struct oct_response response = fixture_response(200, cases[i].body);
        struct oct_result result;
        struct oct_error error;
        enum oct_status status = oct_response_parse(&request, &response, &result, &error);
        CHECK_INT(cases[i].name, status, cases[i].good ? OCT_OK : OCT_FAILED);
        if (status == OCT_FAILED) {
            CHECK_INT(cases[i].name, error.kind, OCT_PROTOCOL);
            CHECK_TEXT(cases[i].name, error.code, "malformed_answer");
            CHECK(cases[i].name, result.root == NULL);
            CHECK(cases[i].name, strstr(error.message, OTHER_LEASE) == NULL);
        }
        oct_result_free(&result);
        oct_request_free(&request);
    }
}

int main(void)
{
    test_every_variant();
    test_fixtures_are_whole();
    test_acquired();
    test_contention();
    test_fields();
    test_nested_fields();
    test_echo();
    return check_report();
}
