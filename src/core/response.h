/* Answers: checks one against the operation's variants and gives a typed result or an error.
 * May use: libc, jansson. Owns: an oct_result owns its JSON until oct_result_free. */
#ifndef OCT_RESPONSE_H
#define OCT_RESPONSE_H

#include "core/error.h"
#include "core/request.h"

#include <jansson.h>
#include <stdint.h>

/* What came back, borrowed from the transport or the driver. */
struct oct_response {
    int status;
    struct oct_text body;
    struct oct_text request_id;  /* X-Request-Id, may be empty */
    struct oct_text retry_after; /* Retry-After, may be empty */
};

/* A checked answer: every field of the variant's shape has its type, required ones are there. */
struct oct_result {
    const struct oct_variant *variant;
    json_t *root; /* NULL when the variant has no body */
};

/* OCT_OK with a result; or OCT_FAILED with an error, and for a lock that is held or delayed with
 * that answer's fields in the result as well (free it in both cases). */
enum oct_status oct_response_parse(const struct oct_request *request,
                                   const struct oct_response *response, struct oct_result *result,
                                   struct oct_error *error);
void oct_result_free(struct oct_result *result);

/* Fields of a result's object by their wire name; empty or -1 when the field is not there. */
struct oct_text oct_result_text(const struct oct_result *result, const char *wire);
int64_t oct_result_integer(const struct oct_result *result, const char *wire);

/* An answer that could not be taken at all: too large, not HTTP. */
void oct_response_refuse(const struct oct_request *request, const struct oct_response *response,
                         const char *why, struct oct_error *error);

#endif
