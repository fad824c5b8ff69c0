/* Unit tests of src/core/sse.c: each stream whole, byte by byte, and with something behind it.
 * Uses: check.h. Owner: each test frees its reader. */
#include "core/sse.h"

#include "check.h"

#include <stdlib.h>

static char seen[4096];

static void note(void *context, struct oct_text data)
{
    (void)context;
    strcat(seen, "[");
    strncat(seen, data.data, data.len);
    strcat(seen, "]");
}

static void read_in_steps(const char *stream, size_t step)
{
    struct oct_sse sse = {0};
    size_t len = strlen(stream);
    seen[0] = '\0';
    for (size_t at = 0; at < len; at += step) {
        size_t left = len - at < step ? len - at : step;
        oct_sse_read(&sse, (struct oct_text){stream + at, left}, note, NULL);
    }
    oct_sse_free(&sse);
}

struct stream {
    const char *name;
    const char *text;
    const char *events;
};

static const struct stream streams[] = {
    {"nothing", "", ""},
    {"one", "data: {\"event\":\"released\"}\n\n", "[{\"event\":\"released\"}]"},
    {"two", "data: a\n\ndata: b\n\n", "[a][b]"},
    {"no space", "data:a\n\n", "[a]"},
    {"one space goes, the other stays", "data:  a\n\n", "[ a]"},
    {"several lines", "data: a\ndata: b\n\n", "[a\nb]"},
    {"carriage returns and newlines", "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
    {"carriage returns alone", "data: a\r\rdata: b\r\r", "[a][b]"},
    {"other fields and comments", ": hello\nevent: state\nid: 7\nretry: 1000\ndata: a\n\n", "[a]"},
    {"an event without data", "event: state\n\n", ""},
    {"empty data", "data:\n\n", "[]"},
    {"an event that is not over", "data: a\n\ndata: b\n", "[a]"},
    {"a field that only begins so", "database: a\n\n", ""},
};

static void test_streams(void)
{
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        for (size_t step = 1; step < 12; step++) {
            read_in_steps(streams[i].text, step);
            CHECK_TEXT(streams[i].name, seen, streams[i].events);
        }
        read_in_steps(streams[i].text, 1000);
        CHECK_TEXT(streams[i].name, seen, streams[i].events);
    }
}

/* What is too long is dropped, and what comes behind it is not. */
static void test_limit(void)
{
    size_t len = 2 * OCT_SSE_MAX_BYTES;
    char *text = malloc(len + 64);
    if (text == NULL) {
        CHECK("memory", false);
        return;
    }
    memset(text, 'x', len);
    memcpy(text, "data: ", 6);
    strcpy(text + len, "\n\ndata: a\n\n");
    read_in_steps(text, 1000);
    CHECK_TEXT("one line", seen, "[a]");
    for (size_t at = 10; at + 20 < len; at += 100) {
        memcpy(text + at, "\ndata: ", 7);
    }
    read_in_steps(text, 1000);
    CHECK_TEXT("many lines", seen, "[a]");
    free(text);
}

int main(void)
{
    test_streams();
    test_limit();
    return check_report();
}
