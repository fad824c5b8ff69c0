/* Sessions, the identity of scoped locks, and the locks in them.
 * May use: core. Owns: a session owns its locks and is freed with the last of them once nobody
 * holds on to it; see each function.
 *
 * Here is decided what may be held by whom, and what has to be asked of the server next; nothing
 * here sends anything. One token is one holder on the server, and within one session it hands a
 * second caller the same lease: so a name is let in here to one lock at a time (the gate), until
 * the end of that lock's lease is confirmed. Times are milliseconds of one clock. */
#ifndef OCT_SESSION_H
#define OCT_SESSION_H

#include "core/job.h"
#include "core/lease.h"

/* How much longer than it can count a lease a server is given to forget it: clocks run unalike. */
enum { OCT_ALLOWANCE_MS = 2000 };

enum oct_session_state {
    OCT_SESSION_OPEN,
    OCT_SESSION_GIVING, /* its owner is ending it on the server, until `until_ms` */
    OCT_SESSION_ENDING, /* it has to be ended on the server */
    OCT_SESSION_CLOSED
};

enum oct_lock_state {
    OCT_LOCK_CLAIMED,  /* its owner is acquiring it, until `until_ms` */
    OCT_LOCK_OPEN,     /* granted, and its lease has not ended */
    OCT_LOCK_GIVING,   /* its owner, or its session's, is releasing it, until `until_ms` */
    OCT_LOCK_ENDING,   /* its lease has to be released; forgotten at `until_ms` */
    OCT_LOCK_SETTLING, /* it may have a lease that nobody knows; forgotten at `until_ms` */
    OCT_LOCK_CLOSED    /* the gate is open again */
};

enum { OCT_REMEMBERED_LEASES = 64 };

struct oct_lock;

/* All sessions of a keeper, and when each of them and of their locks wants to be woken. */
struct oct_registry {
    struct oct_schedule schedule;
    struct oct_session *first;
};

struct oct_session {
    struct oct_job job;
    struct oct_registry *registry;
    struct oct_session *next;    /* in the registry */
    char id[OCT_UUID_BYTES + 1]; /* "" for the scope of a token: then there is no lease either */
    enum oct_session_state state;
    struct oct_lease lease;
    int64_t until_ms;
    struct oct_lock *locks; /* those that are not closed */
    size_t users;           /* the owner, and every lock that is not freed */
    bool dropped;           /* by its owner */
    /* Leases of locks that have ended, the oldest overwritten: none of them is adopted again. */
    char leases[OCT_REMEMBERED_LEASES][OCT_UUID_BYTES + 1];
    size_t lease_count;
};

struct oct_lock {
    struct oct_job job;
    struct oct_session *session;
    struct oct_lock *next;
    enum oct_lock_state state;
    bool dropped;
    uint64_t owner; /* who asked for it: a coroutine */
    int64_t until_ms;
    int64_t first_ttl_ms;
    char lease_id[OCT_UUID_BYTES + 1];
    struct oct_lease lease;
    char name[];
};

/* ---- sessions ---- */

/* Starts to keep a session alive that the server has made; the id is a UUID. NULL when memory ran
 * out. */
struct oct_session *oct_session_open(struct oct_registry *registry, struct oct_account *account,
                                     const char *id, const struct oct_lease_rules *rules,
                                     const struct oct_grant *grant);

/* The scope of a token itself, which has no id and no lease. NULL when memory ran out. */
struct oct_session *oct_token_scope_open(struct oct_registry *registry,
                                         struct oct_account *account);

/* How it has ended, if it has; its locks end with it. */
enum oct_ending oct_session_ending(struct oct_session *session, int64_t now_ms);
int64_t oct_session_remaining_ms(struct oct_session *session, int64_t now_ms);

/* Its owner has kept it alive, or has learnt from a session call that it is gone. */
void oct_session_kept(struct oct_session *session, const struct oct_grant *grant);
void oct_session_lost(struct oct_session *session, int64_t now_ms);

/* The outcome of its owner's keepalive is unknown. */
void oct_session_may_be_kept(struct oct_session *session, int64_t now_ms);

/* Its owner ends it, and every lock in it: for `hands_off_ms` nothing else does so. False when it
 * had ended before. */
bool oct_session_close(struct oct_session *session, int64_t now_ms, int64_t hands_off_ms);

/* How the owner's attempt went; unless it is confirmed the end is left to the keeper. */
void oct_session_closed(struct oct_session *session, int64_t now_ms, bool confirmed);

/* Its owner has forgotten it. It is ended once every lock in it has been forgotten or has ended. */
void oct_session_drop(struct oct_session *session, int64_t now_ms);

/* ---- for the keeper ---- */

/* The next request of a session: true when a job was started. */
bool oct_session_step(struct oct_session *session, int64_t now_ms, double random);
void oct_session_answered(struct oct_session *session, const struct oct_job_answer *answer,
                          int64_t now_ms, double random);

/* Ends a dropped session when every lock in it is dropped or has ended. */
void oct_session_settle(struct oct_session *session, int64_t now_ms);

/* Frees it when nobody needs it any more. */
void oct_session_reap(struct oct_session *session);

#endif
