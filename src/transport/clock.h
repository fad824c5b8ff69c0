/* The clock and the randomness of the library.
 * May use: libc, POSIX. Owns: nothing. */
#ifndef OCT_CLOCK_H
#define OCT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of a clock that no one sets and that goes on while the machine is suspended (Linux
 * CLOCK_BOOTTIME, macOS CLOCK_MONOTONIC_RAW): a lease runs on while a laptop sleeps. */
int64_t oct_clock_ms(void);

/* The same with fractions of a second. */
double oct_clock_seconds(void);

/* False where the platform has no such clock; oct_clock_ms then reads CLOCK_MONOTONIC, good enough
 * for timeouts but not for the authority of a lock. */
bool oct_clock_counts_suspend(void);

/* A number in [0, 1) from the operating system: jitter that two processes do not share. */
double oct_random(void);

#endif
