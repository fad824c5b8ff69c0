/* JSON text into jansson's values, strict (RFC 8259), within limits, every allocation checked; and
 * strings into JSON text.
 * May use: libc, jansson. Owns: nothing, the root is the caller's.
 * jansson's own parser does not notice that a token's buffer could not grow (2.14, lex_save): it
 * drops the byte, so that a fencing token could lose a digit, or runs past the end of a string. */
#ifndef OCT_JSON_H
#define OCT_JSON_H

#include "core/error.h"
#include "core/text.h"

#include <jansson.h>

/* OCT_FAILED when the text is not JSON, not UTF-8, larger or deeper than the limits, names a key
 * twice, or has an integer beyond 64 bits. A string may hold NUL, a key may not. */
enum oct_status oct_json_read(struct oct_text text, json_t **root);

/* The members of an object in the order in which a reader expects them: one that stands where it is
 * expected is found without a search. */
struct oct_members {
    json_t *object;
    void *next;
};

struct oct_members oct_json_members(const json_t *object);

/* NULL when the object has no such member, or is none. */
json_t *oct_json_member(struct oct_members *members, const char *key);

/* Appends the text as a JSON string with its quotes. */
void oct_json_append_string(struct oct_buffer *out, struct oct_text text);

#endif
