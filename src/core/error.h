/* Errors: one fixed-size value with kind, code and what is known of the call's effect.
 * May use: libc. Owns: nothing, an oct_error holds no pointers.
 * A message never contains a token, a lease id, a leader token or a webhook secret. */
#ifndef OCT_ERROR_H
#define OCT_ERROR_H

#include "core/operation.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

enum oct_kind {
    OCT_LOCK_HELD,
    OCT_LOCK_DELAYED,
    OCT_LOCK_LOST,
    OCT_AUTHENTICATION,
    OCT_FORBIDDEN,
    OCT_LIMIT,
    OCT_CONFLICT,
    OCT_NOT_FOUND,
    OCT_SESSION_EXPIRED,
    OCT_RATE_LIMITED,
    OCT_VALIDATION,
    OCT_NETWORK,
    OCT_TIMEOUT,
    OCT_CANCELLED,
    OCT_PROTOCOL,
    OCT_SERVER,
    OCT_KIND_COUNT
};

/* Did the call take effect on the server? */
enum oct_outcome { OCT_OUTCOME_NONE, OCT_OUTCOME_UNKNOWN };

/* What a function of the core that can fail returns. */
enum oct_status {
    OCT_OK,
    OCT_FAILED,   /* the oct_error says why */
    OCT_NO_MEMORY /* nothing was changed, the oct_error is not filled */
};

enum { OCT_MESSAGE_BYTES = 320, OCT_CODE_BYTES = 48, OCT_REQUEST_ID_BYTES = 80 };

struct oct_error {
    enum oct_kind kind;
    enum oct_outcome outcome;
    bool retryable;            /* the same call may succeed later, and repeating it does no harm */
    bool wrong_type;           /* the argument's type is wrong: a caller's bug, which Lua raises */
    int status;                /* HTTP status, 0 when there was no answer */
    int64_t retry_after_ms;    /* what the server asked for, -1 for nothing */
    const char *argument;      /* the parameter that broke a rule (constant), or NULL */
    char code[OCT_CODE_BYTES]; /* the server's, or ours; never empty */
    char message[OCT_MESSAGE_BYTES];
    char request_id[OCT_REQUEST_ID_BYTES]; /* "" when unknown */
};

const char *oct_kind_name(enum oct_kind kind);
bool oct_kind_find(const char *name, enum oct_kind *kind);
const char *oct_outcome_name(enum oct_outcome outcome);

/* Fills an error that arose before anything was sent. The message is printf-formatted and cut at
 * OCT_MESSAGE_BYTES on a code point's edge. */
void oct_error_set(struct oct_error *error, enum oct_kind kind, const char *code,
                   const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/* Sets outcome and retryable for a failed exchange: `sent` says whether any byte of the request
 * may have reached the server. */
void oct_error_judge(struct oct_error *error, const struct oct_operation *operation, bool sent);

/* Writes `text` with control characters and broken UTF-8 as '?', cut to fit; out ends with NUL. */
void oct_error_printable(struct oct_text text, char *out, size_t size);

#endif
