#include "core/keeper.h"

#include <stdlib.h>
#include <string.h>

void oct_keeper_init(struct oct_keeper *keeper, double (*random)(void))
{
    memset(keeper, 0, sizeof *keeper);
    keeper->random = random;
}

static void give_up_lock(struct oct_lock *lock)
{
    oct_job_cancel(&lock->job);
    oct_lock_close(lock);
    lock->dropped = true;
    oct_lock_reap(lock);
}

/* Locks that are closed and not dropped are in no list; their owner frees them, or nobody does. */
static void give_up_session(struct oct_session *session)
{
    oct_job_cancel(&session->job);
    while (session->locks != NULL) {
        give_up_lock(session->locks);
    }
    session->state = OCT_SESSION_CLOSED;
    session->users = 0;
    oct_session_reap(session);
}

void oct_keeper_free(struct oct_keeper *keeper)
{
    while (keeper->registry.first != NULL) {
        give_up_session(keeper->registry.first);
    }
    oct_schedule_free(&keeper->registry.schedule);
}

int64_t oct_keeper_wake_ms(const struct oct_keeper *keeper)
{
    const struct oct_task *task = oct_schedule_first(&keeper->registry.schedule);
    return task == NULL ? INT64_MAX : task->wake_ms;
}

/* A job is the first member of what it is part of. */
static bool step(const struct oct_keeper *keeper, struct oct_job *job, int64_t now_ms)
{
    double random = keeper->random();
    if (job->of_session) {
        struct oct_session *session = (struct oct_session *)job;
        if (oct_session_step(session, now_ms, random)) {
            return true;
        }
        oct_session_reap(session);
        return false;
    }
    struct oct_lock *lock = (struct oct_lock *)job;
    struct oct_session *session = lock->session;
    if (oct_lock_step(lock, now_ms, random)) {
        return true;
    }
    oct_lock_reap(lock);
    oct_session_settle(session, now_ms);
    oct_session_reap(session);
    return false;
}

struct oct_job *oct_keeper_next(struct oct_keeper *keeper, int64_t now_ms)
{
    struct oct_task *task;
    while ((task = oct_schedule_first(&keeper->registry.schedule)) != NULL &&
           task->wake_ms <= now_ms) {
        struct oct_job *job = (struct oct_job *)task;
        if (step(keeper, job, now_ms)) {
            return job;
        }
    }
    return NULL;
}

void oct_keeper_complete(struct oct_keeper *keeper, struct oct_job *job,
                         const struct oct_response *response, bool sent, int64_t now_ms)
{
    struct oct_job_answer answer;
    double random = keeper->random();

    oct_job_finish(job, response, sent, &answer);
    if (job->of_session) {
        struct oct_session *session = (struct oct_session *)job;
        oct_session_answered(session, &answer, now_ms, random);
        oct_session_reap(session);
    } else {
        struct oct_lock *lock = (struct oct_lock *)job;
        struct oct_session *session = lock->session;
        oct_lock_answered(lock, &answer, now_ms, random);
        oct_lock_reap(lock);
        oct_session_settle(session, now_ms);
        oct_session_reap(session);
    }
}

void oct_keeper_shut_down(struct oct_keeper *keeper, int64_t now_ms)
{
    for (struct oct_session *session = keeper->registry.first; session != NULL;
         session = session->next) {
        oct_session_close(session, now_ms, 0);
        oct_session_closed(session, now_ms, false);
    }
}

static bool is_ending(const struct oct_session *session)
{
    for (const struct oct_lock *lock = session->locks; lock != NULL; lock = lock->next) {
        if (lock->state == OCT_LOCK_ENDING && lock->lease_id[0] != '\0') {
            return true;
        }
    }
    return session->state == OCT_SESSION_GIVING || session->state == OCT_SESSION_ENDING;
}

bool oct_keeper_is_busy(const struct oct_keeper *keeper)
{
    const struct oct_session *session = keeper->registry.first;
    while (session != NULL && !is_ending(session)) {
        session = session->next;
    }
    return session != NULL;
}
