/* JSON text into jansson's values: strict (RFC 8259), within limits, every allocation checked.
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

/* The compact form, to be freed with free() whatever allocator jansson was given by its host; NULL
 * when memory ran out. */
char *oct_json_write(const json_t *root);

#endif
