/* A check kit for the C unit tests: counts, says which case failed and where, sums up at the end.
 * Uses: libc alone. One program is one translation unit, so the counters are static.
 * Owner: nobody; main() of a test ends with `return check_report();`. */
#ifndef SPEC_CHECK_H
#define SPEC_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_passed;
static int check_failed;

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* `name` is the case, one line of a table; the condition's own text says which part of it. */
#define CHECK(name, condition) check_true(name, condition, #condition, __FILE__, __LINE__)
#define CHECK_INT(name, got, want)                                                                 \
    check_integers(name, (long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(name, got, want) check_texts(name, got, want, #got, __FILE__, __LINE__)

static inline bool check_count(bool good)
{
    check_passed += good;
    check_failed += !good;
    return good;
}

static inline bool check_true(const char *name, bool good, const char *what, const char *file,
                              int line)
{
    if (!check_count(good)) {
        printf("%s:%d: [%s] %s is false\n", file, line, name, what);
    }
    return good;
}

static inline bool check_integers(const char *name, long long got, long long want, const char *what,
                                  const char *file, int line)
{
    if (!check_count(got == want)) {
        printf("%s:%d: [%s] %s is %lld, not %lld\n", file, line, name, what, got, want);
    }
    return got == want;
}

/* NULL equals NULL only. */
static inline bool check_texts(const char *name, const char *got, const char *want,
                               const char *what, const char *file, int line)
{
    bool good = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;
    if (!check_count(good)) {
        printf("%s:%d: [%s] %s is\n    %s\nnot\n    %s\n", file, line, name, what,
               got == NULL ? "(NULL)" : got, want == NULL ? "(NULL)" : want);
    }
    return good;
}

static inline int check_report(void)
{
    printf("%d passed, %d failed\n", check_passed, check_failed);
    return check_failed == 0 ? 0 : 1;
}

#endif
