#include "core/retry.h"

static int64_t ceiling_ms(const struct oct_retry_policy *policy, int attempt)
{
    int64_t ceiling = policy->base_ms;
    for (int i = 1; i < attempt && ceiling > 0 && ceiling < policy->cap_ms; i++) {
        ceiling = ceiling > policy->cap_ms / 2 ? policy->cap_ms : ceiling * 2;
    }
    return ceiling < policy->cap_ms ? ceiling : policy->cap_ms;
}

int64_t oct_retry_delay_ms(const struct oct_retry_policy *policy, int attempt, int64_t hint_ms,
                           double random)
{
    int64_t jitter = (int64_t)((double)ceiling_ms(policy, attempt) * random);
    if (hint_ms <= 0) {
        return jitter;
    }
    return hint_ms > INT64_MAX - jitter ? INT64_MAX : hint_ms + jitter;
}
