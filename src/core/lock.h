/* One lock of a session: the gate that lets it in, its lease, and its end.
 * May use: core. Owns: a lock belongs to its session and is freed when its owner has dropped it,
 * its lease has surely ended and nothing of it is in flight. */
#ifndef OCT_LOCK_H
#define OCT_LOCK_H

#include "core/session.h"

/* ---- the gate ---- */

enum oct_claim {
    OCT_CLAIM_MADE,
    OCT_CLAIM_TAKEN, /* another lock of this name stands in the gate */
    OCT_CLAIM_OWN,   /* and it is held by the one who asks */
    OCT_CLAIM_OVER,  /* the session has ended */
    OCT_CLAIM_NO_MEMORY
};

struct oct_claim_options {
    const char *name;
    uint64_t owner;       /* 0 for nobody that could be recognised */
    int64_t first_ttl_ms; /* that the acquiring request asks for */
    int64_t budget_ms;    /* how long the owner may take to acquire it */
};

/* Asks for the gate of a name. */
enum oct_claim oct_lock_claim(struct oct_session *session, const struct oct_claim_options *options,
                              int64_t now_ms, struct oct_lock **out);

/* The lease was acquired. False when it grants nothing, since it came too late or is that of an
 * earlier lock: it is then released and the gate stays shut until that is confirmed. */
bool oct_lock_granted(struct oct_lock *lock, const char *lease_id,
                      const struct oct_lease_rules *rules, const struct oct_grant *grant);

/* It was not acquired. With `may_exist` a lease may have been granted all the same. */
void oct_lock_abandon(struct oct_lock *lock, int64_t now_ms, bool may_exist);

/* ---- a lock ---- */

/* How it has ended, if it has; of a granted lock only. */
enum oct_ending oct_lock_ending(struct oct_lock *lock, int64_t now_ms);
int64_t oct_lock_remaining_ms(struct oct_lock *lock, int64_t now_ms);

/* Its owner has renewed it, or has learnt that the lease is gone. */
bool oct_lock_renewed(struct oct_lock *lock, const struct oct_grant *grant);
void oct_lock_lost(struct oct_lock *lock, int64_t now_ms);

/* The outcome of its owner's renewal is unknown. */
void oct_lock_may_be_renewed(struct oct_lock *lock, int64_t now_ms);

/* Its owner releases it: for `hands_off_ms` nothing else does so. False when it had ended before.
 */
bool oct_lock_release(struct oct_lock *lock, int64_t now_ms, int64_t hands_off_ms);
void oct_lock_released(struct oct_lock *lock, int64_t now_ms, bool confirmed);

/* Its owner has forgotten it, whatever its state is. It is not used afterwards. */
void oct_lock_drop(struct oct_lock *lock, int64_t now_ms);

/* ---- for the session and the keeper ---- */

/* The next request of a lock: true when a job was started. */
bool oct_lock_step(struct oct_lock *lock, int64_t now_ms, double random);
void oct_lock_answered(struct oct_lock *lock, const struct oct_job_answer *answer, int64_t now_ms,
                       double random);

/* Its lease is surely gone: the gate opens. */
void oct_lock_close(struct oct_lock *lock);

/* Frees it when nobody needs it any more; its session may be due for that then. */
void oct_lock_reap(struct oct_lock *lock);

#endif
