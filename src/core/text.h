/* Text that is not NUL-terminated, a growing buffer, and UTF-8.
 * May use: libc. Owns: an oct_buffer owns its bytes until oct_buffer_free or oct_buffer_take. */
#ifndef OCT_TEXT_H
#define OCT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A borrowed run of bytes; data may be NULL when len is 0. */
struct oct_text {
    const char *data;
    size_t len;
};

struct oct_text oct_text_of(const char *terminated);
bool oct_text_equal(struct oct_text a, struct oct_text b);
bool oct_text_equal_ignoring_case(struct oct_text a, struct oct_text b);

/* Overwrites a secret before its memory is given back: what is freed shows up in core dumps and in
 * swap. `memory` may be NULL when size is 0. */
void oct_wipe(void *memory, size_t size);

/* A buffer that stays valid after an allocation failure: it remembers it in `failed` and ignores
 * every further append, so that a builder checks once at its end. Zero-initialise it. */
struct oct_buffer {
    char *data;
    size_t len;
    size_t capacity;
    bool failed;
};

void oct_buffer_append(struct oct_buffer *buffer, const char *data, size_t len);
void oct_buffer_append_string(struct oct_buffer *buffer, const char *terminated);
void oct_buffer_clear(struct oct_buffer *buffer);
void oct_buffer_free(struct oct_buffer *buffer);

/* Hands the NUL-terminated bytes to the caller, who frees them; NULL when an append failed. */
char *oct_buffer_take(struct oct_buffer *buffer);

/* Counts code points; false when the bytes are not UTF-8 (RFC 3629: no surrogates, no overlong
 * forms, nothing above U+10FFFF). `count` may be NULL. */
bool oct_utf8_count(struct oct_text text, size_t *count);

#endif
