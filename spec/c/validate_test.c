/* Unit tests of src/core/validate.c: every rule on both sides of each bound, and what errors say.
 * Uses: check.h, fixtures.h, src/core. Rules of arguments together are in request_test.c.
 * Owner: nobody. */
#include "core/validate.h"

#include "check.h"
#include "fixtures.h"

#define A10 "aaaaaaaaaa"
#define A62 A10 A10 A10 A10 A10 A10 "aa"
#define A64 A62 "aa"
#define A256 A64 A64 A64 A64
#define C64 A64 "/" A64 "/" A64 "/" /* 195 bytes */
#define E "\xC3\xA9"                /* one letter of two bytes */
#define E10 E E E E E E E E E E
#define E32 E10 E10 E10 E E
#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static enum oct_status validate(enum oct_rule rule, const struct oct_value *value,
                                struct oct_error *error)
{
    static const struct oct_operation operation = {.name = "op"};
    const struct oct_parameter parameter = {"arg", "arg", OCT_IN_BODY, rule, true, 0};
    return oct_validate_value(&operation, &parameter, value, error);
}

/* Checks acceptance and, on refusal, the error's form. */
static void check_value(const char *name, enum oct_rule rule, struct oct_value value, bool good)
{
    struct oct_error error = {.message = ""};
    enum oct_status status = validate(rule, &value, &error);
    CHECK_INT(name, status, good ? OCT_OK : OCT_FAILED);
    if (status == OCT_FAILED && !good) {
        CHECK_INT(name, error.kind, OCT_VALIDATION);
        CHECK_TEXT(name, error.code, "invalid_argument");
        CHECK_TEXT(name, error.argument, "arg");
        CHECK(name, strncmp(error.message, "op: arg must be ", 16) == 0);
        CHECK(name, strstr(error.message, oct_rule_words(rule)) != NULL);
        CHECK(name, error.message[strlen(error.message) - 1] == ')'); /* nothing was cut off */
    }
}

static void test_lock_names(void)
{
    static const struct {
        const char *name;
        struct oct_text text;
        bool good;
    } cases[] = {
        {"one byte", BYTES("a"), true},
        {"every class", BYTES("Az09-_."), true},
        {"components", BYTES("a/b/c"), true},
        {"a dot", BYTES("."), true},
        {"dots within", BYTES("a/./b..c/..."), true},
        {"letters beyond ASCII", BYTES("r\xC3\xA9sum\xC3\xA9/\xE6\x97\xA5\xE6\x9C\xAC"), true},
        {"component of 64", BYTES(A64), true},
        {"component of 65", BYTES(A64 "a"), false},
        {"second component of 64", BYTES("a/" A64), true},
        {"second component of 65", BYTES("a/" A64 "a"), false},
        {"last of three of 65", BYTES("a/b/" A64 "a"), false},
        {"64 bytes in two-byte letters", BYTES(E32), true},
        {"65 bytes, the bound before a letter", BYTES("a" E32), false},
        {"66 bytes in two-byte letters", BYTES(E32 E), false},
        {"256 bytes in all", BYTES(C64 A10 A10 A10 A10 A10 A10 "a"), true},
        {"257 bytes in all", BYTES(C64 A62), false},
        {"256 bytes, last letter of two", BYTES(C64 "aaaaa" A10 A10 A10 A10 "aaaa" E10 "/" E E),
         false},
        {"empty", BYTES(""), false},
        {"no data", {NULL, 0}, false},
        {"two dots", BYTES(".."), false},
        {"two dots first", BYTES("../a"), false},
        {"two dots within", BYTES("a/../b"), false},
        {"two dots last", BYTES("a/.."), false},
        {"slash alone", BYTES("/"), false},
        {"slash first", BYTES("/a"), false},
        {"slash last", BYTES("a/"), false},
        {"empty component", BYTES("a//b"), false},
        {"space", BYTES("a b"), false},
        {"backslash", BYTES("a\\b"), false},
        {"percent", BYTES("a%2Fb"), false},
        {"colon", BYTES("a:b"), false},
        {"question mark", BYTES("a?b"), false},
        {"line end", BYTES("a\n"), false},
        {"NUL", BYTES("a\0b"), false},
        {"NUL last", BYTES("a\0"), false},
        {"DEL", BYTES("a\x7F"), false},
        {"broken UTF-8", BYTES("a\xC3"), false},
        {"surrogate", BYTES("\xED\xA0\x80"), false},
        {"overlong slash",
         BYTES("a\xC0\xAF"
               "b"),
         false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_value(cases[i].name, OCT_RULE_LOCK_NAME,
                    value_text(cases[i].text.data, cases[i].text.len), cases[i].good);
    }
    check_value("256 bytes, multi-byte last", OCT_RULE_LOCK_NAME,
                value_string(C64 A10 A10 A10 A10 A10 "aaaaaaaaa" E), true);
    check_value("257 bytes, multi-byte over the bound", OCT_RULE_LOCK_NAME,
                value_string(C64 A10 A10 A10 A10 A10 A10 E), false);
}

static void test_prefixes_and_patterns(void)
{
    static const enum oct_rule rules[] = {OCT_RULE_LOCK_PREFIX, OCT_RULE_LOCK_PATTERN};
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        check_value("empty", rules[i], value_string(""), true);
        check_value("no data", rules[i], value_text(NULL, 0), true);
        check_value("anything", rules[i], value_string("a b//*?\n"), true);
        check_value("256 bytes", rules[i], value_string(A256), true);
        check_value("257 bytes", rules[i], value_string(A256 "a"), false);
        check_value("broken UTF-8", rules[i], value_string("\xFF"), false);
    }
}

static void test_numbers(void)
{
    static const struct {
        const char *name;
        enum oct_rule rule;
        double min, max;
    } rules[] = {
        {"lock TTL", OCT_RULE_LOCK_TTL, 1, 3600},
        {"lock delay", OCT_RULE_LOCK_DELAY, 0, 30},
        {"session TTL", OCT_RULE_SESSION_TTL, 10, 300},
        {"election TTL", OCT_RULE_ELECTION_TTL, 5, 300},
    };
    volatile double zero = 0;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        const char *name = rules[i].name;
        enum oct_rule rule = rules[i].rule;
        check_value(name, rule, value_number(rules[i].min), true);
        check_value(name, rule, value_number(rules[i].max), true);
        check_value(name, rule, value_number(rules[i].min - 1), false);
        check_value(name, rule, value_number(rules[i].max + 1), false);
        check_value(name, rule, value_number(rules[i].min + 0.5), false);
        check_value(name, rule, value_number(rules[i].max + 0.001), false);
        check_value(name, rule, value_number(rules[i].min - 0.001), false);
        check_value(name, rule, value_number(-zero), rules[i].min <= 0);
        check_value(name, rule, value_number(zero / zero), false);
        check_value(name, rule, value_number(1 / zero), false);
        check_value(name, rule, value_number(-1 / zero), false);
        check_value(name, rule, value_number(1e300), false);
        check_value(name, rule, value_number(-9.3e18), false);
    }
    check_value("one and a half", OCT_RULE_LOCK_TTL, value_number(1.5), false);
    check_value("zero", OCT_RULE_LOCK_TTL, value_number(0), false);
}

static void test_characters(void)
{
    static const struct {
        const char *name;
        enum oct_rule rule;
        size_t min, max;
        const char *good, *bad;
    } rules[] = {
        {"election id", OCT_RULE_ELECTION_ID, 8, 64, "aA0_-", ".:@ /%\xC3\xA9\n"},
        {"candidate id", OCT_RULE_CANDIDATE_ID, 1, 64, "aA0._:@-", " /%+\xC3\xA9\n"},
        {"username", OCT_RULE_USERNAME, 1, 64, "aA0_-", ".:@ /\xC3\xA9\n"},
        {"namespace", OCT_RULE_NAMESPACE, 1, 64, "aA0._-", ":@ /\xC3\xA9\n"},
        {"leader token", OCT_RULE_CAPABILITY, 1, 4096, "aA0!~\"", " \x7F\t\r\n\x80\xC3\xA9"},
    };
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        char text[4100];
        memset(text, 'a', sizeof text);
        check_value(rules[i].name, rules[i].rule, value_text(text, rules[i].min - 1), false);
        check_value(rules[i].name, rules[i].rule, value_text(text, rules[i].min), true);
        check_value(rules[i].name, rules[i].rule, value_text(text, rules[i].max), true);
        check_value(rules[i].name, rules[i].rule, value_text(text, rules[i].max + 1), false);
        for (const char *c = rules[i].good; *c != '\0'; c++) {
            text[3] = *c;
            check_value(rules[i].name, rules[i].rule, value_text(text, 9), true);
        }
        for (size_t k = 0; k <= strlen(rules[i].bad); k++) { /* its NUL too */
            text[3] = rules[i].bad[k];
            check_value(rules[i].name, rules[i].rule, value_text(text, 9), false);
        }
    }
}

/* `count` copies of one character of `len` bytes. */
static struct oct_value repeated(char *out, const char *character, size_t len, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(out + i * len, character, len);
    }
    return value_text(out, len * count);
}

static void test_metadata(void)
{
    static const enum oct_rule rules[] = {OCT_RULE_METADATA, OCT_RULE_WEBHOOK_SECRET};
    static char text[1025 * 4];
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        check_value("empty", rules[i], value_string(""), true);
        check_value("1024 bytes", rules[i], repeated(text, "a", 1, 1024), true);
        check_value("1025 bytes", rules[i], repeated(text, "a", 1, 1025), false);
        check_value("1024 of two bytes", rules[i], repeated(text, "\xC3\xA9", 2, 1024), true);
        check_value("1025 of two bytes", rules[i], repeated(text, "\xC3\xA9", 2, 1025), false);
        check_value("1024 of four", rules[i], repeated(text, "\xF0\x9F\x98\x80", 4, 1024), true);
        check_value("1025 of four", rules[i], repeated(text, "\xF0\x9F\x98\x80", 4, 1025), false);
        check_value("NUL and line ends", rules[i], value_text("a\0b\r\n", 5), true);
        check_value("broken UTF-8", rules[i], value_string("a\xE2\x82"), false);
    }
}

static void test_uuids(void)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"00000000-0000-4000-8000-000000000000", true},
        {"0123abcd-ABCD-ef01-EF01-0123456789ab", true},
        {"", false},
        {"00000000-0000-4000-8000-00000000000", false},
        {"00000000-0000-4000-8000-0000000000000", false},
        {"0000000-00000-4000-8000-000000000000", false},
        {"00000000_0000-4000-8000-000000000000", false},
        {"00000000-0000-4000-8000-00000000000g", false},
        {"00000000000040008000000000000000----", false},
        {"{0000000-0000-4000-8000-00000000000}", false},
        {"0000000000004000800000000000000000000", false},
        {"00000000-0000-4000-8000-00000000000\n", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_value(cases[i].text, OCT_RULE_UUID, value_string(cases[i].text), cases[i].good);
        CHECK_INT(cases[i].text, oct_is_uuid(oct_text_of(cases[i].text)), cases[i].good);
    }
}

static void test_https_urls(void)
{
    static char text[2100] = "https://h/";
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"https://h", true},
        {"https://h:8443/p?q=1#f", true},
        {"https://", false},
        {"http://h", false},
        {"HTTPS://h", false},
        {"https://h h", false},
        {"https://h\n", false},
        {"https://h\xC3\xA9", false},
        {"https://user:pass@h", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_value(cases[i].text, OCT_RULE_HTTPS_URL, value_string(cases[i].text), cases[i].good);
    }
    memset(text + 10, 'a', sizeof text - 10);
    check_value("2048 bytes", OCT_RULE_HTTPS_URL, value_text(text, 2048), true);
    check_value("2049 bytes", OCT_RULE_HTTPS_URL, value_text(text, 2049), false);
    check_value("NUL", OCT_RULE_HTTPS_URL, value_text("https://h\0i", 11), false);
}

static void test_windows_and_flags(void)
{
    static const char *const good[] = {"1h", "12h", "24h", "7d"};
    static const char *const bad[] = {"", "1", "2h", "1H", "7d ", "12h1h"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        check_value(good[i], OCT_RULE_METRICS_WINDOW, value_string(good[i]), true);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check_value(bad[i], OCT_RULE_METRICS_WINDOW, value_string(bad[i]), false);
    }
    check_value("true", OCT_RULE_FLAG, value_flag(true), true);
    check_value("false", OCT_RULE_FLAG, value_flag(false), true);
}

static void test_principals(void)
{
    static char text[300];
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"user:a", true},      {"user:A-0", true},
        {"user:" A64, true},   {"user:" A64 "a", false},
        {"user:", false},      {"user:a_b", false},
        {"user:a b", false},   {"user:a.b", false},
        {"User:a", false},     {" user:a", false},
        {"token:t", true},     {"token:", false},
        {"token:a b", false},  {"token:a\n", false},
        {"group:a", false},    {"", false},
        {"user", false},       {"user:\xC3\xA9", false},
        {"token:\xFF", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_text item = oct_text_of(cases[i].text);
        check_value(cases[i].text, OCT_RULE_ACL, value_strings(&item, 1), cases[i].good);
    }
    memset(text, 't', sizeof text);
    memcpy(text, "token:", 6);
    struct oct_text item = {text, 256};
    check_value("256 bytes", OCT_RULE_ACL, value_strings(&item, 1), true);
    item.len = 257;
    check_value("257 bytes", OCT_RULE_ACL, value_strings(&item, 1), false);
    item = (struct oct_text){"user:a\0", 7};
    check_value("NUL", OCT_RULE_ACL, value_strings(&item, 1), false);
}

static void test_lists(void)
{
    static struct oct_text items[101];
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        items[i] = oct_text_of("user:a");
    }
    check_value("ACL of none", OCT_RULE_ACL, value_strings(NULL, 0), false);
    check_value("ACL of 1", OCT_RULE_ACL, value_strings(items, 1), true);
    check_value("ACL of 100", OCT_RULE_ACL, value_strings(items, 100), true);
    check_value("ACL of 101", OCT_RULE_ACL, value_strings(items, 101), false);
    items[99] = oct_text_of("nobody");
    check_value("last of 100 wrong", OCT_RULE_ACL, value_strings(items, 100), false);

    static const struct oct_text events[] = {BYTES("acquired"), BYTES("released"), BYTES("renewed"),
                                             BYTES("expired"),  BYTES("*"),        BYTES("lost")};
    check_value("no events", OCT_RULE_WEBHOOK_EVENTS, value_strings(NULL, 0), false);
    check_value("each event", OCT_RULE_WEBHOOK_EVENTS, value_strings(events, 5), true);
    check_value("six", OCT_RULE_WEBHOOK_EVENTS, value_strings(events, 6), false);
    check_value("unknown event", OCT_RULE_WEBHOOK_EVENTS, value_strings(events + 5, 1), false);
}

static void test_tokens(void)
{
    static char text[4097];
    memset(text, '~', sizeof text);
    CHECK("none", !oct_is_token((struct oct_text){NULL, 0}));
    CHECK("1", oct_is_token((struct oct_text){text, 1}));
    CHECK("4096", oct_is_token((struct oct_text){text, 4096}));
    CHECK("4097", !oct_is_token((struct oct_text){text, 4097}));
    CHECK("header injection", !oct_is_token(oct_text_of("t\r\nX: y")));
    CHECK("NUL", !oct_is_token((struct oct_text){"a\0b", 3}));
}

static void test_required(void)
{
    const struct oct_operation *operation = oct_operation_find("acquire_lock");
    struct oct_value unset = {.set = false};
    struct oct_error error;
    CHECK_INT("required", oct_validate_value(operation, &operation->parameters[0], &unset, &error),
              OCT_FAILED);
    CHECK_TEXT("required", error.code, "missing_argument");
    CHECK_TEXT("required", error.argument, "name");
    CHECK("required", strstr(error.message, "acquire_lock: name is required") != NULL);
    CHECK_INT("optional", oct_validate_value(operation, &operation->parameters[1], &unset, &error),
              OCT_OK);
}

/* What is secret, or may carry a secret, is not repeated. */
static void test_secrets(void)
{
    static const struct oct_text acl[] = {{"token:hunter2 ", 14}};
    static const struct {
        const char *name;
        enum oct_rule rule;
        const char *text;
    } cases[] = {
        {"lease id", OCT_RULE_UUID, "hunter2"},
        {"leader token", OCT_RULE_CAPABILITY, "hunter2 "},
        {"webhook secret", OCT_RULE_WEBHOOK_SECRET, "hunter2\xFF"},
        {"password in a URL", OCT_RULE_HTTPS_URL, "https://bob:hunter2@h"},
        {"token in a URL's query", OCT_RULE_HTTPS_URL, "http://h/?key=hunter2"},
    };
    struct oct_error error;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_value value = value_string(cases[i].text);
        CHECK_INT(cases[i].name, validate(cases[i].rule, &value, &error), OCT_FAILED);
        CHECK(cases[i].name, strstr(error.message, "hunter2") == NULL);
    }
    struct oct_value value = value_strings(acl, 1);
    CHECK_INT("ACL", validate(OCT_RULE_ACL, &value, &error), OCT_FAILED);
    CHECK("ACL", strstr(error.message, "hunter2") == NULL);
}

static void test_messages(void)
{
    struct oct_error error;
    struct oct_value value = value_string("a b\n");
    validate(OCT_RULE_LOCK_NAME, &value, &error);
    CHECK("shows the value", strstr(error.message, "(got 4 bytes: 'a b?')") != NULL);
    value = value_string(A256 "!");
    validate(OCT_RULE_USERNAME, &value, &error);
    CHECK("cuts the value", strstr(error.message, "(got 257 bytes: '" A62 "a...')") != NULL);
    value = value_number(1.5);
    validate(OCT_RULE_LOCK_TTL, &value, &error);
    CHECK("shows the number", strstr(error.message, "from 1 to 3600 (got 1.5)") != NULL);
}

int main(void)
{
    test_lock_names();
    test_prefixes_and_patterns();
    test_numbers();
    test_characters();
    test_metadata();
    test_uuids();
    test_https_urls();
    test_windows_and_flags();
    test_principals();
    test_lists();
    test_tokens();
    test_required();
    test_secrets();
    test_messages();
    return check_report();
}
