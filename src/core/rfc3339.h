/* RFC 3339 times, as the server writes them: "2026-11-23T06:06:57.321891876Z" or "...+00:00".
 * May use: libc. Owns: nothing; no clock is read here. */
#ifndef OCT_RFC3339_H
#define OCT_RFC3339_H

#include "core/text.h"

#include <stdint.h>

struct oct_time {
    int64_t seconds;     /* since 1970-01-01T00:00:00Z */
    int32_t nanoseconds; /* 0 to 999999999 */
};

/* False when the text is not a date-time of RFC 3339 section 5.6. Digits of the fraction beyond
 * the ninth are dropped; a leap second (":60") counts as the first second after it. */
bool oct_rfc3339_parse(struct oct_text text, struct oct_time *out);

#endif
