#include "core/session.h"

#include "core/lock.h"

#include <stdlib.h>
#include <string.h>

enum { REQUEST_TIMEOUT_MS = 10000 };

static bool is_token_scope(const struct oct_session *session)
{
    return session->id[0] == '\0';
}

/* ---- when to be woken ---- */

static int64_t wake_of(struct oct_session *session, int64_t now_ms)
{
    int64_t next_ms = session->job.next_try_ms;
    switch (session->state) {
    case OCT_SESSION_OPEN:
        return is_token_scope(session) ? INT64_MAX : oct_lease_wake_ms(&session->lease, now_ms);
    case OCT_SESSION_GIVING:
        return session->until_ms;
    case OCT_SESSION_ENDING:
        return session->job.in_flight || next_ms > session->until_ms ? session->until_ms : next_ms;
    case OCT_SESSION_CLOSED:
        break;
    }
    return INT64_MAX;
}

static void reschedule(struct oct_session *session, int64_t now_ms)
{
    oct_schedule_set(&session->registry->schedule, &session->job.task, wake_of(session, now_ms));
}

static void enter(struct oct_session *session, enum oct_session_state state, int64_t until_ms,
                  int64_t now_ms)
{
    session->state = state;
    session->until_ms = until_ms;
    session->job.next_try_ms = now_ms;
    session->job.attempts = 0;
    reschedule(session, now_ms);
}

static void enter_ending(struct oct_session *session, int64_t now_ms)
{
    enter(session, OCT_SESSION_ENDING, session->lease.server_end_ms + OCT_ALLOWANCE_MS, now_ms);
}

/* ---- making and freeing ---- */

static struct oct_session *make(struct oct_registry *registry, struct oct_account *account)
{
    struct oct_session *session = calloc(1, sizeof *session);
    if (session == NULL || !oct_schedule_join(&registry->schedule, &session->job.task)) {
        free(session);
        return NULL;
    }
    session->registry = registry;
    session->job.of_session = true;
    session->job.account = oct_account_use(account);
    session->users = 1;
    session->next = registry->first;
    registry->first = session;
    return session;
}

struct oct_session *oct_session_open(struct oct_registry *registry, struct oct_account *account,
                                     const char *id, const struct oct_lease_rules *rules,
                                     const struct oct_grant *grant)
{
    struct oct_session *session = make(registry, account);
    if (session != NULL) {
        memcpy(session->id, id, OCT_UUID_BYTES); /* what follows is zero */
        oct_lease_begin(&session->lease, rules, grant, NULL);
        reschedule(session, grant->answered_ms);
    }
    return session;
}

struct oct_session *oct_token_scope_open(struct oct_registry *registry, struct oct_account *account)
{
    return make(registry, account);
}

static void unlink_session(struct oct_session *session)
{
    struct oct_session **at = &session->registry->first;
    while (*at != session) {
        at = &(*at)->next;
    }
    *at = session->next;
}

void oct_session_reap(struct oct_session *session)
{
    bool over = session->state == OCT_SESSION_CLOSED || is_token_scope(session);
    if (!over || session->users > 0 || session->job.in_flight) {
        return;
    }
    unlink_session(session);
    oct_schedule_leave(&session->registry->schedule, &session->job.task);
    oct_account_let_go(session->job.account);
    free(session);
}

/* ---- the end ---- */

/* Each lock takes note of its session's end. */
static void tell_locks(struct oct_session *session, int64_t now_ms)
{
    struct oct_lock *next;
    for (struct oct_lock *lock = session->locks; lock != NULL; lock = next) {
        next = lock->next;
        if (lock->state == OCT_LOCK_OPEN) {
            oct_lock_ending(lock, now_ms);
        }
    }
}

static void close_locks(struct oct_session *session)
{
    while (session->locks != NULL) {
        struct oct_lock *lock = session->locks;
        oct_lock_close(lock);
        oct_lock_reap(lock);
    }
}

/* Leaves an open state that its lease has left. What is uncertain is not ended on the server: its
 * locks are released one by one, and it expires there by itself. */
static void leave_open(struct oct_session *session, int64_t now_ms)
{
    enum oct_ending ending = session->lease.ending;
    enter(session, OCT_SESSION_CLOSED, 0, now_ms);
    if (ending != OCT_LEASE_RELEASED) {
        oct_events_add(&session->job.account->events, OCT_EVENT_SESSION_ENDED, ending, "");
    }
    tell_locks(session, now_ms);
}

enum oct_ending oct_session_ending(struct oct_session *session, int64_t now_ms)
{
    if (is_token_scope(session)) {
        return session->state == OCT_SESSION_OPEN ? OCT_LEASE_HELD : OCT_LEASE_RELEASED;
    }
    enum oct_ending ending = oct_lease_ending(&session->lease, now_ms);
    if (ending != OCT_LEASE_HELD && session->state == OCT_SESSION_OPEN) {
        leave_open(session, now_ms);
    }
    return ending;
}

int64_t oct_session_remaining_ms(struct oct_session *session, int64_t now_ms)
{
    if (is_token_scope(session) || oct_session_ending(session, now_ms) != OCT_LEASE_HELD) {
        return 0;
    }
    return oct_lease_remaining_ms(&session->lease, now_ms);
}

void oct_session_kept(struct oct_session *session, const struct oct_grant *grant)
{
    oct_session_ending(session, grant->answered_ms);
    oct_lease_renewed(&session->lease, grant);
    session->lease.renewing = session->job.in_flight; /* the keeper's own goes on */
    reschedule(session, grant->answered_ms);
}

void oct_session_may_be_kept(struct oct_session *session, int64_t now_ms)
{
    oct_lease_may_last(&session->lease, now_ms + session->lease.rules.ttl_ms);
}

void oct_session_lost(struct oct_session *session, int64_t now_ms)
{
    if (!is_token_scope(session)) {
        oct_lease_end(&session->lease, now_ms, OCT_LEASE_LOST);
        oct_session_ending(session, now_ms);
    }
}

/* Without a session on the server its locks are released one by one. */
static void close_token_scope(struct oct_session *session, int64_t now_ms)
{
    struct oct_lock *next;
    session->state = OCT_SESSION_CLOSED;
    for (struct oct_lock *lock = session->locks; lock != NULL; lock = next) {
        next = lock->next;
        oct_lock_release(lock, now_ms, 0);
    }
}

bool oct_session_close(struct oct_session *session, int64_t now_ms, int64_t hands_off_ms)
{
    if (oct_session_ending(session, now_ms) != OCT_LEASE_HELD) {
        return false;
    }
    if (is_token_scope(session)) {
        close_token_scope(session, now_ms);
        return true;
    }
    oct_lease_end(&session->lease, now_ms, OCT_LEASE_RELEASED);
    enter(session, OCT_SESSION_GIVING, now_ms + hands_off_ms, now_ms);
    tell_locks(session, now_ms);
    return true;
}

void oct_session_closed(struct oct_session *session, int64_t now_ms, bool confirmed)
{
    if (session->state == OCT_SESSION_CLOSED || is_token_scope(session)) {
        return;
    }
    if (confirmed) {
        enter(session, OCT_SESSION_CLOSED, 0, now_ms);
        close_locks(session);
    } else if (session->state == OCT_SESSION_GIVING) {
        enter_ending(session, now_ms);
    }
}

static bool is_in_use(const struct oct_session *session)
{
    for (const struct oct_lock *lock = session->locks; lock != NULL; lock = lock->next) {
        bool final = lock->state != OCT_LOCK_CLAIMED && lock->state != OCT_LOCK_OPEN;
        if (!final && !lock->dropped) {
            return true;
        }
    }
    return false;
}

void oct_session_settle(struct oct_session *session, int64_t now_ms)
{
    if (!session->dropped || is_token_scope(session) || is_in_use(session)) {
        return;
    }
    if (session->state == OCT_SESSION_GIVING || oct_session_close(session, now_ms, 0)) {
        enter_ending(session, now_ms);
    }
}

void oct_session_drop(struct oct_session *session, int64_t now_ms)
{
    session->dropped = true;
    session->users--;
    oct_session_settle(session, now_ms);
    oct_session_reap(session);
}

/* ---- requests ---- */

static bool start(struct oct_session *session, enum oct_purpose purpose, int64_t timeout_ms,
                  int64_t now_ms)
{
    struct oct_errand errand = {purpose,   NULL, session->id, NULL, session->lease.rules.ttl_ms,
                                timeout_ms};
    return oct_job_start(&session->job, &errand, now_ms);
}

static bool keep_alive(struct oct_session *session, int64_t now_ms, double random)
{
    int64_t timeout_ms = oct_lease_renewal_sent(&session->lease, now_ms);
    if (start(session, OCT_KEEP_ALIVE, timeout_ms, now_ms)) {
        return true;
    }
    oct_lease_renewal_failed(&session->lease, now_ms, -1, false, random);
    return false;
}

static bool end_on_server(struct oct_session *session, int64_t now_ms, double random)
{
    if (now_ms >= session->until_ms) {
        oct_session_closed(session, now_ms, true);
        return false;
    }
    if (session->job.in_flight || now_ms < session->job.next_try_ms) {
        return false;
    }
    if (start(session, OCT_END_SESSION, REQUEST_TIMEOUT_MS, now_ms)) {
        return true;
    }
    oct_job_retry(&session->job, now_ms, -1, random);
    return false;
}

static bool advance(struct oct_session *session, int64_t now_ms, double random)
{
    switch (session->state) {
    case OCT_SESSION_OPEN:
        return oct_session_ending(session, now_ms) == OCT_LEASE_HELD &&
               oct_lease_is_due(&session->lease, now_ms) && keep_alive(session, now_ms, random);
    case OCT_SESSION_GIVING:
        if (now_ms >= session->until_ms) {
            enter_ending(session, now_ms);
        }
        return session->state == OCT_SESSION_ENDING && end_on_server(session, now_ms, random);
    case OCT_SESSION_ENDING:
        return end_on_server(session, now_ms, random);
    case OCT_SESSION_CLOSED:
        break;
    }
    return false;
}

bool oct_session_step(struct oct_session *session, int64_t now_ms, double random)
{
    bool started = advance(session, now_ms, random);
    int64_t wake_ms = wake_of(session, now_ms);
    oct_schedule_set(&session->registry->schedule, &session->job.task,
                     wake_ms > now_ms ? wake_ms : now_ms + 1);
    return started;
}

static void kept_alive(struct oct_session *session, const struct oct_job_answer *answer,
                       int64_t now_ms, double random)
{
    struct oct_grant grant = {session->job.sent_ms, now_ms, session->job.ttl_ms, answer->hint_ms,
                              random};
    if (answer->result == OCT_JOB_DONE) {
        oct_lease_renewed(&session->lease, &grant);
    } else if (answer->result == OCT_JOB_FAILED) {
        oct_lease_renewal_failed(&session->lease, now_ms, answer->hint_ms, answer->may_have_landed,
                                 random);
    } else if (session->state == OCT_SESSION_OPEN) {
        oct_session_lost(session, now_ms);
    } else {
        oct_session_closed(session, now_ms, true);
    }
}

void oct_session_answered(struct oct_session *session, const struct oct_job_answer *answer,
                          int64_t now_ms, double random)
{
    if (session->job.purpose == OCT_KEEP_ALIVE) {
        kept_alive(session, answer, now_ms, random);
    } else if (answer->result != OCT_JOB_FAILED) {
        oct_session_closed(session, now_ms, true);
    } else {
        oct_job_retry(&session->job, now_ms, answer->hint_ms, random);
    }
    reschedule(session, now_ms);
}
