#include "core/lease.h"

#include "core/retry.h"

#include <stddef.h>

enum {
    JITTER_PERCENT = 10,
    RENEWAL_FLOOR_MS = 1000, /* between an answer and the next renewal, whatever the server hints */
    RETRY_FLOOR_MS = 50,
    MIN_REQUEST_MS = 250
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

const char *oct_ending_name(enum oct_ending ending)
{
    static const char *const names[] = {"held",    "lost",   "uncertain", "released",
                                        "session", "forked", "max_hold"};
    return names[ending];
}

int64_t oct_lease_margin_ms(int64_t ttl_ms, int64_t least_ms)
{
    int64_t part_ms = (ttl_ms * OCT_LEASE_MARGIN_PERCENT + 99) / 100;
    return most(most(part_ms, OCT_LEASE_MIN_MARGIN_MS), least_ms);
}

/* ---- grants ---- */

static int64_t authority_ms(const struct oct_lease *lease, const struct oct_grant *grant)
{
    return grant->ttl_ms - oct_lease_margin_ms(grant->ttl_ms, lease->rules.margin_ms);
}

/* Earlier than the server asks for, so that those who were granted leases together do not come back
 * together; but not sooner than a floor, or a hint of 0 would be a storm. */
static void plan_renewal(struct oct_lease *lease, const struct oct_grant *grant)
{
    int64_t left_ms = lease->deadline_ms - grant->answered_ms;
    int64_t wanted_ms = least(grant->ttl_ms / 2, left_ms * 2 / 3);
    if (grant->hint_ms >= 0) {
        wanted_ms = least(wanted_ms, grant->hint_ms);
    }
    wanted_ms -= (int64_t)((double)wanted_ms * JITTER_PERCENT / 100 * grant->random);
    int64_t floor_ms = least(RENEWAL_FLOOR_MS, left_ms / 4);
    lease->renew_at_ms = grant->answered_ms + most(wanted_ms, floor_ms);
}

void oct_lease_may_last(struct oct_lease *lease, int64_t end_ms)
{
    lease->server_end_ms = most(lease->server_end_ms, end_ms);
}

void oct_lease_begin(struct oct_lease *lease, const struct oct_lease_rules *rules,
                     const struct oct_grant *grant, const struct oct_lease *session)
{
    struct oct_lease fresh = {0};
    *lease = fresh;
    lease->rules = *rules;
    lease->session = session;
    lease->max_hold_at_ms =
        rules->max_hold_ms > 0 ? grant->sent_ms + rules->max_hold_ms : INT64_MAX;
    lease->deadline_ms = grant->sent_ms + authority_ms(lease, grant);
    oct_lease_may_last(lease, grant->answered_ms + grant->ttl_ms);
    plan_renewal(lease, grant);
    oct_lease_ending(lease, grant->answered_ms);
}

bool oct_lease_renewed(struct oct_lease *lease, const struct oct_grant *grant)
{
    lease->renewing = false;
    oct_lease_may_last(lease, grant->answered_ms + grant->ttl_ms);
    if (oct_lease_ending(lease, grant->answered_ms) != OCT_LEASE_HELD) {
        return false;
    }
    lease->deadline_ms = most(lease->deadline_ms, grant->sent_ms + authority_ms(lease, grant));
    lease->attempts = 0;
    plan_renewal(lease, grant);
    return true;
}

/* ---- the end ---- */

/* How the end of its session ends a lease. */
static enum oct_ending inherited(enum oct_ending of_session)
{
    return of_session == OCT_LEASE_LOST ? OCT_LEASE_SESSION : of_session;
}

/* Its own deadline or its session's, whichever is earlier. */
static int64_t deadline_of(const struct oct_lease *lease)
{
    if (lease->session == NULL) {
        return lease->deadline_ms;
    }
    return least(lease->deadline_ms, lease->session->deadline_ms);
}

/* Of the moments that have passed the earliest one decides: a lease that ran out before its session
 * was lost was uncertain by then. A session that has ended is asked last, since nothing tells when.
 */
enum oct_ending oct_lease_ending(struct oct_lease *lease, int64_t now_ms)
{
    int64_t deadline_ms = deadline_of(lease);
    if (lease->ending != OCT_LEASE_HELD) {
        return lease->ending;
    }
    if (now_ms >= lease->max_hold_at_ms && lease->max_hold_at_ms <= deadline_ms) {
        lease->ending = OCT_LEASE_MAX_HOLD;
    } else if (now_ms >= deadline_ms) {
        lease->ending = OCT_LEASE_UNCERTAIN;
    } else if (lease->session != NULL) {
        lease->ending = inherited(lease->session->ending);
    }
    return lease->ending;
}

int64_t oct_lease_remaining_ms(struct oct_lease *lease, int64_t now_ms)
{
    if (oct_lease_ending(lease, now_ms) != OCT_LEASE_HELD) {
        return 0;
    }
    return least(deadline_of(lease), lease->max_hold_at_ms) - now_ms;
}

bool oct_lease_end(struct oct_lease *lease, int64_t now_ms, enum oct_ending reason)
{
    if (oct_lease_ending(lease, now_ms) != OCT_LEASE_HELD) {
        return false;
    }
    lease->ending = reason;
    return true;
}

bool oct_lease_report(struct oct_lease *lease, int64_t now_ms)
{
    if (lease->reported || oct_lease_ending(lease, now_ms) == OCT_LEASE_HELD) {
        return false;
    }
    lease->reported = true;
    return true;
}

/* ---- renewals ---- */

/* One that would come at the deadline is of no use, nor one after the end that was planned. */
static bool is_planned(const struct oct_lease *lease)
{
    return !lease->renewing &&
           lease->renew_at_ms < least(deadline_of(lease), lease->max_hold_at_ms);
}

int64_t oct_lease_wake_ms(struct oct_lease *lease, int64_t now_ms)
{
    if (oct_lease_ending(lease, now_ms) != OCT_LEASE_HELD) {
        return INT64_MAX;
    }
    int64_t end_ms = least(deadline_of(lease), lease->max_hold_at_ms);
    return is_planned(lease) ? lease->renew_at_ms : end_ms;
}

bool oct_lease_is_due(struct oct_lease *lease, int64_t now_ms)
{
    return oct_lease_ending(lease, now_ms) == OCT_LEASE_HELD && is_planned(lease) &&
           now_ms >= lease->renew_at_ms;
}

int64_t oct_lease_renewal_sent(struct oct_lease *lease, int64_t now_ms)
{
    int64_t left_ms = oct_lease_remaining_ms(lease, now_ms);
    lease->renewing = true;
    return most(1, most(left_ms / 3, least(left_ms, MIN_REQUEST_MS)));
}

void oct_lease_renewal_failed(struct oct_lease *lease, int64_t now_ms, int64_t retry_after_ms,
                              bool may_have_landed, double random)
{
    static const struct oct_retry_policy policy = {200, 5000};
    lease->renewing = false;
    if (may_have_landed) {
        oct_lease_may_last(lease, now_ms + lease->rules.ttl_ms);
    }
    int64_t left_ms = oct_lease_remaining_ms(lease, now_ms);
    if (left_ms == 0) {
        return;
    }
    lease->attempts++;
    int64_t hint_ms = least(retry_after_ms, left_ms);
    int64_t delay_ms = oct_retry_delay_ms(&policy, lease->attempts, hint_ms, random);
    lease->renew_at_ms = now_ms + most(RETRY_FLOOR_MS, least(delay_ms, left_ms / 2));
}
