/* Unit tests of src/core/error.c: names, printable messages, outcome and retryable.
 * Uses: check.h, src/core.
 * Owner: nobody. */
#include "core/error.h"

#include "check.h"

static void test_names(void)
{
    static const char *const names[] = {
        "lock_held", "lock_delayed", "lock_lost",       "authentication", "forbidden",  "limit",
        "conflict",  "not_found",    "session_expired", "rate_limited",   "validation", "network",
        "timeout",   "cancelled",    "protocol",        "server",
    };
    CHECK_INT("every kind", COUNT_OF(names), OCT_KIND_COUNT);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        enum oct_kind kind = OCT_KIND_COUNT;
        CHECK_TEXT(names[i], oct_kind_name((enum oct_kind)i), names[i]);
        CHECK(names[i], oct_kind_find(names[i], &kind) && kind == (enum oct_kind)i);
    }
    enum oct_kind kind = OCT_SERVER;
    CHECK("no such kind", !oct_kind_find("lost", &kind) && kind == OCT_SERVER);
    CHECK_TEXT("outcome", oct_outcome_name(OCT_OUTCOME_NONE), "none");
    CHECK_TEXT("outcome", oct_outcome_name(OCT_OUTCOME_UNKNOWN), "unknown");
}

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static void test_printable(void)
{
    static const struct {
        const char *name;
        struct oct_text text;
        size_t size;
        const char *want;
    } cases[] = {
        {"plain", BYTES("abc"), 16, "abc"},
        {"no data", {NULL, 0}, 16, ""},
        {"size of one", BYTES("abc"), 1, ""},
        {"fits exactly", BYTES("abc"), 4, "abc"},
        {"cut", BYTES("abcd"), 4, "abc"},
        {"control characters", BYTES("a\r\n\t\x1B[31m\x7F"), 16, "a????[31m?"},
        {"NUL", BYTES("a\0b"), 16, "a?b"},
        {"UTF-8", BYTES("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 16,
         "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"cut before a code point", BYTES("a\xE2\x82\xAC"), 4, "a"},
        {"cut inside a code point", BYTES("ab\xE2\x82\xAC"), 4, "ab"},
        {"cut behind a code point",
         BYTES("\xE2\x82\xAC"
               "b"),
         4, "\xE2\x82\xAC"},
        {"broken UTF-8", BYTES("a\xFF\xC3\xA9"), 16, "a???"},
        {"continuation bytes alone", BYTES("\x80\x80\x80\x80"), 3, ""},
        {"terminal escape in one code point",
         BYTES("a\xC2\x9B"
               "31mb"),
         16, "a??31mb"},
        {"last of the C1 controls", BYTES("\xC2\x9F"), 16, "??"},
        {"first behind the C1 controls", BYTES("\xC2\xA0"), 16, "\xC2\xA0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[16];
        memset(out, 'X', sizeof out);
        oct_error_printable(cases[i].text, out, cases[i].size);
        CHECK_TEXT(cases[i].name, out, cases[i].want);
    }
}

static void test_set(void)
{
    struct oct_error error;
    memset(&error, 'X', sizeof error);
    oct_error_set(&error, OCT_LIMIT, "some_code", "%s has %d\n", "it", 3);
    CHECK_INT("set", error.kind, OCT_LIMIT);
    CHECK_INT("set", error.outcome, OCT_OUTCOME_NONE);
    CHECK_INT("set", error.status, 0);
    CHECK_INT("set", error.retry_after_ms, -1);
    CHECK("set", !error.retryable && !error.wrong_type && error.argument == NULL);
    CHECK_TEXT("set", error.code, "some_code");
    CHECK_TEXT("set", error.message, "it has 3?");
    CHECK_TEXT("set", error.request_id, "");
}

static void test_set_cuts(void)
{
    struct oct_error error;
    char text[2000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    oct_error_set(&error, OCT_SERVER, text, "%s", text);
    CHECK_INT("long code", strlen(error.code), OCT_CODE_BYTES - 1);
    CHECK_INT("long message", strlen(error.message), OCT_MESSAGE_BYTES - 1);
    memcpy(text + OCT_MESSAGE_BYTES - 2, "\xC3\xA9", 2);
    oct_error_set(&error, OCT_SERVER, "c", "%s", text);
    CHECK_INT("cut on a code point's edge", strlen(error.message), OCT_MESSAGE_BYTES - 2);
    CHECK("and still UTF-8", oct_utf8_count(oct_text_of(error.message), NULL));
}

/* Operations of the three repeat classes, and one without an effect. */
#define SAFE "release_lock"
#define UNSENT "campaign"
#define NEVER "rotate_token"
#define READ "get_lock_status"

static void test_judge(void)
{
    static const struct {
        const char *operation;
        enum oct_kind kind;
        bool sent, unknown, retryable;
    } cases[] = {
        {SAFE, OCT_NETWORK, false, false, true},
        {SAFE, OCT_NETWORK, true, true, true},
        {SAFE, OCT_TIMEOUT, true, true, true},
        {SAFE, OCT_SERVER, true, true, true},
        {SAFE, OCT_PROTOCOL, true, true, false},
        {SAFE, OCT_CANCELLED, true, true, false},
        {SAFE, OCT_CANCELLED, false, false, false},
        {SAFE, OCT_LOCK_HELD, true, false, true},
        {SAFE, OCT_LOCK_DELAYED, true, false, true},
        {SAFE, OCT_LIMIT, true, false, true},
        {SAFE, OCT_RATE_LIMITED, true, false, true},
        {SAFE, OCT_LOCK_LOST, true, false, false},
        {SAFE, OCT_AUTHENTICATION, true, false, false},
        {SAFE, OCT_FORBIDDEN, true, false, false},
        {SAFE, OCT_CONFLICT, true, false, false},
        {SAFE, OCT_NOT_FOUND, true, false, false},
        {SAFE, OCT_VALIDATION, true, false, false},
        {SAFE, OCT_SESSION_EXPIRED, true, false, false},
        {UNSENT, OCT_NETWORK, false, false, true},
        {UNSENT, OCT_NETWORK, true, true, false},
        {UNSENT, OCT_TIMEOUT, false, false, true},
        {UNSENT, OCT_TIMEOUT, true, true, false},
        {UNSENT, OCT_SERVER, true, true, false},
        {UNSENT, OCT_LIMIT, true, false, true},
        {UNSENT, OCT_RATE_LIMITED, true, false, true},
        {UNSENT, OCT_PROTOCOL, true, true, false},
        {NEVER, OCT_NETWORK, false, false, false},
        {NEVER, OCT_NETWORK, true, true, false},
        {NEVER, OCT_RATE_LIMITED, true, false, false},
        {NEVER, OCT_SERVER, true, true, false},
        {READ, OCT_NETWORK, true, false, true},
        {READ, OCT_TIMEOUT, true, false, true},
        {READ, OCT_SERVER, true, false, true},
        {READ, OCT_PROTOCOL, true, false, false},
        {READ, OCT_NOT_FOUND, true, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_error error;
        char name[64];
        snprintf(name, sizeof name, "%s %s %s", cases[i].operation, oct_kind_name(cases[i].kind),
                 cases[i].sent ? "sent" : "unsent");
        oct_error_set(&error, cases[i].kind, "c", "m");
        oct_error_judge(&error, oct_operation_find(cases[i].operation), cases[i].sent);
        CHECK_INT(name, error.outcome == OCT_OUTCOME_UNKNOWN, cases[i].unknown);
        CHECK_INT(name, error.retryable, cases[i].retryable);
    }
}

int main(void)
{
    test_names();
    test_printable();
    test_set();
    test_set_cuts();
    test_judge();
    return check_report();
}
