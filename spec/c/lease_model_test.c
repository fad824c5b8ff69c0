/* A model checker of src/core/lease.c: every order of events up to a depth, beside a model of the
 * server, which may have processed a request at any moment between its sending and its answer.
 * Uses: check.h, src/core.
 * Owner: the set of states that were seen is this file's, for the whole run. */
#include "core/lease.h"

#include "check.h"

#include <stdlib.h>

enum { DEPTH = 6, TTL = 3000, SESSION_TTL = 2600, SEEN_BITS = 21 };

/* What the server may believe: it counts the lease at least until `least_ms` and at most until
 * `most_ms`, whenever it processed what it was sent. Zero: it is proved that it does not. */
struct belief {
    int64_t least_ms;
    int64_t most_ms;
};

struct world {
    struct oct_lease lease;
    struct oct_lease session;
    struct belief of_lease;
    struct belief of_session;
    int64_t now_ms;
    int64_t sent_ms; /* of the renewal in flight */
    int reports;
};

enum event {
    TICK,
    STEP,
    BEFORE_WAKE,
    AT_WAKE,
    AFTER_WAKE,
    BEFORE_DEADLINE,
    AT_DEADLINE,
    AFTER_DEADLINE,
    AT_SESSION_DEADLINE,
    SEND,
    ANSWER,
    ANSWER_HINT_0,
    FAIL,
    FAIL_LANDED,
    FAIL_LONG_HINT,
    PROVE_GONE,
    RELEASE,
    LOSE_SESSION,
    CLOSE_SESSION,
    KEEP_SESSION,
    REPORT,
    EVENTS
};

static const char *const event_names[EVENTS] = {
    "tick",          "step",         "before wake",     "at wake", "after wake", "before end",
    "at end",        "after end",    "session's end",   "send",    "answer",     "answer, hint 0",
    "fail",          "fail landed",  "fail, long hint", "gone",    "release",    "lose session",
    "close session", "keep session", "report"};

static bool has_session(const struct world *world)
{
    return world->session.rules.ttl_ms > 0;
}

/* ---- events ---- */

/* Where time goes to; not later than now when that is behind. */
static int64_t moment(struct world *world, enum event event)
{
    int64_t wake_ms = oct_lease_wake_ms(&world->lease, world->now_ms);
    if (event >= BEFORE_WAKE && event <= AFTER_WAKE) {
        return wake_ms == INT64_MAX ? 0 : wake_ms + event - AT_WAKE;
    }
    if (event >= BEFORE_DEADLINE && event <= AFTER_DEADLINE) {
        return world->lease.deadline_ms + event - AT_DEADLINE;
    }
    if (event == AT_SESSION_DEADLINE) {
        return has_session(world) ? world->session.deadline_ms : 0;
    }
    return world->now_ms + (event == TICK ? 1 : TTL / 3);
}

static void landed(struct belief *belief, int64_t ttl_ms, int64_t now_ms)
{
    if (belief->most_ms < now_ms + ttl_ms) {
        belief->most_ms = now_ms + ttl_ms;
    }
}

static void granted(struct belief *belief, const struct oct_grant *grant)
{
    landed(belief, grant->ttl_ms, grant->answered_ms);
    if (belief->least_ms != 0 && belief->least_ms < grant->sent_ms + grant->ttl_ms) {
        belief->least_ms = grant->sent_ms + grant->ttl_ms;
    }
}

static void answer(struct world *world, int64_t hint_ms)
{
    struct oct_grant grant = {world->sent_ms, world->now_ms, TTL, hint_ms, 0.5};
    granted(&world->of_lease, &grant);
    oct_lease_renewed(&world->lease, &grant);
}

static void fail(struct world *world, int64_t hint_ms, bool may_have_landed)
{
    if (may_have_landed) {
        landed(&world->of_lease, TTL, world->now_ms);
    }
    oct_lease_renewal_failed(&world->lease, world->now_ms, hint_ms, may_have_landed, 0.5);
}

static void end_session(struct world *world, enum oct_ending reason)
{
    world->of_session.least_ms = 0;
    oct_lease_end(&world->session, world->now_ms, reason);
}

static void keep_session(struct world *world)
{
    struct oct_grant grant = {world->now_ms - 1, world->now_ms, SESSION_TTL, -1, 0.5};
    granted(&world->of_session, &grant);
    oct_lease_renewed(&world->session, &grant);
}

static void end(struct world *world, enum oct_ending reason)
{
    world->of_lease.least_ms = 0;
    oct_lease_end(&world->lease, world->now_ms, reason);
}

static bool is_possible(struct world *world, enum event event)
{
    if (event < SEND) {
        return moment(world, event) > world->now_ms;
    }
    if (event == SEND) {
        return !world->lease.renewing && world->lease.ending == OCT_LEASE_HELD;
    }
    if (event <= FAIL_LONG_HINT) {
        return world->lease.renewing;
    }
    return event < LOSE_SESSION || event > KEEP_SESSION || has_session(world);
}

static void happen(struct world *world, enum event event)
{
    switch (event) {
    case SEND:
        world->sent_ms = world->now_ms;
        oct_lease_renewal_sent(&world->lease, world->now_ms);
        break;
    case ANSWER:
    case ANSWER_HINT_0:
        answer(world, event == ANSWER ? -1 : 0);
        break;
    case FAIL:
    case FAIL_LANDED:
        fail(world, -1, event == FAIL_LANDED);
        break;
    case FAIL_LONG_HINT:
        fail(world, INT64_MAX, false);
        break;
    case PROVE_GONE:
    case RELEASE:
        end(world, event == RELEASE ? OCT_LEASE_RELEASED : OCT_LEASE_LOST);
        break;
    case LOSE_SESSION:
    case CLOSE_SESSION:
        end_session(world, event == LOSE_SESSION ? OCT_LEASE_LOST : OCT_LEASE_RELEASED);
        break;
    case KEEP_SESSION:
        keep_session(world);
        break;
    case REPORT:
        world->reports += oct_lease_report(&world->lease, world->now_ms);
        break;
    default:
        world->now_ms = moment(world, event);
    }
}

/* ---- what holds in every state ---- */

/* Each looks at a copy: in the search a lease may well pass its end without being asked. */

/* Also when the server's clock has stepped forward by as much as the margin, at least a fifth. */
static bool is_counted(const struct belief *belief, const struct oct_lease_rules *rules,
                       int64_t end_ms)
{
    int64_t fifth_ms = rules->ttl_ms / 5;
    int64_t margin_ms = rules->margin_ms > fifth_ms ? rules->margin_ms : fifth_ms;
    return end_ms + margin_ms <= belief->least_ms;
}

static bool has_right_authority(struct world world)
{
    int64_t left_ms = oct_lease_remaining_ms(&world.lease, world.now_ms);
    int64_t end_ms = world.now_ms + left_ms;
    return left_ms == 0 ||
           (is_counted(&world.of_lease, &world.lease.rules, end_ms) &&
            (!has_session(&world) || is_counted(&world.of_session, &world.session.rules, end_ms)));
}

static bool knows_the_servers_end(struct world world)
{
    return world.lease.server_end_ms >= world.of_lease.most_ms;
}

static bool is_reported_once(struct world world)
{
    world.reports += oct_lease_report(&world.lease, world.now_ms);
    world.reports += oct_lease_report(&world.lease, world.now_ms);
    return world.reports == (world.lease.ending != OCT_LEASE_HELD);
}

static bool wakes_for_something(struct world world)
{
    int64_t wake_ms = oct_lease_wake_ms(&world.lease, world.now_ms);
    if (world.lease.ending != OCT_LEASE_HELD) {
        return wake_ms == INT64_MAX && !oct_lease_is_due(&world.lease, world.now_ms);
    }
    return (wake_ms > world.now_ms) != oct_lease_is_due(&world.lease, world.now_ms);
}

/* From wake to wake, whatever is sent stays unanswered: one for a renewal, one for the end. */
static bool comes_to_an_end(struct world world)
{
    struct oct_lease lease = world.lease;
    int64_t now_ms = world.now_ms;
    for (int i = 0; i < 2 && oct_lease_ending(&lease, now_ms) == OCT_LEASE_HELD; i++) {
        now_ms = oct_lease_wake_ms(&lease, now_ms);
        if (oct_lease_is_due(&lease, now_ms)) {
            oct_lease_renewal_sent(&lease, now_ms);
        }
    }
    return oct_lease_ending(&lease, now_ms) != OCT_LEASE_HELD;
}

/* Nor would it when the clock ran backwards. */
static bool stays_ended(const struct world *before, const struct world *after)
{
    struct oct_lease lease = after->lease;
    return before->lease.ending == OCT_LEASE_HELD ||
           (oct_lease_ending(&lease, after->now_ms) == before->lease.ending &&
            oct_lease_ending(&lease, 0) == before->lease.ending &&
            lease.deadline_ms == before->lease.deadline_ms);
}

static enum oct_ending ending_of(struct world world)
{
    world.lease.session = has_session(&world) ? &world.session : NULL;
    return oct_lease_ending(&world.lease, world.now_ms);
}

/* Also an end that nobody has looked at, its session's too. */
static bool is_never_revived(const struct world *before, const struct world *after)
{
    return ending_of(*before) == OCT_LEASE_HELD || ending_of(*after) != OCT_LEASE_HELD;
}

/* Also one that nobody has looked at since it passed. */
static bool moves_only_ahead(const struct world *before, const struct world *after)
{
    bool passed = after->now_ms >= before->lease.deadline_ms;
    return passed ? after->lease.deadline_ms == before->lease.deadline_ms
                  : after->lease.deadline_ms >= before->lease.deadline_ms;
}

static const struct {
    const char *name;
    bool (*holds)(struct world world);
} invariants[] = {
    {"authority ends a margin before the server's lease can", has_right_authority},
    {"what the server may still count is known", knows_the_servers_end},
    {"an end is reported exactly once", is_reported_once},
    {"it wakes for something, and for nothing after the end", wakes_for_something},
    {"without answers it ends", comes_to_an_end},
};

static const struct {
    const char *name;
    bool (*holds)(const struct world *before, const struct world *after);
} steps[] = {
    {"it stays ended, for its one reason", stays_ended},
    {"an end is not undone", is_never_revived},
    {"a deadline never shortens, nor lengthens once it has passed", moves_only_ahead},
};

/* ---- the search ---- */

static uint64_t *seen; /* hashes, each at its place or in the next free one; never near full */
static size_t states;
static enum event trail[DEPTH];
static bool violated[COUNT_OF(invariants) + COUNT_OF(steps)];

/* The first violation of each is told. */
static void require(bool good, size_t which, const char *name, int depth)
{
    if (good || violated[which]) {
        return;
    }
    violated[which] = true;
    printf("not so: %s, after:", name);
    for (int i = 0; i < depth; i++) {
        printf(" [%s]", event_names[trail[i]]);
    }
    printf("\n");
}

static uint64_t mix(uint64_t hash, int64_t value)
{
    hash = (hash ^ (uint64_t)value) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 29;
}

static uint64_t hash_lease(uint64_t hash, const struct oct_lease *lease)
{
    hash = mix(mix(hash, lease->deadline_ms), lease->renew_at_ms);
    hash = mix(mix(hash, lease->server_end_ms), lease->attempts);
    return mix(hash, (int64_t)lease->ending * 4 + lease->renewing * 2 + lease->reported);
}

/* Whether a state was met before with as many events to come. */
static bool was_seen(const struct world *world, int depth)
{
    uint64_t hash = hash_lease(hash_lease((uint64_t)depth, &world->lease), &world->session);
    hash = mix(mix(hash, world->of_lease.least_ms), world->of_lease.most_ms);
    hash = mix(mix(hash, world->of_session.least_ms), world->now_ms);
    hash = mix(mix(hash, world->sent_ms), world->reports) | 1; /* not 0, which is a free place */
    size_t place = (size_t)(hash >> (64 - SEEN_BITS));
    while (seen[place] != 0 && seen[place] != hash) {
        place = (place + 1) % ((size_t)1 << SEEN_BITS);
    }
    bool found = seen[place] == hash;
    seen[place] = hash;
    return found;
}

static void explore(const struct world *before, int depth);

static void follow(const struct world *before, enum event event, int depth)
{
    struct world after = *before;
    after.lease.session = has_session(before) ? &after.session : NULL;
    if (!is_possible(&after, event)) {
        return;
    }
    trail[depth] = event;
    happen(&after, event);
    for (size_t i = 0; i < COUNT_OF(invariants); i++) {
        require(invariants[i].holds(after), i, invariants[i].name, depth + 1);
    }
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        require(steps[i].holds(before, &after), COUNT_OF(invariants) + i, steps[i].name, depth + 1);
    }
    if (!was_seen(&after, depth)) {
        states++;
        explore(&after, depth + 1);
    }
}

static void explore(const struct world *before, int depth)
{
    for (int event = 0; depth < DEPTH && event < EVENTS; event++) {
        follow(before, (enum event)event, depth);
    }
}

static struct world beginning(const struct oct_lease_rules *rules, bool in_session)
{
    static const struct oct_lease_rules of_session = {SESSION_TTL, 0, 0};
    struct oct_grant first = {0, 10, SESSION_TTL, -1, 0.5};
    struct oct_grant second = {10, 100, TTL, -1, 0.5};
    struct world world;
    memset(&world, 0, sizeof world);
    world.of_lease.least_ms = world.of_session.least_ms = 1;
    if (in_session) {
        oct_lease_begin(&world.session, &of_session, &first, NULL);
        granted(&world.of_session, &first);
    }
    oct_lease_begin(&world.lease, rules, &second, in_session ? &world.session : NULL);
    granted(&world.of_lease, &second);
    world.now_ms = second.answered_ms;
    return world;
}

static void test_every_order(void)
{
    static const struct {
        const char *name;
        struct oct_lease_rules rules;
        bool in_session;
    } cases[] = {
        {"alone", {TTL, 0, 0}, false},
        {"in a session", {TTL, 0, 0}, true},
        {"max_hold", {TTL, 1000, 2500}, false},
        {"max_hold in a session", {TTL, 0, 2500}, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world world = beginning(&cases[i].rules, cases[i].in_session);
        memset(seen, 0, sizeof *seen << SEEN_BITS);
        memset(violated, 0, sizeof violated);
        states = 0;
        explore(&world, 0);
        CHECK(cases[i].name, states > 1000 && states < (size_t)1 << (SEEN_BITS - 1));
        for (size_t j = 0; j < COUNT_OF(violated); j++) {
            CHECK(cases[i].name, !violated[j]);
        }
    }
}

/* ---- storms ---- */

enum outcome { RENEWED, FAILED };

/* How many renewals go out in two TTLs when each is answered at once. */
static int renewals(enum outcome outcome, int64_t hint_ms, double random)
{
    static const struct oct_lease_rules rules = {TTL, 0, 0};
    struct world world = beginning(&rules, false);
    int count = 0;
    for (int turn = 0; turn < TTL && world.now_ms < 2 * TTL; turn++) {
        struct oct_grant grant = {world.now_ms, world.now_ms, TTL, hint_ms, random};
        if (oct_lease_is_due(&world.lease, world.now_ms)) {
            count++;
            oct_lease_renewal_sent(&world.lease, world.now_ms);
            if (outcome == RENEWED) {
                oct_lease_renewed(&world.lease, &grant);
            } else {
                oct_lease_renewal_failed(&world.lease, world.now_ms, hint_ms, true, random);
            }
        }
        world.now_ms = oct_lease_wake_ms(&world.lease, world.now_ms);
    }
    return count;
}

static void test_storms(void)
{
    static const int64_t hints[] = {INT64_MIN, -1, 0, 1, 100, TTL, INT64_MAX};
    static const double randoms[] = {0, 0.01, 0.5, 0.999999};
    for (size_t i = 0; i < COUNT_OF(hints) * COUNT_OF(randoms); i++) {
        int64_t hint_ms = hints[i / COUNT_OF(randoms)];
        double random = randoms[i % COUNT_OF(randoms)];
        int renewed = renewals(RENEWED, hint_ms, random);
        int failed = renewals(FAILED, hint_ms, random);
        CHECK("a quarter of the authority apart", renewed >= 2 && renewed <= 10);
        CHECK("50 ms apart, and more than one try", failed >= 2 && failed <= TTL / 50);
    }
}

int main(void)
{
    seen = malloc(sizeof *seen << SEEN_BITS);
    if (CHECK("memory", seen != NULL)) {
        test_every_order();
    }
    test_storms();
    free(seen);
    return check_report();
}
