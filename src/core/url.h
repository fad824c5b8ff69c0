/* The base URL and what is appended to it.
 * May use: libc. Owns: an oct_base_url owns its text until oct_base_url_free. */
#ifndef OCT_URL_H
#define OCT_URL_H

#include "core/error.h"
#include "core/text.h"

struct oct_base_url {
    char *text;        /* normalised: scheme and host in lower case, no slash at the end */
    size_t origin_len; /* scheme://host:port is the first part of text, a path prefix the rest */
    bool secure;       /* https */
    bool loopback;     /* localhost, 127.0.0.0/8 or [::1], written out */
};

/* Accepts scheme://host[:port][/prefix] with scheme http or https; refuses credentials, a query,
 * a fragment, spaces and host names beyond ASCII. */
enum oct_status oct_base_url_parse(struct oct_text text, struct oct_base_url *out,
                                   struct oct_error *error);
void oct_base_url_free(struct oct_base_url *url);

/* Appends every byte but the unreserved ones (RFC 3986: letters, digits, '-', '.', '_', '~') as
 * %XX, so that '/' within a lock name stays one path segment. */
void oct_percent_encode(struct oct_buffer *out, struct oct_text text);

#endif
