#if defined(__linux__)
#define _GNU_SOURCE
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif

#include "transport/clock.h"

#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#if defined(CLOCK_BOOTTIME)
#define OCT_CLOCK CLOCK_BOOTTIME
#define OCT_COUNTS_SUSPEND true
#elif defined(__APPLE__)
#define OCT_CLOCK CLOCK_MONOTONIC_RAW
#define OCT_COUNTS_SUSPEND true
#else
#define OCT_CLOCK CLOCK_MONOTONIC
#define OCT_COUNTS_SUSPEND false
#endif

int64_t oct_clock_ms(void)
{
    struct timespec now;
    clock_gettime(OCT_CLOCK, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double oct_clock_seconds(void)
{
    struct timespec now;
    clock_gettime(OCT_CLOCK, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

bool oct_clock_counts_suspend(void)
{
    return OCT_COUNTS_SUSPEND;
}

double oct_random(void)
{
    uint64_t bits = 0;
    if (getentropy(&bits, sizeof bits) != 0) {
        struct timespec now;
        clock_gettime(OCT_CLOCK, &now);
        bits = (uint64_t)now.tv_nsec * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)getpid();
    }
    return (double)(bits >> 11) / 9007199254740992.0;
}
