/* Unit tests of src/core/response.c: bodies that are no JSON, at the limits, or not looked at.
 * Uses: check.h, fixtures.h, src/core. See response_variants_test.c and response_errors_test.c.
 * Owner: every test frees what it makes. */
#include "core/response.h"

#include "core/limits.h"

#include "check.h"
#include "fixtures.h"

/* OCT_OK or the error's kind + 100. */
static int parse_bytes(const char *operation, int status, const char *data, size_t len)
{
    struct oct_request request = must_request(operation);
    struct oct_response response = {.status = status, .body = {data, len}};
    struct oct_result result;
    struct oct_error error;
    enum oct_status got = oct_response_parse(&request, &response, &result, &error);
    oct_result_free(&result);
    oct_request_free(&request);
    return got == OCT_FAILED ? 100 + (int)error.kind : (int)got;
}

static int parse(const char *operation, int status, const char *body)
{
    return parse_bytes(operation, status, body, strlen(body));
}

#define PROTOCOL (100 + OCT_PROTOCOL)

/* Every beginning of every answer is refused, and so is every answer with something behind it. */
static void test_truncation(void)
{
    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        const struct answer *answer = &answers[i];
        if (answer->body[0] != '{' && answer->body[0] != '[') {
            continue;
        }
        char more[1024];
        for (size_t len = 0; len < strlen(answer->body); len++) {
            CHECK_INT(answer->operation,
                      parse_bytes(answer->operation, answer->status, answer->body, len), PROTOCOL);
        }
        snprintf(more, sizeof more, "%s}", answer->body);
        CHECK_INT(answer->operation, parse(answer->operation, answer->status, more), PROTOCOL);
    }
}

static void test_size(void)
{
    static char body[OCT_MAX_BODY_BYTES + 1];
    static const char health[] = "{\"status\":\"ok\"}";
    memset(body, ' ', sizeof body);
    memcpy(body, health, sizeof health - 1);
    CHECK_INT("1 MiB", parse_bytes("health", 200, body, OCT_MAX_BODY_BYTES), OCT_OK);
    CHECK_INT("1 MiB and 1", parse_bytes("health", 200, body, OCT_MAX_BODY_BYTES + 1), PROTOCOL);
    memset(body, 'a', sizeof body);
    memcpy(body, "{\"status\":\"", 11);
    memcpy(body + OCT_MAX_BODY_BYTES - 2, "\"}", 2);
    CHECK_INT("1 MiB of text", parse_bytes("health", 200, body, OCT_MAX_BODY_BYTES), OCT_OK);
    memset(body, '[', sizeof body);
    CHECK_INT("1 MiB of brackets", parse_bytes("health", 200, body, OCT_MAX_BODY_BYTES), PROTOCOL);
    memcpy(body + OCT_MAX_BODY_BYTES - 1, "\0\0", 2);
    CHECK_INT("503 of 1 MiB and 1", parse_bytes("health", 503, body, OCT_MAX_BODY_BYTES + 1),
              100 + OCT_SERVER);
}

/* An object around `depth` - 1 lists. */
static int parse_depth(int depth, const char *innermost)
{
    char body[256] = "{\"status\":\"ok\",\"x\":";
    for (int i = 1; i < depth; i++) {
        strcat(body, "[");
    }
    strcat(body, innermost);
    for (int i = 1; i < depth; i++) {
        strcat(body, "]");
    }
    strcat(body, "}");
    return parse("health", 200, body);
}

static void test_depth(void)
{
    CHECK_INT("1", parse_depth(1, "1"), OCT_OK);
    CHECK_INT("32", parse_depth(32, "1"), OCT_OK);
    CHECK_INT("33", parse_depth(33, "1"), PROTOCOL);
    CHECK_INT("32 and brackets in text", parse_depth(32, "\"\\\"[[{{\\\\\""), OCT_OK);
    CHECK_INT("31 and objects one after another", parse_depth(31, "{},{},{\"a\":1}"), OCT_OK);
    CHECK_INT("32 and an object", parse_depth(32, "{}"), PROTOCOL);
}

static void test_text(void)
{
    CHECK_INT("no data", parse_bytes("health", 200, NULL, 0), PROTOCOL);
    CHECK_INT("no data, 502", parse_bytes("health", 502, NULL, 0), 100 + OCT_SERVER);
    CHECK_INT("NUL behind", parse_bytes("health", 200, "{\"status\":\"ok\"}", 16), PROTOCOL);
    CHECK_INT("NUL within", parse_bytes("health", 200, "{\"status\":\"o\0k\"}", 16), PROTOCOL);
    CHECK_INT("space around", parse("health", 200, " \r\n\t{ \"status\" : \"ok\" } \n"), OCT_OK);
    CHECK_INT("byte order mark", parse("health", 200, "\xEF\xBB\xBF{\"status\":\"ok\"}"), PROTOCOL);
    CHECK_INT("broken UTF-8", parse("health", 200, "{\"status\":\"\xFF\"}"), PROTOCOL);
    CHECK_INT("broken UTF-8 elsewhere", parse("health", 200, "{\"status\":\"ok\",\"x\":\"\xC3\"}"),
              PROTOCOL);
    CHECK_INT("lone surrogate", parse("health", 200, "{\"status\":\"\\ud800\"}"), PROTOCOL);
    CHECK_INT("key twice", parse("health", 200, "{\"status\":\"ok\",\"status\":\"ok\"}"), PROTOCOL);
    CHECK_INT("key twice by an escape",
              parse("health", 200, "{\"status\":\"ok\",\"st\\u0061tus\":\"ok\"}"), PROTOCOL);
    CHECK_INT("NUL in a key", parse("health", 200, "{\"status\":\"ok\",\"a\\u0000\":1}"), PROTOCOL);
}

/* Answers without a body take whatever comes with them. */
static void test_no_body(void)
{
    CHECK_INT("204", parse("end_session", 204, ""), OCT_OK);
    CHECK_INT("204 with HTML", parse("end_session", 204, "<html>"), OCT_OK);
    CHECK_INT("200 for 204", parse("end_session", 200, "null"), PROTOCOL);
    CHECK_INT("stream", parse("watch_lock", 200, "data: x\n\n"), OCT_OK);
    CHECK_INT("stream of nothing", parse_bytes("watch_lock", 200, NULL, 0), OCT_OK);
    CHECK_INT("stream refused", parse("watch_lock", 404, "{\"code\":\"not_found\"}"),
              100 + OCT_NOT_FOUND);
    CHECK_INT("release", parse("release_lock", 200, "null"), OCT_OK);
    CHECK_INT("release answered by HTML", parse("release_lock", 200, "<html>"), PROTOCOL);
    CHECK_INT("release answered by nothing", parse("release_lock", 200, ""), PROTOCOL);
}

int main(void)
{
    test_truncation();
    test_size();
    test_depth();
    test_text();
    test_no_body();
    return check_report();
}
