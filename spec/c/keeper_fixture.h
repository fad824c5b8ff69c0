/* A keeper with an account, and answers for its requests, for the C tests of sessions and locks.
 * Uses: src/core. Owner: keeper_world_end frees what keeper_world_begin made. */
#ifndef SPEC_KEEPER_FIXTURE_H
#define SPEC_KEEPER_FIXTURE_H

#include "core/keeper.h"

#include <stdio.h>
#include <string.h>

#define SESSION_ID "11111111-4e5f-6071-8293-a4b5c6d7e8f9"
#define LEASE_A "aaaaaaaa-4e5f-6071-8293-a4b5c6d7e8f9"
#define LEASE_B "bbbbbbbb-4e5f-6071-8293-a4b5c6d7e8f9"
#define EXPIRES "2026-11-23T06:06:57.321891876Z"

struct keeper_world {
    struct oct_keeper keeper;
    struct oct_account *account; /* NULL when memory ran out */
};

static inline double keeper_half(void)
{
    return 0.5;
}

static inline void keeper_world_begin(struct keeper_world *world)
{
    struct oct_account_options options = {
        {"http://localhost", 16}, "token", NULL, NULL, NULL, false,
    };
    oct_keeper_init(&world->keeper, keeper_half);
    world->account = oct_account_new(&options);
}

static inline void keeper_world_end(struct keeper_world *world)
{
    oct_keeper_free(&world->keeper);
    oct_account_let_go(world->account);
}

static inline struct oct_session *keeper_session(struct keeper_world *world, int64_t now_ms,
                                                 int64_t ttl_ms)
{
    struct oct_lease_rules rules = {ttl_ms, 0, 0};
    struct oct_grant grant = {now_ms, now_ms, ttl_ms, -1, 0};
    return oct_session_open(&world->keeper.registry, world->account, SESSION_ID, &rules, &grant);
}

static inline struct oct_lock *keeper_claim(struct oct_session *session, const char *name,
                                            int64_t now_ms)
{
    struct oct_claim_options options = {name, 1, 10000, 30000};
    struct oct_lock *lock = NULL;
    oct_lock_claim(session, &options, now_ms, &lock);
    return lock;
}

static inline bool keeper_grant(struct oct_lock *lock, const char *lease_id, int64_t now_ms)
{
    struct oct_lease_rules rules = {10000, 0, 0};
    struct oct_grant grant = {now_ms, now_ms, 10000, -1, 0};
    return oct_lock_granted(lock, lease_id, &rules, &grant);
}

static inline struct oct_response keeper_response(int status, const char *body)
{
    struct oct_response response = {status, {body, strlen(body)}, {NULL, 0}, {NULL, 0}};
    return response;
}

/* Answers a job with this status and body. */
static inline void keeper_answer(struct keeper_world *world, struct oct_job *job, int status,
                                 const char *body, int64_t now_ms)
{
    struct oct_response response = keeper_response(status, body);
    oct_keeper_complete(&world->keeper, job, &response, true, now_ms);
}

/* Answers a job as a server does to which everything is as it should be. */
static inline void keeper_answer_well(struct keeper_world *world, struct oct_job *job,
                                      int64_t now_ms)
{
    static const char *const bodies[] = {
        [OCT_KEEP_ALIVE] = "{\"session_id\":\"" SESSION_ID "\",\"expires_at\":\"" EXPIRES "\"}",
        [OCT_END_SESSION] = "",
        [OCT_RENEW] =
            "{\"lease_id\":\"" LEASE_A "\",\"expires_at\":\"" EXPIRES "\",\"renew_after_ms\":3000}",
        [OCT_RELEASE] = "null",
        [OCT_SETTLE] = "{\"status\":\"acquired\",\"lease_id\":\"" LEASE_A
                       "\",\"fencing_token\":1,\"expires_at\":\"" EXPIRES "\"}",
    };
    int status = job->purpose == OCT_END_SESSION ? 204 : 200;
    keeper_answer(world, job, status, bodies[job->purpose], now_ms);
}

#endif
