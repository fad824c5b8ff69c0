/* A lease as its owner may count on it: a pure state machine. A lock's lease is one, and so is a
 * session, whose keepalive is a renewal.
 * May use: core/retry.h. Owns: nothing. Time comes in as milliseconds of a clock that counts
 * suspend, randomness as a number in [0, 1).
 *
 * Authority is a local deadline: it starts when the request was sent, lasts the TTL less a margin,
 * and nothing that the server says later lengthens one that has passed. A lease ends once, for one
 * reason, and stays ended. What the server still believes is kept apart: oct_lease_server_end_ms.
 */
#ifndef OCT_LEASE_H
#define OCT_LEASE_H

#include <stdbool.h>
#include <stdint.h>

enum oct_ending {
    OCT_LEASE_HELD,      /* it has not ended */
    OCT_LEASE_LOST,      /* the server proved that it is gone */
    OCT_LEASE_UNCERTAIN, /* its deadline, or its session's, passed unrenewed */
    OCT_LEASE_RELEASED,  /* given up by its owner */
    OCT_LEASE_SESSION,   /* its session is proved gone */
    OCT_LEASE_FORKED,    /* this is a child of the process that holds it */
    OCT_LEASE_MAX_HOLD   /* it was held for as long as its owner allowed */
};

/* "held", "lost", "uncertain", "released", "session", "forked", "max_hold" */
const char *oct_ending_name(enum oct_ending ending);

enum { OCT_LEASE_MIN_MARGIN_MS = 500, OCT_LEASE_MARGIN_PERCENT = 20 };

struct oct_lease_rules {
    int64_t ttl_ms;      /* what each renewal asks for, more than 0 */
    int64_t margin_ms;   /* the least part of a TTL that is not used, beyond max(20 %, 0.5 s) of it;
                            0 for no more than that */
    int64_t max_hold_ms; /* from the request that acquired it; 0 for no bound */
};

/* What an answer granted. */
struct oct_grant {
    int64_t sent_ms;     /* before the request was sent */
    int64_t answered_ms; /* when the answer was there */
    int64_t ttl_ms;      /* what the request had asked for */
    int64_t hint_ms; /* when the server would like a renewal, after the answer; -1 for nothing */
    double random;
};

struct oct_lease {
    struct oct_lease_rules rules;
    const struct oct_lease *session; /* its deadline and end bound this one's; NULL for none */
    enum oct_ending ending;
    int64_t deadline_ms;    /* of the authority: own, without the session's */
    int64_t max_hold_at_ms; /* INT64_MAX for never */
    int64_t renew_at_ms;    /* when the next renewal, or the next try, is due */
    int64_t server_end_ms;  /* the latest moment at which the server can still count it */
    int attempts;           /* renewals that failed in a row */
    bool renewing;          /* a renewal is in flight */
    bool reported;
};

/* The margin that a TTL leaves unused: max(20 %, 0.5 s), or `least_ms` when that is more. */
int64_t oct_lease_margin_ms(int64_t ttl_ms, int64_t least_ms);

/* Starts a lease from the answer that acquired it. An answer that came after the deadline grants
 * nothing: the lease begins ended, uncertain. `session` must outlive the lease, or be NULL. */
void oct_lease_begin(struct oct_lease *lease, const struct oct_lease_rules *rules,
                     const struct oct_grant *grant, const struct oct_lease *session);

/* Takes note of the time (and of the session's end): answers how the lease has ended, if it has. */
enum oct_ending oct_lease_ending(struct oct_lease *lease, int64_t now_ms);

/* Authority that is left, its session's considered; 0 when it has ended. */
int64_t oct_lease_remaining_ms(struct oct_lease *lease, int64_t now_ms);

/* Ends the lease for this reason; false, and nothing changes, when it had ended before. */
bool oct_lease_end(struct oct_lease *lease, int64_t now_ms, enum oct_ending reason);

/* True exactly once, after it has ended: whoever is told reports it. */
bool oct_lease_report(struct oct_lease *lease, int64_t now_ms);

/* When oct_lease_ending or oct_lease_is_due may next say something new; INT64_MAX when it has
 * ended. */
int64_t oct_lease_wake_ms(struct oct_lease *lease, int64_t now_ms);

/* Whether a renewal should be sent now. */
bool oct_lease_is_due(struct oct_lease *lease, int64_t now_ms);

/* A renewal goes out now. Answers how long it may take, more than 0: short enough for another try
 * before the deadline while there is time for one. */
int64_t oct_lease_renewal_sent(struct oct_lease *lease, int64_t now_ms);

/* The server may count the lease until then, by a renewal of unknown outcome. */
void oct_lease_may_last(struct oct_lease *lease, int64_t end_ms);

/* The renewal was answered; no renewal may ask for less than the grant before it, since the
 * server's renew shortens a lease where an answer here never does. True when it moved the deadline
 * or left it standing; false, and the authority is unchanged, when the lease has ended meanwhile.
 * What the server believes is noted in both cases. */
bool oct_lease_renewed(struct oct_lease *lease, const struct oct_grant *grant);

/* The renewal failed without proof of the lease's end: another try is planned inside the time that
 * is left. `retry_after_ms` is the server's hint, -1 for none. `may_have_landed`: the server may
 * have renewed it all the same. */
void oct_lease_renewal_failed(struct oct_lease *lease, int64_t now_ms, int64_t retry_after_ms,
                              bool may_have_landed, double random);

#endif
