/* Unit tests of src/core/keeper.c, session.c and lock.c: what is asked of the server, and when the
 * gate of a name opens.
 * Uses: check.h, keeper_fixture.h. Owner: each test ends its world. */
#include "check.h"
#include "keeper_fixture.h"

enum { NOW = 1000000 };

/* The next request, with its purpose checked. */
static struct oct_job *expect_job(struct keeper_world *world, const char *name, int64_t now_ms,
                                  enum oct_purpose purpose)
{
    struct oct_job *job = oct_keeper_next(&world->keeper, now_ms);
    CHECK(name, job != NULL);
    if (job != NULL) {
        CHECK_INT(name, job->purpose, purpose);
    }
    return job;
}

static bool is_open(struct oct_session *session, const char *name, int64_t now_ms)
{
    struct oct_lock *lock = keeper_claim(session, name, now_ms);
    if (lock == NULL) {
        return false;
    }
    oct_lock_abandon(lock, now_ms, false);
    oct_lock_drop(lock, now_ms);
    return true;
}

static void test_life(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 60000);
    struct oct_lock *lock = keeper_claim(session, "jobs", NOW);
    CHECK("a claim shuts the gate", !is_open(session, "jobs", NOW));
    CHECK("and no other's", is_open(session, "other", NOW));
    CHECK("granted", keeper_grant(lock, LEASE_A, NOW));
    CHECK("nothing is due yet", oct_keeper_next(&world.keeper, NOW + 4999) == NULL);
    struct oct_job *job = expect_job(&world, "a renewal", NOW + 5000, OCT_RENEW);
    CHECK("once at a time", oct_keeper_next(&world.keeper, NOW + 5001) == NULL);
    keeper_answer_well(&world, job, NOW + 5100);
    CHECK_INT("from the sending", oct_lock_remaining_ms(lock, NOW + 5100), 7900);
    CHECK("released by its owner", oct_lock_release(lock, NOW + 6000, 10000));
    CHECK("who is left to it", oct_keeper_next(&world.keeper, NOW + 6000) == NULL);
    CHECK("the gate waits for the answer", !is_open(session, "jobs", NOW + 6000));
    oct_lock_released(lock, NOW + 6100, true);
    CHECK("and opens", is_open(session, "jobs", NOW + 6100));
    oct_lock_drop(lock, NOW + 6200);
    oct_session_drop(session, NOW + 6200);
    keeper_answer_well(&world, expect_job(&world, "the end", NOW + 6200, OCT_END_SESSION),
                       NOW + 6300);
    CHECK("no session is left", world.keeper.registry.first == NULL);
    CHECK_INT("no event", world.account->events.count, 0);
    keeper_world_end(&world);
}

static void test_release_of_unknown_outcome(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 300000);
    struct oct_lock *lock = keeper_claim(session, "jobs", NOW);
    keeper_grant(lock, LEASE_A, NOW);
    oct_lock_release(lock, NOW + 100, 10000);
    oct_lock_released(lock, NOW + 200, false);
    struct oct_job *job = expect_job(&world, "is sent again", NOW + 200, OCT_RELEASE);
    oct_keeper_complete(&world.keeper, job, NULL, true, NOW + 300);
    CHECK("the gate stays shut", !is_open(session, "jobs", NOW + 300));
    job = expect_job(&world, "and again", NOW + 5300, OCT_RELEASE);
    keeper_answer(&world, job, 404,
                  "{\"error\":\"e\",\"code\":\"lease_not_current\",\"details\":\"d\"}", NOW + 5400);
    CHECK("until it is proved gone", is_open(session, "jobs", NOW + 5400));

    struct oct_lock *second = keeper_claim(session, "jobs", NOW + 6000);
    CHECK("an earlier lease is not adopted", !keeper_grant(second, LEASE_A, NOW + 6000));
    CHECK("and its gate is shut", !is_open(session, "jobs", NOW + 6000));
    job = expect_job(&world, "it is released", NOW + 6000, OCT_RELEASE);
    oct_keeper_complete(&world.keeper, job, NULL, false, NOW + 6100);
    CHECK("forgotten at its end at the earliest",
          !is_open(session, "jobs", NOW + 16000 + OCT_ALLOWANCE_MS - 1));
    while (oct_keeper_wake_ms(&world.keeper) <= NOW + 16000 + OCT_ALLOWANCE_MS) {
        job = oct_keeper_next(&world.keeper, oct_keeper_wake_ms(&world.keeper));
        if (job != NULL) {
            oct_keeper_complete(&world.keeper, job, NULL, false, job->sent_ms + 1);
        }
    }
    CHECK("and then", is_open(session, "jobs", NOW + 16000 + OCT_ALLOWANCE_MS));
    oct_lock_drop(lock, NOW + 30000);
    oct_lock_drop(second, NOW + 30000);
    keeper_world_end(&world);
}

static void test_settling(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 300000);
    struct oct_lock *lock = keeper_claim(session, "jobs", NOW);
    oct_lock_abandon(lock, NOW, true);
    keeper_answer_well(&world, expect_job(&world, "asks for the lease", NOW, OCT_SETTLE), NOW + 10);
    CHECK("the gate is shut", !is_open(session, "jobs", NOW + 10));
    keeper_answer_well(&world, expect_job(&world, "releases it", NOW + 10, OCT_RELEASE), NOW + 20);
    CHECK("and open", is_open(session, "jobs", NOW + 20));
    oct_lock_drop(lock, NOW + 20);

    lock = keeper_claim(session, "jobs", NOW + 30);
    oct_lock_drop(lock, NOW + 30); /* its coroutine was collected */
    struct oct_job *job = expect_job(&world, "settles too", NOW + 30, OCT_SETTLE);
    keeper_answer(&world, job, 200,
                  "{\"status\":\"held\",\"holder_id\":\"h\",\"expires_at\":\"" EXPIRES "\"}",
                  NOW + 40);
    CHECK("someone else's lock is no lease of ours", is_open(session, "jobs", NOW + 40));

    lock = keeper_claim(session, "jobs", NOW + 50);
    CHECK("an owner that never comes back", oct_keeper_next(&world.keeper, NOW + 30049) == NULL);
    oct_keeper_next(&world.keeper, NOW + 30050); /* is given up after its budget */
    CHECK("settles then", expect_job(&world, "is due", NOW + 30051, OCT_SETTLE) != NULL);
    CHECK("a late answer grants nothing", !keeper_grant(lock, LEASE_B, NOW + 30060));
    oct_lock_drop(lock, NOW + 30060);
    keeper_world_end(&world);
}

static void test_session_end(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 10000);
    struct oct_lock *lock = keeper_claim(session, "jobs", NOW);
    keeper_grant(lock, LEASE_A, NOW);
    struct oct_job *first = oct_keeper_next(&world.keeper, NOW + 5000);
    struct oct_job *second = oct_keeper_next(&world.keeper, NOW + 5000);
    struct oct_job *keepalive = first->of_session ? first : second;
    struct oct_job *renewal = first->of_session ? second : first;
    keeper_answer(&world, keepalive, 410,
                  "{\"error\":\"e\",\"code\":\"session_expired\",\"details\":\"d\"}", NOW + 5100);
    CHECK_INT("it is lost", oct_session_ending(session, NOW + 5100), OCT_LEASE_LOST);
    CHECK_INT("with its lock", oct_lock_ending(lock, NOW + 5100), OCT_LEASE_SESSION);
    keeper_answer_well(&world, renewal, NOW + 5200);
    CHECK_INT("which no renewal heals", oct_lock_ending(lock, NOW + 5200), OCT_LEASE_SESSION);
    CHECK("nor may another be had in it", keeper_claim(session, "other", NOW + 5200) == NULL);
    CHECK_INT("two events", world.account->events.count, 2);
    oct_session_drop(session, NOW + 5300);
    oct_lock_drop(lock, NOW + 5300);
    CHECK("no session is left", world.keeper.registry.first == NULL);
    keeper_world_end(&world);
}

static void test_renewal_404_is_of_one_lease(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 300000);
    struct oct_lock *a = keeper_claim(session, "a", NOW);
    keeper_grant(a, LEASE_A, NOW);
    struct oct_lock *b = keeper_claim(session, "b", NOW + 1000);
    keeper_grant(b, LEASE_B, NOW + 1000);
    struct oct_job *job = expect_job(&world, "of a", NOW + 5000, OCT_RENEW);
    keeper_answer(&world, job, 404, "<html>not found</html>", NOW + 5010);
    CHECK_INT("a proxy's word proves nothing", oct_lock_ending(a, NOW + 5010), OCT_LEASE_HELD);
    job = expect_job(&world, "again", NOW + 5500, OCT_RENEW);
    keeper_answer(&world, job, 410,
                  "{\"error\":\"e\",\"code\":\"session_expired\",\"details\":\"d\"}", NOW + 5510);
    CHECK_INT("a is lost", oct_lock_ending(a, NOW + 5510), OCT_LEASE_LOST);
    CHECK_INT("b is not", oct_lock_ending(b, NOW + 5510), OCT_LEASE_HELD);
    CHECK_INT("nor the session", oct_session_ending(session, NOW + 5510), OCT_LEASE_HELD);
    oct_keeper_shut_down(&world.keeper, NOW + 6000);
    CHECK_INT("shutting down releases", oct_lock_ending(b, NOW + 6000), OCT_LEASE_RELEASED);
    CHECK("and is work", oct_keeper_is_busy(&world.keeper));
    keeper_answer_well(&world, expect_job(&world, "for one request", NOW + 6000, OCT_END_SESSION),
                       NOW + 6010);
    CHECK("then done", !oct_keeper_is_busy(&world.keeper));
    oct_lock_drop(a, NOW + 6020);
    oct_lock_drop(b, NOW + 6020);
    oct_session_drop(session, NOW + 6020);
    keeper_world_end(&world);
}

static void test_token_refused(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 300000);
    struct oct_lock *lock = keeper_claim(session, "a", NOW);
    keeper_grant(lock, LEASE_A, NOW);
    struct oct_job *job = expect_job(&world, "renews", NOW + 5000, OCT_RENEW);
    keeper_answer(&world, job, 401,
                  "{\"error\":\"e\",\"code\":\"authentication_failed\",\"details\":\"d\"}",
                  NOW + 5010);
    CHECK_INT("is no loss", oct_lock_ending(lock, NOW + 5010), OCT_LEASE_HELD);
    CHECK("but noted", world.account->token_refused);
    CHECK("a new token", oct_account_set_token(world.account, "new-token"));
    job = expect_job(&world, "tries again", NOW + 5500, OCT_RENEW);
    CHECK_TEXT("with it", job->request.credential, "new-token");
    keeper_answer_well(&world, job, NOW + 5510);
    CHECK_INT("and is renewed", oct_lock_remaining_ms(lock, NOW + 5510), 7990);
    oct_lock_drop(lock, NOW + 5600);
    CHECK_INT("a dropped lock is an event", world.account->events.first->type, OCT_EVENT_DROPPED);
    keeper_world_end(&world);
}

static void test_owner_and_keeper_renew_at_once(void)
{
    struct keeper_world world;
    keeper_world_begin(&world);
    struct oct_session *session = keeper_session(&world, NOW, 300000);
    struct oct_lock *lock = keeper_claim(session, "a", NOW);
    keeper_grant(lock, LEASE_A, NOW);
    struct oct_job *job = expect_job(&world, "the keeper's hangs", NOW + 5000, OCT_RENEW);
    struct oct_grant grant = {NOW + 5100, NOW + 5200, 10000, 0, 0};
    CHECK("the owner's is answered", oct_lock_renewed(lock, &grant));
    CHECK("nothing is due meanwhile", oct_keeper_next(&world.keeper, NOW + 9000) == NULL);
    CHECK("nor asked about every millisecond", oct_keeper_wake_ms(&world.keeper) > NOW + 9001);
    oct_keeper_complete(&world.keeper, job, NULL, false, NOW + 9100);
    oct_lock_may_be_renewed(lock, NOW + 9200);
    CHECK_INT("it may last that long", lock->lease.server_end_ms, NOW + 19200);
    oct_lock_drop(lock, NOW + 9300);
    keeper_world_end(&world);
}

int main(void)
{
    test_life();
    test_release_of_unknown_outcome();
    test_settling();
    test_session_end();
    test_renewal_404_is_of_one_lease();
    test_token_refused();
    test_owner_and_keeper_renew_at_once();
    return check_report();
}
