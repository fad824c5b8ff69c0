/* Unit tests of src/core/json.c: what is JSON, and that what is read is what was written.
 * Uses: check.h, src/core, jansson. Failing allocations are in allocation_test.c.
 * Owner: every test frees what it makes. */
#include "core/json.h"

#include "check.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static void test_good(void)
{
    static const struct {
        struct oct_text text;
        const char *want; /* as jansson writes it back */
    } cases[] = {
        {BYTES("null"), "null"},
        {BYTES(" \t\r\n true \n"), "true"},
        {BYTES("false"), "false"},
        {BYTES("{}"), "{}"},
        {BYTES("[ ]"), "[]"},
        {BYTES("[1 , 2,3 ]"), "[1,2,3]"},
        {BYTES("{ \"a\" : 1 , \"b\" : [ { } ] }"), "{\"a\":1,\"b\":[{}]}"},
        {BYTES("{\"\":0,\"A\":1,\"a\":null}"), "{\"\":0,\"A\":1,\"a\":null}"},
        {BYTES("0"), "0"},
        {BYTES("-0"), "0"},
        {BYTES("10"), "10"},
        {BYTES("-10"), "-10"},
        {BYTES("9223372036854775807"), "9223372036854775807"},
        {BYTES("-9223372036854775808"), "-9223372036854775808"},
        {BYTES("1.5"), "1.5"},
        {BYTES("-1.5e2"), "-150.0"},
        {BYTES("15E+1"), "150.0"},
        {BYTES("1.25e-3"), "0.00125"},
        {BYTES("1e400000000000000000000000000000"), NULL},
        {BYTES("1e-400000000000000000000000000000"), "0.0"},
        {BYTES("0.1"), "0.10000000000000001"},
        {BYTES("179769313486231570000000000000000000000e270"), "1.7976931348623157e308"},
        {BYTES("\"\""), "\"\""},
        {BYTES("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"a\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {BYTES("\"\\u0000\\u001F\""), "\"\\u0000\\u001F\""},
        {BYTES("\"\\u00e9\\u00E9\\u20aC\""), "\"\xC3\xA9\xC3\xA9\xE2\x82\xAC\""},
        {BYTES("\"\\u007F\\u0080\\u07FF\\u0800\\uFFFF\""),
         "\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\""},
        {BYTES("\"\\ud7ff\\ue000\""), "\"\xED\x9F\xBF\xEE\x80\x80\""},
        {BYTES("\"\\ud83d\\uDE00\\uD800\\uDC00\\uDBFF\\uDFFF\""),
         "\"\xF0\x9F\x98\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""},
        {BYTES("\"\xC3\xA9\xF0\x9F\x98\x80\x7F\""), "\"\xC3\xA9\xF0\x9F\x98\x80\x7F\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *root = NULL;
        enum oct_status status = oct_json_read(cases[i].text, &root);
        CHECK_INT(cases[i].text.data, status, cases[i].want == NULL ? OCT_FAILED : OCT_OK);
        if (root != NULL) {
            char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
            CHECK_TEXT(cases[i].text.data, text, cases[i].want);
            free(text);
        }
        json_decref(root);
    }
}

static void test_bad(void)
{
    static const struct oct_text cases[] = {
        BYTES(""),
        BYTES(" "),
        BYTES("nul"),
        BYTES("nulll"),
        BYTES("True"),
        BYTES("NaN"),
        BYTES("Infinity"),
        BYTES("'a'"),
        BYTES("a"),
        BYTES("1 2"),
        BYTES("{}{}"),
        BYTES("[]]"),
        BYTES("["),
        BYTES("[1"),
        BYTES("[1,"),
        BYTES("[1,]"),
        BYTES("[,1]"),
        BYTES("[1 2]"),
        BYTES("[1}"),
        BYTES("{"),
        BYTES("{]"),
        BYTES("{\"a\""),
        BYTES("{\"a\":"),
        BYTES("{\"a\"}"),
        BYTES("{\"a\":1"),
        BYTES("{\"a\":1,"),
        BYTES("{\"a\":1,}"),
        BYTES("{,}"),
        BYTES("{a:1}"),
        BYTES("{1:1}"),
        BYTES("{\"a\" 1}"),
        BYTES("{\"a\":1 \"b\":2}"),
        BYTES("{null:1}"),
        BYTES("{\"a\":1,\"a\":1}"),
        BYTES("{\"a\":1,\"\\u0061\":1}"),
        BYTES("{\"a\\u0000\":1}"),
        BYTES("-"),
        BYTES("+1"),
        BYTES("01"),
        BYTES("-01"),
        BYTES("00"),
        BYTES(".5"),
        BYTES("1."),
        BYTES("1.e5"),
        BYTES("1e"),
        BYTES("1e+"),
        BYTES("1e5.5"),
        BYTES("0x10"),
        BYTES("1_0"),
        BYTES("- 1"),
        BYTES("1,5"),
        BYTES("9223372036854775808"),
        BYTES("-9223372036854775809"),
        BYTES("18446744073709551616"),
        BYTES("1e309"),
        BYTES("-1e309"),
        BYTES("\""),
        BYTES("\"a"),
        BYTES("\"\\\""),
        BYTES("\"\\"),
        BYTES("\"\\x\""),
        BYTES("\"\\u\""),
        BYTES("\"\\u12\""),
        BYTES("\"\\u12g4\""),
        BYTES("\"\\u 123\""),
        BYTES("\"\\U0041\""),
        BYTES("\"\\ud800\""),
        BYTES("\"\\ud800x\""),
        BYTES("\"\\ud800\\n\""),
        BYTES("\"\\ud800\\u0041\""),
        BYTES("\"\\ud800\\ud800\""),
        BYTES("\"\\udc00\""),
        BYTES("\"\\udc00\\ud800\""),
        BYTES("\"\n\""),
        BYTES("\"\t\""),
        BYTES("\"\x1F\""),
        BYTES("\"\0\""),
        BYTES("\"\\\0\""),
        BYTES("1\0"),
        BYTES("\0"),
        BYTES("\xEF\xBB\xBF{}"),
        BYTES("\"\xFF\""),
        BYTES("\"\xC3\""),
        BYTES("\"\xED\xA0\x80\""),
        BYTES("\"\xC0\x80\""),
        BYTES("{\"\xC3\":1}"),
        BYTES("/**/1"),
        BYTES("1//"),
        BYTES("\xC2\xA0"
              "1"),
        BYTES("\v1"),
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *root = NULL;
        CHECK_INT(cases[i].data, oct_json_read(cases[i], &root), OCT_FAILED);
        CHECK(cases[i].data, root == NULL);
        json_decref(root);
    }
}

/* The text ends where its length says: nothing behind is read, seen by the sanitizer. */
static void test_edges(void)
{
    static const char whole[] = "{\"ab\":[1.5e3,\"\\ud83d\\ude00\",true,null,-12]}";
    for (size_t len = 0; len < sizeof whole; len++) {
        char *copy = malloc(len + (len == 0));
        json_t *root = NULL;
        if (copy != NULL && len > 0) {
            memcpy(copy, whole, len);
        }
        enum oct_status status = oct_json_read((struct oct_text){copy, len}, &root);
        CHECK_INT("cut", status, len == sizeof whole - 1 ? OCT_OK : OCT_FAILED);
        json_decref(root);
        free(copy);
    }
}

/* The host may have set a locale whose decimal point is a comma. */
static void test_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *root = NULL;
        if (setlocale(LC_ALL, names[i]) == NULL) {
            continue;
        }
        CHECK_INT(names[i], oct_json_read(oct_text_of("1234.5"), &root), OCT_OK);
        CHECK(names[i], json_real_value(root) > 1234.4 && json_real_value(root) < 1234.6);
        json_decref(root);
    }
}

/* Many keys, so that the object has to grow, and a number of many digits. */
static void test_large(void)
{
    struct oct_buffer text = {NULL, 0, 0, false};
    json_t *root = NULL;
    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%c\"key %d\":%d", i == 0 ? '{' : ',', i, i);
        oct_buffer_append_string(&text, key);
    }
    oct_buffer_append_string(&text, ",\"pi\":3.");
    for (int i = 0; i < 20000; i++) {
        oct_buffer_append_string(&text, "1415926535");
    }
    oct_buffer_append_string(&text, "}");
    CHECK_INT("large", oct_json_read((struct oct_text){text.data, text.len}, &root), OCT_OK);
    CHECK_INT("large", json_object_size(root), 5001);
    CHECK_INT("large", json_integer_value(json_object_get(root, "key 4999")), 4999);
    CHECK("large", json_real_value(json_object_get(root, "pi")) > 3.14159);
    json_decref(root);
    oct_buffer_free(&text);
}

/* Members are found whether they stand where they are expected or not. */
static void test_members(void)
{
    static const char *const orders[] = {"abcd", "dcba", "acbd", "bd", "", "aabbdd", "xaydz"};
    json_t *root = NULL;
    CHECK_INT("members",
              oct_json_read(oct_text_of("{\"a\":97,\"b\":98,\"c\":99,\"d\":100}"), &root), OCT_OK);
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct oct_members members = oct_json_members(root);
        for (const char *at = orders[i]; *at != '\0'; at++) {
            char key[2] = {*at, '\0'};
            const json_t *value = oct_json_member(&members, key);
            CHECK_INT(orders[i], value == NULL ? 0 : json_integer_value(value),
                      *at > 'd' ? 0 : *at);
        }
    }
    json_decref(root);
    struct oct_members none = oct_json_members(NULL);
    CHECK("members of nothing", oct_json_member(&none, "a") == NULL);
}

static void test_writing(void)
{
    static const struct {
        const char *name;
        struct oct_text text;
        const char *want;
    } cases[] = {
        {"empty", {NULL, 0}, "\"\""},
        {"plain", {"abc", 3}, "\"abc\""},
        {"UTF-8 and DEL as they are", {"\xc3\xa4\x7f", 3}, "\"\xc3\xa4\x7f\""},
        {"quotes and backslashes", {"\"a\\", 3}, "\"\\\"a\\\\\""},
        {"controls with a name", {"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {"controls without one", {"\0\x1f/", 3}, "\"\\u0000\\u001f/\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_buffer out = {NULL, 0, 0, false};
        oct_json_append_string(&out, cases[i].text);
        CHECK_TEXT(cases[i].name, out.data, cases[i].want);
        oct_buffer_free(&out);
    }
}

int main(void)
{
    test_members();
    test_writing();
    test_good();
    test_bad();
    test_edges();
    test_locale();
    test_large();
    return check_report();
}
