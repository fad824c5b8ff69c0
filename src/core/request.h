/* Requests, built from the operations table: URL, body and which credential goes along.
 * May use: libc. Owns: an oct_request owns its text until oct_request_free; it keeps no
 * pointer to the arguments it was built from. */
#ifndef OCT_REQUEST_H
#define OCT_REQUEST_H

#include "core/error.h"
#include "core/operation.h"
#include "core/url.h"
#include "core/validate.h"

struct oct_request {
    const struct oct_operation *operation;
    const char *url;    /* absolute; never holds a credential */
    size_t path_offset; /* where path and query start within url */
    const char *body;   /* NULL when the request has none */
    size_t body_len;
    const char *credential; /* bearer token or admin key; NULL when the route needs none */
    const char *echo;       /* what the answer must repeat; NULL when there is nothing to compare */
    const char *secrets;    /* arguments that no error may repeat, each ended by a NUL */
    size_t secrets_len;
    char *block; /* holds all of the above */
    size_t block_len;
};

/* What the credentials of a client are and where they may go. */
struct oct_credentials {
    struct oct_text token;     /* empty when there is none */
    struct oct_text admin_key; /* likewise */
    bool allow_insecure_http;  /* send them over cleartext http to hosts beyond loopback */
};

/* Checks the arguments and builds the request. A credential is attached only to a route that
 * needs one, and refused over cleartext http beyond loopback unless allowed. */
enum oct_status oct_request_build(const struct oct_base_url *base,
                                  const struct oct_credentials *credentials,
                                  const struct oct_operation *operation,
                                  const struct oct_arguments *arguments, struct oct_request *out,
                                  struct oct_error *error);
void oct_request_free(struct oct_request *request);

/* A second request of the same text; false when memory ran out. */
bool oct_request_copy(const struct oct_request *request, struct oct_request *out);

/* True when credentials may go to this base URL. */
bool oct_may_carry_credentials(const struct oct_base_url *base,
                               const struct oct_credentials *credentials);

#endif
