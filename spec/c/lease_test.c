/* Unit tests of src/core/lease.c: every rule on both sides of its bound, extremes. What holds in
 * whichever order things happen is in lease_model_test.c.
 * Uses: check.h, src/core.
 * Owner: nobody. */
#include "core/lease.h"

#include "check.h"

#define ALMOST_ONE 0.99999999999999988898 /* the largest double below 1 */
#define LATEST ((int64_t)1 << 53)

enum { TTL = 60000, AUTHORITY = 48000 };

static const struct oct_lease_rules plain = {TTL, 0, 0};

/* Acquired by a request of moment 0 whose answer took no time, without jitter. */
static struct oct_lease begun(const struct oct_lease_rules *rules, const struct oct_lease *session)
{
    struct oct_grant grant = {0, 0, rules->ttl_ms, -1, 0};
    struct oct_lease lease;
    oct_lease_begin(&lease, rules, &grant, session);
    return lease;
}

/* ---- authority ---- */

static void test_margins(void)
{
    static const struct {
        const char *name;
        int64_t ttl_ms;
        int64_t least_ms;
        int64_t want;
    } cases[] = {
        {"a fifth", 60000, 0, 12000},
        {"a fifth, rounded up", 60001, 0, 12001},
        {"a fifth is half a second", 2500, 0, 500},
        {"a fifth is a little more", 2501, 0, 501},
        {"half a second is more", 2499, 0, 500},
        {"the shortest TTL", 1, 0, 500},
        {"least below it", 60000, 11999, 12000},
        {"least beyond it", 60000, 12001, 12001},
        {"least beyond half a second", 1000, 501, 501},
        {"the longest TTL", 3600000, 0, 720000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_INT(cases[i].name, oct_lease_margin_ms(cases[i].ttl_ms, cases[i].least_ms),
                  cases[i].want);
    }
}

static void test_authority(void)
{
    static const struct {
        const char *name;
        struct oct_lease_rules rules;
        int64_t sent_ms;
        int64_t answered_ms;
        int64_t left_ms; /* at the answer */
    } cases[] = {
        {"an answer at once", {TTL, 0, 0}, 0, 0, 48000},
        {"from the request on", {TTL, 0, 0}, 1000, 11000, 38000},
        {"a wider margin", {TTL, 20000, 0}, 0, 0, 40000},
        {"answered in the last moment", {TTL, 0, 0}, 0, 47999, 1},
        {"answered at the deadline", {TTL, 0, 0}, 0, 48000, 0},
        {"answered after it", {TTL, 0, 0}, 0, 70000, 0},
        {"a TTL that is all margin", {500, 0, 0}, 0, 0, 0},
        {"one millisecond more", {501, 0, 0}, 0, 0, 1},
        {"a margin beyond the TTL", {TTL, 70000, 0}, 0, 0, 0},
        {"held for less", {TTL, 0, 5000}, 1000, 2000, 4000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_grant grant = {cases[i].sent_ms, cases[i].answered_ms, cases[i].rules.ttl_ms, -1,
                                  0};
        struct oct_lease lease;
        oct_lease_begin(&lease, &cases[i].rules, &grant, NULL);
        CHECK_INT(cases[i].name, oct_lease_ending(&lease, cases[i].answered_ms),
                  cases[i].left_ms > 0 ? OCT_LEASE_HELD : OCT_LEASE_UNCERTAIN);
        CHECK_INT(cases[i].name, oct_lease_remaining_ms(&lease, cases[i].answered_ms),
                  cases[i].left_ms);
    }
}

/* The TTL that the acquire asked for counts, not the one that renewals will ask for. */
static void test_first_ttl(void)
{
    struct oct_grant grant = {0, 0, 10000, -1, 0};
    struct oct_lease lease;
    oct_lease_begin(&lease, &plain, &grant, NULL);
    CHECK_INT("first TTL", oct_lease_remaining_ms(&lease, 0), 8000);
    CHECK_INT("first TTL", lease.server_end_ms, 10000);
}

/* ---- the end ---- */

/* Asked for the first time at this moment, which may lie behind several ends. */
static void test_endings(void)
{
    static const struct {
        const char *name;
        int64_t max_hold_ms;
        int64_t session_ttl_ms; /* 0: no session */
        enum oct_ending session_ending;
        int64_t now_ms;
        enum oct_ending want;
    } cases[] = {
        {"before its deadline", 0, 0, OCT_LEASE_HELD, 47999, OCT_LEASE_HELD},
        {"at its deadline", 0, 0, OCT_LEASE_HELD, 48000, OCT_LEASE_UNCERTAIN},
        {"before the session's deadline", 0, 30000, OCT_LEASE_HELD, 23999, OCT_LEASE_HELD},
        {"at the session's deadline", 0, 30000, OCT_LEASE_HELD, 24000, OCT_LEASE_UNCERTAIN},
        {"a longer session, before", 0, 90000, OCT_LEASE_HELD, 47999, OCT_LEASE_HELD},
        {"a longer session, at", 0, 90000, OCT_LEASE_HELD, 48000, OCT_LEASE_UNCERTAIN},
        {"session lost", 0, 90000, OCT_LEASE_LOST, 1, OCT_LEASE_SESSION},
        {"session uncertain", 0, 90000, OCT_LEASE_UNCERTAIN, 1, OCT_LEASE_UNCERTAIN},
        {"session released", 0, 90000, OCT_LEASE_RELEASED, 1, OCT_LEASE_RELEASED},
        {"session forked", 0, 90000, OCT_LEASE_FORKED, 1, OCT_LEASE_FORKED},
        {"before max_hold", 20000, 0, OCT_LEASE_HELD, 19999, OCT_LEASE_HELD},
        {"at max_hold", 20000, 0, OCT_LEASE_HELD, 20000, OCT_LEASE_MAX_HOLD},
        {"max_hold before the deadline, both over", 47999, 0, OCT_LEASE_HELD, 90000,
         OCT_LEASE_MAX_HOLD},
        {"max_hold at the deadline", 48000, 0, OCT_LEASE_HELD, 48000, OCT_LEASE_MAX_HOLD},
        {"max_hold after the deadline, both over", 48001, 0, OCT_LEASE_HELD, 90000,
         OCT_LEASE_UNCERTAIN},
        {"max_hold before the session's, both over", 23999, 30000, OCT_LEASE_HELD, 47000,
         OCT_LEASE_MAX_HOLD},
        {"max_hold after the session's, both over", 24001, 30000, OCT_LEASE_HELD, 47000,
         OCT_LEASE_UNCERTAIN},
        {"deadline over, session lost", 0, 90000, OCT_LEASE_LOST, 48000, OCT_LEASE_UNCERTAIN},
        {"max_hold over, session lost", 20000, 90000, OCT_LEASE_LOST, 20000, OCT_LEASE_MAX_HOLD},
        {"max_hold to come, session lost", 20000, 90000, OCT_LEASE_LOST, 19999, OCT_LEASE_SESSION},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_lease_rules rules = {TTL, 0, cases[i].max_hold_ms};
        struct oct_lease_rules of_session = {cases[i].session_ttl_ms, 0, 0};
        struct oct_lease session = begun(&of_session, NULL);
        struct oct_lease lease = begun(&rules, cases[i].session_ttl_ms > 0 ? &session : NULL);
        session.ending = cases[i].session_ending;
        CHECK_INT(cases[i].name, oct_lease_ending(&lease, cases[i].now_ms), cases[i].want);
        CHECK(cases[i].name,
              (oct_lease_remaining_ms(&lease, cases[i].now_ms) > 0) == (cases[i].want == 0));
        CHECK_INT(cases[i].name, oct_lease_report(&lease, cases[i].now_ms), cases[i].want != 0);
    }
}

static void test_names(void)
{
    static const char *const names[] = {"held",    "lost",   "uncertain", "released",
                                        "session", "forked", "max_hold"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        CHECK_TEXT("name", oct_ending_name((enum oct_ending)i), names[i]);
    }
}

static void test_one_end(void)
{
    for (int first = OCT_LEASE_LOST; first <= OCT_LEASE_MAX_HOLD; first++) {
        const char *name = oct_ending_name((enum oct_ending)first);
        struct oct_lease lease = begun(&plain, NULL);
        CHECK(name, !oct_lease_report(&lease, 10));
        CHECK(name, oct_lease_end(&lease, 10, (enum oct_ending)first));
        for (int second = OCT_LEASE_LOST; second <= OCT_LEASE_MAX_HOLD; second++) {
            CHECK(name, !oct_lease_end(&lease, 11, (enum oct_ending)second));
        }
        CHECK_INT(name, oct_lease_ending(&lease, 99999), first);
        CHECK(name, oct_lease_report(&lease, 99999));
        CHECK(name, !oct_lease_report(&lease, 99999));
        CHECK_INT(name, oct_lease_wake_ms(&lease, 12), INT64_MAX);
        CHECK(name, !oct_lease_is_due(&lease, 47000));
    }
    struct oct_lease late = begun(&plain, NULL);
    CHECK("ended by time", !oct_lease_end(&late, 48000, OCT_LEASE_RELEASED));
    CHECK_INT("ended by time", late.ending, OCT_LEASE_UNCERTAIN);
}

/* Nothing revives a lease: an answer, a clock that runs backwards, a session that lives.
 */
static void test_no_revival(void)
{
    struct oct_grant grant = {47999, 48001, TTL, -1, 0};
    struct oct_lease session = begun(&plain, NULL);
    struct oct_lease lease = begun(&plain, &session);
    CHECK_INT("over", oct_lease_ending(&lease, 48000), OCT_LEASE_UNCERTAIN);
    CHECK("an answer", !oct_lease_renewed(&lease, &grant));
    oct_lease_renewal_failed(&lease, 48002, -1, false, 0);
    session.deadline_ms = 99999;
    CHECK_INT("earlier", oct_lease_ending(&lease, 0), OCT_LEASE_UNCERTAIN);
    CHECK_INT("earlier", oct_lease_remaining_ms(&lease, 0), 0);
    CHECK("earlier", !oct_lease_is_due(&lease, 47000));
    CHECK_INT("earlier", oct_lease_wake_ms(&lease, 0), INT64_MAX);
    CHECK("earlier", oct_lease_report(&lease, 0));
    CHECK("earlier", !oct_lease_report(&lease, 0));
}

/* ---- renewals ---- */

static void test_answers(void)
{
    static const struct {
        const char *name;
        struct oct_grant grant;
        bool good;
        int64_t deadline_ms;
        int64_t server_end_ms;
    } cases[] = {
        {"in time", {20000, 21000, TTL, -1, 0}, true, 68000, 81000},
        {"in the last moment", {20000, 47999, TTL, -1, 0}, true, 68000, 107999},
        {"at the deadline", {20000, 48000, TTL, -1, 0}, false, 48000, 108000},
        {"after it", {20000, 50000, TTL, -1, 0}, false, 48000, 110000},
        {"asked for more", {20000, 21000, 2 * TTL, -1, 0}, true, 116000, 141000},
        {"an old one never shortens", {-5000, 21000, TTL, -1, 0}, true, 48000, 81000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_lease lease = begun(&plain, NULL);
        oct_lease_renewal_sent(&lease, 20000);
        CHECK(cases[i].name, oct_lease_renewed(&lease, &cases[i].grant) == cases[i].good);
        CHECK(cases[i].name, oct_lease_is_due(&lease, lease.renew_at_ms) == cases[i].good);
        CHECK_INT(cases[i].name, lease.deadline_ms, cases[i].deadline_ms);
        CHECK_INT(cases[i].name, lease.server_end_ms, cases[i].server_end_ms);
        CHECK_INT(cases[i].name, lease.ending,
                  cases[i].good ? OCT_LEASE_HELD : OCT_LEASE_UNCERTAIN);
    }
}

static void test_plans(void)
{
    static const struct {
        const char *name;
        int64_t ttl_ms;
        int64_t answered_ms;
        int64_t hint_ms;
        double random;
        int64_t want;
    } cases[] = {
        {"half the TTL", TTL, 0, -1, 0, 30000},
        {"two thirds of what is left", TTL, 12000, -1, 0, 12000 + 24000},
        {"half the TTL is two thirds", TTL, 3000, -1, 0, 33000},
        {"a little less is left", TTL, 3003, -1, 0, 3003 + 29998},
        {"a hint", TTL, 0, 20000, 0, 20000},
        {"a hint counts from the answer", TTL, 2000, 20000, 0, 22000},
        {"a hint beyond half the TTL", TTL, 0, 30001, 0, 30000},
        {"the largest hint", TTL, 0, INT64_MAX, 0, 30000},
        {"half of the jitter", TTL, 0, -1, 0.5, 28500},
        {"all of the jitter", TTL, 0, -1, ALMOST_ONE, 27001},
        {"a hint has jitter", TTL, 0, 20000, 0.5, 19000},
        {"a hint of zero", TTL, 0, 0, 0, 1000},
        {"a hint below the floor", TTL, 0, 999, 0, 1000},
        {"a hint beyond the floor", TTL, 0, 1001, 0, 1001},
        {"jitter does not undercut the floor", TTL, 0, 1001, ALMOST_ONE, 1000},
        {"a quarter is the floor", 4500, 0, 0, 0, 900},
        {"a quarter is a second", 5000, 0, 0, 0, 1000},
        {"little is left", TTL, 47996, -1, 0, 47998},
        {"the last millisecond", TTL, 47999, -1, 0, 47999},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_lease_rules rules = {cases[i].ttl_ms, 0, 0};
        struct oct_grant grant = {0, cases[i].answered_ms, cases[i].ttl_ms, cases[i].hint_ms,
                                  cases[i].random};
        struct oct_lease lease;
        oct_lease_begin(&lease, &rules, &grant, NULL);
        CHECK_INT(cases[i].name, oct_lease_wake_ms(&lease, cases[i].answered_ms), cases[i].want);
        CHECK(cases[i].name, cases[i].want == cases[i].answered_ms ||
                                 !oct_lease_is_due(&lease, cases[i].want - 1));
        CHECK(cases[i].name, oct_lease_is_due(&lease, cases[i].want));
    }
}

/* When none is to be sent, the lease wakes for its end. */
static void test_none_planned(void)
{
    struct oct_lease lease = begun(&plain, NULL);
    oct_lease_renewal_sent(&lease, 30000);
    CHECK("in flight", !oct_lease_is_due(&lease, 47999));
    CHECK_INT("in flight", oct_lease_wake_ms(&lease, 30000), 48000);

    static const struct {
        const char *name;
        int64_t max_hold_ms;
        int64_t session_deadline_ms;
        int64_t wake_ms;
    } cases[] = {
        {"max_hold at the renewal", 30000, INT64_MAX, 30000},
        {"max_hold after the renewal", 30001, INT64_MAX, 30000},
        {"max_hold before the renewal", 29999, INT64_MAX, 29999},
        {"session's deadline at the renewal", 0, 30000, 30000},
        {"session's deadline before it", 0, 29999, 29999},
        {"session's deadline after it", 0, 30001, 30000},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_lease_rules rules = {TTL, 0, cases[i].max_hold_ms};
        struct oct_lease session = begun(&plain, NULL);
        session.deadline_ms = cases[i].session_deadline_ms;
        lease = begun(&rules, &session);
        bool due = cases[i].max_hold_ms == 30001 || cases[i].session_deadline_ms == 30001;
        CHECK_INT(cases[i].name, oct_lease_wake_ms(&lease, 0), cases[i].wake_ms);
        CHECK(cases[i].name, oct_lease_is_due(&lease, cases[i].wake_ms) == due);
        CHECK(cases[i].name, (oct_lease_ending(&lease, cases[i].wake_ms) == 0) == due);
    }
}

static void test_budgets(void)
{
    static const struct {
        const char *name;
        int64_t left_ms;
        int64_t want;
    } cases[] = {
        {"a third", 48000, 16000},
        {"a third is the least", 750, 250},
        {"a little more", 753, 251},
        {"the least", 749, 250},
        {"all that is left", 250, 250},
        {"less", 249, 249},
        {"one", 1, 1},
        {"nothing is left", 0, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_lease lease = begun(&plain, NULL);
        CHECK_INT(cases[i].name, oct_lease_renewal_sent(&lease, AUTHORITY - cases[i].left_ms),
                  cases[i].want);
    }
}

static void test_retries(void)
{
    static const struct {
        const char *name;
        int attempts; /* that failed before */
        int64_t now_ms;
        int64_t hint_ms;
        double random;
        int64_t delay_ms;
    } cases[] = {
        {"the floor", 0, 30000, -1, 0, 50},
        {"jitter at the floor", 0, 30000, -1, 0.25, 50},
        {"jitter beyond it", 0, 30000, -1, 0.255, 51},
        {"first", 0, 30000, -1, 0.5, 100},
        {"second", 1, 30000, -1, 0.5, 200},
        {"at the cap", 50, 30000, -1, 0.5, 2500},
        {"a hint", 0, 30000, 3000, 0, 3000},
        {"a hint has jitter", 0, 30000, 3000, 0.5, 3100},
        {"a hint of half of what is left", 0, 30000, 9000, 0, 9000},
        {"a hint of more", 0, 30000, 9001, 0, 9000},
        {"the largest hint", 0, 30000, INT64_MAX, ALMOST_ONE, 9000},
        {"half of little", 0, 47800, -1, 0.99, 100},
        {"half is the floor", 0, 47900, -1, 0.99, 50},
        {"half is less than the floor", 0, 47949, -1, 0.99, 50},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct oct_lease lease = begun(&plain, NULL);
        lease.attempts = cases[i].attempts;
        oct_lease_renewal_sent(&lease, 30000);
        oct_lease_renewal_failed(&lease, cases[i].now_ms, cases[i].hint_ms, false, cases[i].random);
        CHECK_INT(cases[i].name, oct_lease_wake_ms(&lease, cases[i].now_ms),
                  cases[i].now_ms + cases[i].delay_ms);
        CHECK_INT(cases[i].name, lease.deadline_ms, AUTHORITY);
    }
}

/* Too late for another try: it wakes for its end. A success starts the backoff anew. */
static void test_after_failures(void)
{
    struct oct_lease lease = begun(&plain, NULL);
    oct_lease_renewal_sent(&lease, 30000);
    oct_lease_renewal_failed(&lease, 47950, -1, false, 0);
    CHECK_INT("no time for another", oct_lease_wake_ms(&lease, 47950), 48000);
    CHECK("no time for another", !oct_lease_is_due(&lease, 47999));

    struct oct_grant grant = {47960, 47970, TTL, -1, 0};
    CHECK("renewed", oct_lease_renewed(&lease, &grant));
    CHECK("the next one", oct_lease_is_due(&lease, 47970 + TTL / 2));
    oct_lease_renewal_sent(&lease, 60000);
    oct_lease_renewal_failed(&lease, 60000, -1, false, 0.5);
    CHECK_INT("the first again", oct_lease_wake_ms(&lease, 60000), 60100);
}

/* Nothing that the server may have been told is forgotten, not even after the end. */
static void test_server_end(void)
{
    struct oct_lease lease = begun(&plain, NULL);
    CHECK_INT("acquired", lease.server_end_ms, 60000);
    oct_lease_renewal_failed(&lease, 30000, -1, false, 0);
    CHECK_INT("a failure that did not land", lease.server_end_ms, 60000);
    oct_lease_renewal_failed(&lease, 31000, -1, true, 0);
    CHECK_INT("one that may have", lease.server_end_ms, 91000);
    struct oct_grant sooner = {20000, 21000, TTL, -1, 0};
    oct_lease_renewed(&lease, &sooner);
    CHECK_INT("never less", lease.server_end_ms, 91000);
    CHECK("released", oct_lease_end(&lease, 32000, OCT_LEASE_RELEASED));
    CHECK_INT("outlives the end", lease.server_end_ms, 91000);
    oct_lease_renewal_failed(&lease, 33000, -1, true, 0);
    CHECK_INT("failed after the end", lease.server_end_ms, 93000);
    struct oct_grant late = {32000, 34000, TTL, -1, 0};
    CHECK("answered after the end", !oct_lease_renewed(&lease, &late));
    CHECK_INT("answered after the end", lease.server_end_ms, 94000);
    CHECK_INT("answered after the end", lease.deadline_ms, 68000);
}

/* ---- extremes ---- */

/* Nothing overflows (the sanitizer tells) and a plan lies strictly before the deadline. */
static void test_extremes(void)
{
    static const int64_t times[] = {0, 1, 1000000000000, LATEST - 3600000, LATEST};
    static const int64_t ttls[] = {1, 500, 501, 502, 1000, 5000, 3600000};
    static const int64_t hints[] = {-1, 0, 1, 3600000, LATEST, INT64_MAX};
    static const double randoms[] = {0, 0.5, ALMOST_ONE};
    for (size_t i = 0; i < COUNT_OF(times) * COUNT_OF(ttls); i++) {
        for (size_t j = 0; j < COUNT_OF(hints) * COUNT_OF(randoms); j++) {
            int64_t now_ms = times[i % COUNT_OF(times)];
            int64_t hint_ms = hints[j % COUNT_OF(hints)];
            double random = randoms[j / COUNT_OF(hints)];
            struct oct_lease_rules rules = {ttls[i / COUNT_OF(times)], 0, 0};
            struct oct_grant grant = {now_ms, now_ms, rules.ttl_ms, hint_ms, random};
            struct oct_lease lease;
            oct_lease_begin(&lease, &rules, &grant, NULL);
            bool held = rules.ttl_ms > 500;
            CHECK("extremes", (oct_lease_ending(&lease, now_ms) == OCT_LEASE_HELD) == held);
            CHECK("a plan in time",
                  !held || (lease.renew_at_ms >= now_ms && lease.renew_at_ms < lease.deadline_ms));
            CHECK("a budget", oct_lease_renewal_sent(&lease, now_ms) > 0);
            oct_lease_renewal_failed(&lease, now_ms, hint_ms, true, random);
            CHECK("a retry", !held || lease.renew_at_ms >= now_ms + 50);
            CHECK("renewed", oct_lease_renewed(&lease, &grant) == held);
            CHECK_INT("the whole lease", lease.server_end_ms, now_ms + rules.ttl_ms);
            CHECK("over", oct_lease_ending(&lease, LATEST + 3600000) != OCT_LEASE_HELD);
        }
    }
}

int main(void)
{
    test_margins();
    test_authority();
    test_first_ttl();
    test_endings();
    test_names();
    test_one_end();
    test_no_revival();
    test_answers();
    test_plans();
    test_none_planned();
    test_budgets();
    test_retries();
    test_after_failures();
    test_server_end();
    test_extremes();
    return check_report();
}
