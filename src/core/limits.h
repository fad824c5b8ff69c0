/* Limits on what the core accepts, in one place.
 * May use: nothing. Owns: nothing.
 * A server's answer beyond one of these is a protocol error, never a crash. */
#ifndef OCT_LIMITS_H
#define OCT_LIMITS_H

#define OCT_MAX_BODY_BYTES (1024u * 1024u)
#define OCT_MAX_HEADER_BYTES (64u * 1024u)
#define OCT_MAX_JSON_DEPTH 32u

#define OCT_MAX_URL_BYTES 2048u
#define OCT_MAX_TOKEN_BYTES 4096u

#endif
