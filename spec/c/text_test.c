/* Unit tests of src/core/text.c: comparison, the growing buffer, UTF-8.
 * Uses: check.h, src/core.
 * Owner: every test frees what it makes. */
#include "core/text.h"

#include "check.h"

#include <stdlib.h>

static void test_equality(void)
{
    static const struct {
        const char *name;
        struct oct_text a, b;
        bool equal, ignoring_case;
    } cases[] = {
        {"both empty", {NULL, 0}, {"", 0}, true, true},
        {"same", {"ab", 2}, {"ab", 2}, true, true},
        {"other case", {"aB", 2}, {"Ab", 2}, false, true},
        {"prefix", {"ab", 2}, {"abc", 3}, false, false},
        {"NUL inside", {"a\0b", 3}, {"a\0c", 3}, false, false},
        {"around A-Z", {"@[", 2}, {"`{", 2}, false, false},
        {"non-ASCII has no case", {"\xC3\x84", 2}, {"\xC3\xA4", 2}, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_INT(cases[i].name, oct_text_equal(cases[i].a, cases[i].b), cases[i].equal);
        CHECK_INT(cases[i].name, oct_text_equal_ignoring_case(cases[i].a, cases[i].b),
                  cases[i].ignoring_case);
    }
    CHECK_INT("of NULL", oct_text_of(NULL).len, 0);
    CHECK_INT("of a string", oct_text_of("abc").len, 3);
}

static void test_buffer_grows(void)
{
    struct oct_buffer buffer = {NULL, 0, 0, false};
    for (int i = 0; i < 1000; i++) {
        oct_buffer_append(&buffer, "0123456789", (size_t)(i % 11));
    }
    CHECK("thousand appends", !buffer.failed);
    CHECK_INT("thousand appends", buffer.len, 4995);
    CHECK_INT("thousand appends", buffer.data[buffer.len], '\0');
    oct_buffer_clear(&buffer);
    CHECK_INT("cleared", buffer.len, 0);
    CHECK_TEXT("cleared", buffer.data, "");
    oct_buffer_append(&buffer, "a\0b", 3);
    CHECK("a NUL is a byte", buffer.len == 3 && memcmp(buffer.data, "a\0b", 4) == 0);
    oct_buffer_free(&buffer);
    CHECK("freed", buffer.data == NULL && buffer.len == 0 && buffer.capacity == 0);
}

static void test_buffer_take(void)
{
    struct oct_buffer buffer = {NULL, 0, 0, false};
    char *empty = oct_buffer_take(&buffer);
    CHECK_TEXT("nothing appended", empty, "");
    free(empty);
    oct_buffer_append_string(&buffer, "abc");
    char *text = oct_buffer_take(&buffer);
    CHECK_TEXT("taken", text, "abc");
    CHECK("the buffer is new again", buffer.data == NULL && buffer.len == 0);
    free(text);
}

static void test_buffer_refuses_what_cannot_be(void)
{
    struct oct_buffer buffer = {NULL, 0, 0, false};
    oct_buffer_append_string(&buffer, "abc");
    oct_buffer_append(&buffer, "x", (size_t)-1);
    CHECK("length of all memory", buffer.failed);
    oct_buffer_append_string(&buffer, "d");
    CHECK_INT("ignores what follows", buffer.len, 3);
    CHECK("take says so", oct_buffer_take(&buffer) == NULL);
    CHECK("and starts anew", !buffer.failed && buffer.data == NULL);
    buffer.failed = true;
    oct_buffer_clear(&buffer);
    CHECK("clear forgets the failure", !buffer.failed);
}

#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static void test_utf8(void)
{
    static const struct {
        const char *name;
        struct oct_text text;
        int count; /* -1: not UTF-8 */
    } cases[] = {
        {"empty", BYTES(""), 0},
        {"no data", {NULL, 0}, 0},
        {"ASCII with NUL", BYTES("a\0b"), 3},
        {"first of two bytes", BYTES("\xC2\x80"), 1},
        {"last of two bytes", BYTES("\xDF\xBF"), 1},
        {"first of three bytes", BYTES("\xE0\xA0\x80"), 1},
        {"before the surrogates", BYTES("\xED\x9F\xBF"), 1},
        {"after the surrogates", BYTES("\xEE\x80\x80"), 1},
        {"last of three bytes", BYTES("\xEF\xBF\xBF"), 1},
        {"first of four bytes", BYTES("\xF0\x90\x80\x80"), 1},
        {"U+10FFFF", BYTES("\xF4\x8F\xBF\xBF"), 1},
        {"mixed", BYTES("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), 5},
        {"U+110000", BYTES("\xF4\x90\x80\x80"), -1},
        {"F5", BYTES("\xF5\x80\x80\x80"), -1},
        {"FF", BYTES("\xFF"), -1},
        {"first surrogate", BYTES("\xED\xA0\x80"), -1},
        {"last surrogate", BYTES("\xED\xBF\xBF"), -1},
        {"overlong NUL", BYTES("\xC0\x80"), -1},
        {"overlong two", BYTES("\xC1\xBF"), -1},
        {"overlong three", BYTES("\xE0\x9F\xBF"), -1},
        {"overlong four", BYTES("\xF0\x8F\xBF\xBF"), -1},
        {"continuation alone", BYTES("\x80"), -1},
        {"cut after one of two", BYTES("a\xC3"), -1},
        {"cut after two of three", BYTES("\xE2\x82"), -1},
        {"cut after three of four", BYTES("\xF0\x9F\x98"), -1},
        {"start where a continuation should be", BYTES("\xE2\xC3\xA9"), -1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t count = 99;
        bool good = oct_utf8_count(cases[i].text, &count);
        CHECK_INT(cases[i].name, good ? (int)count : -1, cases[i].count);
        CHECK_INT(cases[i].name, oct_utf8_count(cases[i].text, NULL), good);
    }
}

int main(void)
{
    test_equality();
    test_buffer_grows();
    test_buffer_take();
    test_buffer_refuses_what_cannot_be();
    test_utf8();
    return check_report();
}
