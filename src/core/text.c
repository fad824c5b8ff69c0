#include "core/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Through a volatile pointer, or the compiler would leave out a write that nobody reads. */
static void *(*const volatile overwrite)(void *, int, size_t) = memset;

void oct_wipe(void *memory, size_t size)
{
    if (size > 0) {
        overwrite(memory, 0, size);
    }
}

struct oct_text oct_text_of(const char *terminated)
{
    struct oct_text text = {terminated, terminated == NULL ? 0 : strlen(terminated)};
    return text;
}

bool oct_text_equal(struct oct_text a, struct oct_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static char lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
}

bool oct_text_equal_ignoring_case(struct oct_text a, struct oct_text b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

static bool reserve(struct oct_buffer *buffer, size_t extra)
{
    if (extra < buffer->capacity - buffer->len) { /* there is room for a NUL too */
        return true;
    }
    if (extra > (size_t)-1 / 4 || buffer->len > (size_t)-1 / 4) {
        return false;
    }
    size_t needed = buffer->len + extra + 1;
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity * 2;
    if (capacity < needed) {
        capacity = needed;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void oct_buffer_append(struct oct_buffer *buffer, const char *data, size_t len)
{
    if (buffer->failed) {
        return;
    }
    if (!reserve(buffer, len)) {
        buffer->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(buffer->data + buffer->len, data, len);
    }
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
}

void oct_buffer_append_string(struct oct_buffer *buffer, const char *terminated)
{
    oct_buffer_append(buffer, terminated, strlen(terminated));
}

void oct_buffer_clear(struct oct_buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

void oct_buffer_free(struct oct_buffer *buffer)
{
    struct oct_buffer empty = {NULL, 0, 0, false};
    free(buffer->data);
    *buffer = empty;
}

char *oct_buffer_take(struct oct_buffer *buffer)
{
    oct_buffer_append(buffer, "", 0);
    if (buffer->failed) {
        oct_buffer_free(buffer);
        return NULL;
    }
    struct oct_buffer empty = {NULL, 0, 0, false};
    char *data = buffer->data;
    *buffer = empty;
    return data;
}

/* The length of the sequence at p, which does not begin with ASCII; 0 when it is not UTF-8. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    static const unsigned long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0xC0 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len == 0 || p[0] > 0xF4 || len > left) {
        return 0;
    }
    unsigned long code = p[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = (code << 6) | (p[i] & 0x3Fu);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < smallest[len] || surrogate || code > 0x10FFFF ? 0 : len;
}

/* How many bytes of ASCII stand at p, counted in whole words: the rest is for the caller. */
static size_t ascii_words(const char *p, size_t left)
{
    uint64_t word;
    size_t at = 0;
    for (; left - at >= sizeof word; at += sizeof word) {
        memcpy(&word, p + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    return at;
}

bool oct_utf8_count(struct oct_text text, size_t *count)
{
    size_t found = ascii_words(text.data, text.len);
    for (size_t at = found; at < text.len; found++) {
        if ((unsigned char)text.data[at] < 0x80) {
            at++;
            continue;
        }
        size_t len = utf8_sequence((const unsigned char *)text.data + at, text.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    if (count != NULL) {
        *count = found;
    }
    return true;
}
