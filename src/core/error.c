#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[OCT_KIND_COUNT] = {
    [OCT_LOCK_HELD] = "lock_held",
    [OCT_LOCK_DELAYED] = "lock_delayed",
    [OCT_LOCK_LOST] = "lock_lost",
    [OCT_AUTHENTICATION] = "authentication",
    [OCT_FORBIDDEN] = "forbidden",
    [OCT_LIMIT] = "limit",
    [OCT_CONFLICT] = "conflict",
    [OCT_NOT_FOUND] = "not_found",
    [OCT_SESSION_EXPIRED] = "session_expired",
    [OCT_RATE_LIMITED] = "rate_limited",
    [OCT_VALIDATION] = "validation",
    [OCT_NETWORK] = "network",
    [OCT_TIMEOUT] = "timeout",
    [OCT_CANCELLED] = "cancelled",
    [OCT_PROTOCOL] = "protocol",
    [OCT_SERVER] = "server",
};

const char *oct_kind_name(enum oct_kind kind)
{
    return kind_names[kind];
}

bool oct_kind_find(const char *name, enum oct_kind *kind)
{
    for (int i = 0; i < OCT_KIND_COUNT; i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *kind = (enum oct_kind)i;
            return true;
        }
    }
    return false;
}

const char *oct_outcome_name(enum oct_outcome outcome)
{
    return outcome == OCT_OUTCOME_NONE ? "none" : "unknown";
}

/* The length of `text` cut to `max` bytes without splitting a UTF-8 sequence. */
static size_t cut_length(const char *text, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }
    size_t cut = max;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80) {
        cut--;
    }
    return cut;
}

/* U+0080 to U+009F are control characters too, and terminals obey them: C2 80 to C2 9F. */
static bool is_c1_control(const unsigned char *bytes, size_t len, size_t at)
{
    bool first = bytes[at] == 0xC2 && at + 1 < len && bytes[at + 1] < 0xA0;
    bool second = bytes[at] < 0xA0 && at > 0 && bytes[at - 1] == 0xC2;
    return first || second;
}

void oct_error_printable(struct oct_text text, char *out, size_t size)
{
    size_t len = cut_length(text.data, text.len, size - 1);
    const unsigned char *bytes = (const unsigned char *)text.data;
    bool utf8 = oct_utf8_count((struct oct_text){text.data, len}, NULL);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = bytes[i];
        bool control = c < 0x20 || c == 0x7F || is_c1_control(bytes, len, i);
        out[i] = control || (c >= 0x80 && !utf8) ? '?' : text.data[i];
    }
    out[len] = '\0';
}

void oct_error_set(struct oct_error *error, enum oct_kind kind, const char *code,
                   const char *format, ...)
{
    char text[2 * OCT_MESSAGE_BYTES];
    va_list arguments;

    memset(error, 0, sizeof *error);
    error->kind = kind;
    error->outcome = OCT_OUTCOME_NONE;
    error->retry_after_ms = -1;
    snprintf(error->code, sizeof error->code, "%s", code);
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    oct_error_printable(oct_text_of(text), error->message, sizeof error->message);
}

static bool passes_by_itself(enum oct_kind kind)
{
    switch (kind) {
    case OCT_LOCK_HELD:
    case OCT_LOCK_DELAYED:
    case OCT_LIMIT:
    case OCT_RATE_LIMITED:
    case OCT_NETWORK:
    case OCT_TIMEOUT:
    case OCT_SERVER:
        return true;
    default:
        return false;
    }
}

/* A server that answers with one of these has refused the call, not half done it. */
static bool is_refusal(enum oct_kind kind)
{
    return kind != OCT_NETWORK && kind != OCT_TIMEOUT && kind != OCT_CANCELLED &&
           kind != OCT_PROTOCOL && kind != OCT_SERVER;
}

static bool may_repeat(enum oct_repeat repeat, enum oct_outcome outcome)
{
    return repeat == OCT_REPEAT_SAFE ||
           (repeat == OCT_REPEAT_UNSENT && outcome == OCT_OUTCOME_NONE);
}

void oct_error_judge(struct oct_error *error, const struct oct_operation *operation, bool sent)
{
    bool no_effect = !sent || !oct_operation_has_effect(operation) || is_refusal(error->kind);
    error->outcome = no_effect ? OCT_OUTCOME_NONE : OCT_OUTCOME_UNKNOWN;
    error->retryable =
        passes_by_itself(error->kind) && may_repeat(operation->repeat, error->outcome);
}
