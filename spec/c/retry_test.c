/* Unit tests of src/core/retry.c: bounds of the delay, hints, extremes.
 * Uses: check.h, src/core.
 * Owner: nobody. */
#include "core/retry.h"

#include "check.h"

#include <limits.h>

#define ALMOST_ONE 0.99999999999999988898 /* the largest double below 1 */

static void test_delays(void)
{
    static const struct {
        const char *name;
        struct oct_retry_policy policy;
        int attempt;
        int64_t hint_ms;
        double random;
        int64_t want;
    } cases[] = {
        {"no jitter is no delay", {100, 5000}, 1, -1, 0, 0},
        {"first", {100, 5000}, 1, -1, 0.5, 50},
        {"second doubles", {100, 5000}, 2, -1, 0.5, 100},
        {"third doubles again", {100, 5000}, 3, -1, 0.5, 200},
        {"below the cap", {100, 5000}, 6, -1, 0.5, 1600},
        {"at the cap", {100, 5000}, 7, -1, 0.5, 2500},
        {"stays at the cap", {100, 5000}, 1000, -1, 0.5, 2500},
        {"jitter stays below its bound", {100, 5000}, 1, -1, ALMOST_ONE, 99},
        {"base above the cap", {9000, 5000}, 1, -1, 0.5, 2500},
        {"cap of zero", {100, 0}, 9, -1, 0.9, 0},
        {"base of zero", {0, 5000}, INT_MAX, -1, 0.9, 0},
        {"attempt zero counts as the first", {100, 5000}, 0, -1, 0.5, 50},
        {"hint and no jitter", {100, 5000}, 1, 700, 0, 700},
        {"jitter on top of a hint", {100, 5000}, 1, 700, 0.5, 750},
        {"a hint beyond the cap", {100, 5000}, 1, 60000, 0.5, 60050},
        {"a hint of zero", {100, 5000}, 1, 0, 0.5, 50},
        {"largest hint", {100, 5000}, 1, INT64_MAX, 0.5, INT64_MAX},
        {"largest hint but one", {100, 5000}, 1, INT64_MAX - 50, 0.5, INT64_MAX},
        {"largest hint that fits", {100, 5000}, 1, INT64_MAX - 51, 0.5, INT64_MAX - 1},
        {"smallest hint", {100, 5000}, 1, INT64_MIN, 0.5, 50},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_INT(cases[i].name,
                  oct_retry_delay_ms(&cases[i].policy, cases[i].attempt, cases[i].hint_ms,
                                     cases[i].random),
                  cases[i].want);
    }
}

/* The largest cap must not overflow, at whichever attempt the doubling arrives there. */
static void test_extremes(void)
{
    static const int64_t bases[] = {1, 3, 1000, INT64_MAX / 2, INT64_MAX / 2 + 1, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(bases); i++) {
        struct oct_retry_policy policy = {bases[i], INT64_MAX};
        for (int attempt = 1; attempt < 80; attempt++) {
            int64_t delay = oct_retry_delay_ms(&policy, attempt, -1, ALMOST_ONE);
            CHECK("cap of INT64_MAX", delay >= 0 && (attempt < 65 || delay > INT64_MAX / 2));
        }
        CHECK_INT("last attempt", oct_retry_delay_ms(&policy, INT_MAX, 1, 0), 1);
    }
}

int main(void)
{
    test_delays();
    test_extremes();
    return check_report();
}
