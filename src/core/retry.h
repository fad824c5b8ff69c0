/* How long to wait before a call is repeated: exponential backoff with full jitter.
 * May use: nothing; pure, time and randomness come in as numbers. Owns: nothing. */
#ifndef OCT_RETRY_H
#define OCT_RETRY_H

#include <stdint.h>

struct oct_retry_policy {
    int64_t base_ms; /* upper bound of the first delay */
    int64_t cap_ms;  /* upper bound of every delay that no hint asks for */
};

/* The delay before attempt `attempt` + 1, where `attempt` counts from 1. `hint_ms` is what the
 * server asked for (Retry-After or retry_after_ms), negative for none: a hint is never undercut,
 * jitter is added to it so that those who got the same hint do not come back together.
 * `random` lies in [0, 1). */
int64_t oct_retry_delay_ms(const struct oct_retry_policy *policy, int attempt, int64_t hint_ms,
                           double random);

#endif
