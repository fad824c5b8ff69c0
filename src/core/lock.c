#include "core/lock.h"

#include <stdlib.h>
#include <string.h>

/* The TTL of a settling acquire: if there was no lease to be found this one is soon gone. */
enum { REQUEST_TIMEOUT_MS = 10000, SETTLE_TTL_MS = 1000 };

static bool is_token_scope(const struct oct_lock *lock)
{
    return lock->session->id[0] == '\0';
}

/* ---- when to be woken ---- */

static int64_t wake_of(struct oct_lock *lock, int64_t now_ms)
{
    int64_t next_ms = lock->job.next_try_ms;
    switch (lock->state) {
    case OCT_LOCK_OPEN:
        return oct_lease_wake_ms(&lock->lease, now_ms);
    case OCT_LOCK_CLAIMED:
    case OCT_LOCK_GIVING:
        return lock->until_ms;
    case OCT_LOCK_ENDING:
    case OCT_LOCK_SETTLING:
        return lock->job.in_flight || next_ms > lock->until_ms ? lock->until_ms : next_ms;
    case OCT_LOCK_CLOSED:
        break;
    }
    return INT64_MAX;
}

static void reschedule(struct oct_lock *lock, int64_t now_ms)
{
    oct_schedule_set(&lock->session->registry->schedule, &lock->job.task, wake_of(lock, now_ms));
}

static void enter(struct oct_lock *lock, enum oct_lock_state state, int64_t until_ms,
                  int64_t now_ms)
{
    lock->state = state;
    lock->until_ms = until_ms;
    lock->job.next_try_ms = now_ms;
    lock->job.attempts = 0;
    reschedule(lock, now_ms);
}

static void enter_ending(struct oct_lock *lock, int64_t now_ms)
{
    enter(lock, OCT_LOCK_ENDING, lock->lease.server_end_ms + OCT_ALLOWANCE_MS, now_ms);
}

/* ---- the gate ---- */

static const struct oct_lock *find(const struct oct_session *session, const char *name)
{
    const struct oct_lock *lock = session->locks;
    while (lock != NULL && strcmp(lock->name, name) != 0) {
        lock = lock->next;
    }
    return lock;
}

static enum oct_claim refusal(const struct oct_lock *other, uint64_t owner)
{
    bool own = owner != 0 && other->owner == owner && other->state == OCT_LOCK_OPEN;
    return own ? OCT_CLAIM_OWN : OCT_CLAIM_TAKEN;
}

static struct oct_lock *make(struct oct_session *session, const char *name)
{
    size_t size = strlen(name) + 1;
    struct oct_lock *lock = calloc(1, sizeof *lock + size);
    if (lock == NULL || !oct_schedule_join(&session->registry->schedule, &lock->job.task)) {
        free(lock);
        return NULL;
    }
    memcpy(lock->name, name, size);
    lock->job.account = oct_account_use(session->job.account);
    lock->session = session;
    lock->next = session->locks;
    session->locks = lock;
    session->users++;
    return lock;
}

enum oct_claim oct_lock_claim(struct oct_session *session, const struct oct_claim_options *options,
                              int64_t now_ms, struct oct_lock **out)
{
    *out = NULL;
    if (oct_session_ending(session, now_ms) != OCT_LEASE_HELD) {
        return OCT_CLAIM_OVER;
    }
    const struct oct_lock *other = find(session, options->name);
    if (other != NULL) {
        return refusal(other, options->owner);
    }
    struct oct_lock *lock = make(session, options->name);
    if (lock == NULL) {
        return OCT_CLAIM_NO_MEMORY;
    }
    lock->owner = options->owner;
    lock->first_ttl_ms = options->first_ttl_ms;
    enter(lock, OCT_LOCK_CLAIMED, now_ms + options->budget_ms, now_ms);
    *out = lock;
    return OCT_CLAIM_MADE;
}

static bool is_remembered(const struct oct_session *session, const char *lease_id)
{
    for (size_t i = 0; i < OCT_REMEMBERED_LEASES; i++) {
        if (strcmp(session->leases[i], lease_id) == 0) {
            return true;
        }
    }
    return false;
}

static void remember(struct oct_session *session, const char *lease_id)
{
    if (lease_id[0] != '\0') {
        memcpy(session->leases[session->lease_count++ % OCT_REMEMBERED_LEASES], lease_id,
               OCT_UUID_BYTES + 1);
    }
}

static void unlink_lock(struct oct_lock *lock)
{
    struct oct_lock **at = &lock->session->locks;
    while (*at != lock) {
        at = &(*at)->next;
    }
    *at = lock->next;
}

void oct_lock_close(struct oct_lock *lock)
{
    unlink_lock(lock);
    remember(lock->session, lock->lease_id);
    enter(lock, OCT_LOCK_CLOSED, 0, 0);
}

void oct_lock_reap(struct oct_lock *lock)
{
    if (lock->state != OCT_LOCK_CLOSED || !lock->dropped || lock->job.in_flight) {
        return;
    }
    lock->session->users--;
    oct_schedule_leave(&lock->session->registry->schedule, &lock->job.task);
    oct_account_let_go(lock->job.account);
    free(lock);
}

/* ---- acquiring ---- */

bool oct_lock_granted(struct oct_lock *lock, const char *lease_id,
                      const struct oct_lease_rules *rules, const struct oct_grant *grant)
{
    int64_t now_ms = grant->answered_ms;
    bool earlier = is_remembered(lock->session, lease_id);
    if (lock->state != OCT_LOCK_CLAIMED && lock->state != OCT_LOCK_SETTLING) {
        return false;
    }
    memcpy(lock->lease_id, lease_id, OCT_UUID_BYTES);
    oct_lease_begin(&lock->lease, rules, grant,
                    is_token_scope(lock) ? NULL : &lock->session->lease);
    bool wanted = lock->state == OCT_LOCK_CLAIMED && !earlier;
    if (wanted && oct_lease_ending(&lock->lease, now_ms) == OCT_LEASE_HELD) {
        enter(lock, OCT_LOCK_OPEN, 0, now_ms);
        return true;
    }
    oct_lease_end(&lock->lease, now_ms, OCT_LEASE_RELEASED);
    enter_ending(lock, now_ms);
    return false;
}

void oct_lock_abandon(struct oct_lock *lock, int64_t now_ms, bool may_exist)
{
    int64_t forgotten_ms = now_ms + lock->first_ttl_ms + OCT_ALLOWANCE_MS;
    if (lock->state != OCT_LOCK_CLAIMED) {
        return;
    }
    if (!may_exist) {
        oct_lock_close(lock);
    } else if (is_token_scope(lock)) {
        /* Another process may hold that very lease: all that can be done is to wait it out. */
        enter(lock, OCT_LOCK_ENDING, forgotten_ms, now_ms);
    } else {
        enter(lock, OCT_LOCK_SETTLING, forgotten_ms, now_ms);
    }
}

/* ---- the lease ---- */

static bool is_proved_gone(enum oct_ending ending)
{
    return ending == OCT_LEASE_LOST || ending == OCT_LEASE_SESSION;
}

/* Leaves the open state that its lease has left by itself, or with the session. */
static void leave_open(struct oct_lock *lock, int64_t now_ms)
{
    enum oct_ending ending = lock->lease.ending;
    if (ending != OCT_LEASE_RELEASED) {
        oct_events_add(&lock->job.account->events, OCT_EVENT_LOCK_LOST, ending, lock->name);
    }
    if (is_proved_gone(ending)) {
        oct_lock_close(lock);
    } else if (ending == OCT_LEASE_RELEASED) {
        enter(lock, OCT_LOCK_GIVING, INT64_MAX, now_ms); /* the session's end is its own */
    } else {
        enter_ending(lock, now_ms);
    }
}

enum oct_ending oct_lock_ending(struct oct_lock *lock, int64_t now_ms)
{
    enum oct_ending ending = oct_lease_ending(&lock->lease, now_ms);
    if (ending != OCT_LEASE_HELD && lock->state == OCT_LOCK_OPEN) {
        leave_open(lock, now_ms);
    }
    return ending;
}

int64_t oct_lock_remaining_ms(struct oct_lock *lock, int64_t now_ms)
{
    bool held = oct_lock_ending(lock, now_ms) == OCT_LEASE_HELD;
    return held ? oct_lease_remaining_ms(&lock->lease, now_ms) : 0;
}

bool oct_lock_renewed(struct oct_lock *lock, const struct oct_grant *grant)
{
    oct_lock_ending(lock, grant->answered_ms);
    bool renewed = oct_lease_renewed(&lock->lease, grant);
    lock->lease.renewing = lock->job.in_flight; /* the keeper's own goes on */
    reschedule(lock, grant->answered_ms);
    return renewed;
}

void oct_lock_may_be_renewed(struct oct_lock *lock, int64_t now_ms)
{
    oct_lease_may_last(&lock->lease, now_ms + lock->lease.rules.ttl_ms);
}

void oct_lock_lost(struct oct_lock *lock, int64_t now_ms)
{
    oct_lease_end(&lock->lease, now_ms, OCT_LEASE_LOST);
    oct_lock_ending(lock, now_ms);
}

bool oct_lock_release(struct oct_lock *lock, int64_t now_ms, int64_t hands_off_ms)
{
    if (lock->state != OCT_LOCK_OPEN || oct_lock_ending(lock, now_ms) != OCT_LEASE_HELD) {
        return false;
    }
    oct_lease_end(&lock->lease, now_ms, OCT_LEASE_RELEASED);
    enter(lock, OCT_LOCK_GIVING, now_ms + hands_off_ms, now_ms);
    return true;
}

void oct_lock_released(struct oct_lock *lock, int64_t now_ms, bool confirmed)
{
    if (lock->state == OCT_LOCK_CLOSED) {
        return;
    }
    if (confirmed) {
        oct_lock_close(lock);
    } else if (lock->state == OCT_LOCK_GIVING) {
        enter_ending(lock, now_ms);
    }
}

static void drop_open(struct oct_lock *lock, int64_t now_ms)
{
    if (oct_lock_release(lock, now_ms, 0)) {
        oct_events_add(&lock->job.account->events, OCT_EVENT_DROPPED, OCT_LEASE_RELEASED,
                       lock->name);
        enter_ending(lock, now_ms);
    }
}

void oct_lock_drop(struct oct_lock *lock, int64_t now_ms)
{
    struct oct_session *session = lock->session;
    if (lock->state == OCT_LOCK_CLAIMED) {
        oct_lock_abandon(lock, now_ms, true);
    } else if (lock->state == OCT_LOCK_OPEN) {
        drop_open(lock, now_ms);
    } else if (lock->state == OCT_LOCK_GIVING && lock->until_ms != INT64_MAX) {
        enter_ending(lock, now_ms);
    }
    lock->dropped = true;
    oct_session_settle(session, now_ms);
    oct_lock_reap(lock);
    oct_session_reap(session);
}

/* ---- requests ---- */

static bool start(struct oct_lock *lock, enum oct_purpose purpose, int64_t ttl_ms,
                  int64_t timeout_ms, int64_t now_ms)
{
    bool of_session = purpose == OCT_SETTLE;
    struct oct_errand errand = {purpose,        lock->name, of_session ? lock->session->id : NULL,
                                lock->lease_id, ttl_ms,     timeout_ms};
    return oct_job_start(&lock->job, &errand, now_ms);
}

static bool renew(struct oct_lock *lock, int64_t now_ms, double random)
{
    int64_t timeout_ms = oct_lease_renewal_sent(&lock->lease, now_ms);
    if (start(lock, OCT_RENEW, lock->lease.rules.ttl_ms, timeout_ms, now_ms)) {
        return true;
    }
    oct_lease_renewal_failed(&lock->lease, now_ms, -1, false, random);
    return false;
}

/* Whether a request may go out now that ends, or finds, the lease. */
static bool may_try(const struct oct_lock *lock, int64_t now_ms)
{
    bool ready = !lock->job.in_flight && now_ms >= lock->job.next_try_ms;
    if (lock->state == OCT_LOCK_SETTLING) {
        /* What the last one may leave behind has to be forgotten in time as well. */
        return ready && now_ms + SETTLE_TTL_MS + OCT_ALLOWANCE_MS <= lock->until_ms;
    }
    return ready && lock->lease_id[0] != '\0';
}

static bool clean_up(struct oct_lock *lock, enum oct_purpose purpose, int64_t now_ms, double random)
{
    if (now_ms >= lock->until_ms) {
        oct_lock_close(lock);
        return false;
    }
    if (!may_try(lock, now_ms)) {
        return false;
    }
    if (start(lock, purpose, SETTLE_TTL_MS, REQUEST_TIMEOUT_MS, now_ms)) {
        return true;
    }
    oct_job_retry(&lock->job, now_ms, -1, random);
    return false;
}

static bool advance(struct oct_lock *lock, int64_t now_ms, double random)
{
    switch (lock->state) {
    case OCT_LOCK_CLAIMED:
        if (now_ms >= lock->until_ms) {
            oct_lock_abandon(lock, now_ms, true);
        }
        return false;
    case OCT_LOCK_OPEN:
        return oct_lock_ending(lock, now_ms) == OCT_LEASE_HELD && !lock->job.in_flight &&
               oct_lease_is_due(&lock->lease, now_ms) && renew(lock, now_ms, random);
    case OCT_LOCK_GIVING:
        if (now_ms >= lock->until_ms) {
            enter_ending(lock, now_ms);
        }
        return false;
    case OCT_LOCK_ENDING:
        return clean_up(lock, OCT_RELEASE, now_ms, random);
    case OCT_LOCK_SETTLING:
        return clean_up(lock, OCT_SETTLE, now_ms, random);
    case OCT_LOCK_CLOSED:
        break;
    }
    return false;
}

bool oct_lock_step(struct oct_lock *lock, int64_t now_ms, double random)
{
    bool started = advance(lock, now_ms, random);
    int64_t wake_ms = wake_of(lock, now_ms);
    oct_schedule_set(&lock->session->registry->schedule, &lock->job.task,
                     wake_ms > now_ms ? wake_ms : now_ms + 1);
    return started;
}

/* ---- answers ---- */

static void renewal_answered(struct oct_lock *lock, const struct oct_job_answer *answer,
                             int64_t now_ms, double random)
{
    struct oct_grant grant = {lock->job.sent_ms, now_ms, lock->job.ttl_ms, answer->hint_ms, random};
    if (answer->result == OCT_JOB_DONE) {
        oct_lease_renewed(&lock->lease, &grant);
    } else if (answer->result == OCT_JOB_FAILED) {
        oct_lease_renewal_failed(&lock->lease, now_ms, answer->hint_ms, answer->may_have_landed,
                                 random);
    } else if (lock->state == OCT_LOCK_OPEN) {
        oct_lock_lost(lock, now_ms);
    } else {
        oct_lock_released(lock, now_ms, true);
    }
    if (lock->state == OCT_LOCK_ENDING) {
        lock->until_ms = lock->lease.server_end_ms + OCT_ALLOWANCE_MS;
    }
}

static void settle_answered(struct oct_lock *lock, const struct oct_job_answer *answer,
                            int64_t now_ms, double random)
{
    if (answer->result == OCT_JOB_FAILED) {
        oct_job_retry(&lock->job, now_ms, answer->hint_ms, random);
    } else if (lock->state != OCT_LOCK_SETTLING) {
        return; /* its owner has brought the lease meanwhile */
    } else if (answer->result == OCT_JOB_DONE) {
        memcpy(lock->lease_id, answer->lease_id, sizeof lock->lease_id);
        enter(lock, OCT_LOCK_ENDING, lock->until_ms, now_ms);
    } else {
        oct_lock_close(lock);
    }
}

static void release_answered(struct oct_lock *lock, const struct oct_job_answer *answer,
                             int64_t now_ms, double random)
{
    if (answer->result == OCT_JOB_FAILED) {
        oct_job_retry(&lock->job, now_ms, answer->hint_ms, random);
    } else {
        oct_lock_released(lock, now_ms, true);
    }
}

void oct_lock_answered(struct oct_lock *lock, const struct oct_job_answer *answer, int64_t now_ms,
                       double random)
{
    switch (lock->job.purpose) {
    case OCT_RENEW:
        renewal_answered(lock, answer, now_ms, random);
        break;
    case OCT_SETTLE:
        settle_answered(lock, answer, now_ms, random);
        break;
    default:
        release_answered(lock, answer, now_ms, random);
        break;
    }
    reschedule(lock, now_ms);
}
