/* A job: one request that a lock or a session needs, and what its answer says.
 * May use: core, libc. Owns: the request while it is in flight. */
#ifndef OCT_JOB_H
#define OCT_JOB_H

#include "core/account.h"
#include "core/response.h"
#include "core/schedule.h"

enum oct_purpose {
    OCT_KEEP_ALIVE, /* of a session */
    OCT_END_SESSION,
    OCT_RENEW, /* of a lock */
    OCT_RELEASE,
    OCT_SETTLE /* acquires a lock again, to learn of a lease that may exist */
};

/* Part of a lock and of a session; there is one request in flight for each at most. */
struct oct_job {
    struct oct_task task; /* first, so that a task of the keeper's schedule is a job */
    bool of_session;      /* what it is part of: a session, or a lock */
    struct oct_account *account;

    bool in_flight;
    enum oct_purpose purpose; /* the rest is of the request in flight */
    struct oct_request request;
    int64_t sent_ms;
    int64_t timeout_ms;
    int64_t ttl_ms; /* that it asks for */

    int attempts;        /* that failed in a row, of releases and the like */
    int64_t next_try_ms; /* not before */
};

/* What a job's request asks for; texts are borrowed until the job is started. */
struct oct_errand {
    enum oct_purpose purpose;
    const char *lock;       /* NULL where the purpose needs none */
    const char *session_id; /* likewise */
    const char *lease_id;   /* likewise */
    int64_t ttl_ms;         /* whole seconds; 0 where the purpose needs none */
    int64_t timeout_ms;
};

enum oct_job_result {
    OCT_JOB_DONE,    /* it took effect */
    OCT_JOB_GONE,    /* the service says that there is no such lease, or session */
    OCT_JOB_FOREIGN, /* OCT_SETTLE: the lock is not ours */
    OCT_JOB_FAILED   /* nothing is proved */
};

struct oct_job_answer {
    enum oct_job_result result;
    bool may_have_landed; /* OCT_JOB_FAILED: it may have taken effect all the same */
    int64_t hint_ms;      /* when the server would like the next renewal, or the next try; or -1 */
    char lease_id[OCT_UUID_BYTES + 1]; /* OCT_SETTLE: the lease that was acquired */
};

/* Builds the request; false when memory ran out or the account has no token. */
bool oct_job_start(struct oct_job *job, const struct oct_errand *errand, int64_t now_ms);

/* Reads the answer and ends the request. `response` is NULL when there was none; `sent` says
 * whether any byte of the request may have reached the server. */
void oct_job_finish(struct oct_job *job, const struct oct_response *response, bool sent,
                    struct oct_job_answer *answer);

/* Plans the next try of a release or the like, after one that failed. */
void oct_job_retry(struct oct_job *job, int64_t now_ms, int64_t hint_ms, double random);

/* Frees the request of a job that is given up. */
void oct_job_cancel(struct oct_job *job);

#endif
