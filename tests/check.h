/* check.h - the smallest test harness: every check prints both values when it fails, and counts.
 *
 * A test file is a main() of CHECK_* lines that ends with `return check_done();`.  The last line printed is
 * "N passed, N failed, N skipped", which runtests.sh adds up. */
#ifndef DUO_TESTS_CHECK_H
#define DUO_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed, check_skipped;

static inline int check_one(int ok, const char *file, int line, const char *what)
{
    if (ok) check_passed++;
    else    check_failed++, printf("%s:%d: failed: %s", file, line, what);
    return ok;
}

#define CHECK(condition) \
    do { if (!check_one((condition) ? 1 : 0, __FILE__, __LINE__, #condition)) printf("\n"); } while (0)

/* |got - want| <= tolerance, absolute; NAN equals NAN. */
#define CHECK_NEAR(got, want, tolerance)                                                                        \
    do {                                                                                                        \
        double check_g = (got), check_w = (want);                                                               \
        if (!check_one(fabs(check_g - check_w) <= (tolerance) || (isnan(check_g) && isnan(check_w)),            \
                       __FILE__, __LINE__, #got " is " #want))                                                  \
            printf(": got %.17g, want %.17g within %g\n", check_g, check_w, (double)(tolerance));               \
    } while (0)

#define CHECK_INT(got, want)                                                                                    \
    do {                                                                                                        \
        long long check_g = (long long)(got), check_w = (long long)(want);                                      \
        if (!check_one(check_g == check_w, __FILE__, __LINE__, #got " == " #want))                              \
            printf(": got %lld, want %lld\n", check_g, check_w);                                                \
    } while (0)

#define CHECK_TEXT(got, want)                                                                                   \
    do {                                                                                                        \
        const char *check_g = (got), *check_w = (want);                                                         \
        if (!check_one(check_g && strcmp(check_g, check_w) == 0, __FILE__, __LINE__, #got))                     \
            printf(": got \"%s\", want \"%s\"\n", check_g ? check_g : "(null)", check_w);                       \
    } while (0)

/* `got` contains `part`. */
#define CHECK_HAS(got, part)                                                                                    \
    do {                                                                                                        \
        const char *check_g = (got), *check_w = (part);                                                         \
        if (!check_one(check_g && strstr(check_g, check_w) != NULL, __FILE__, __LINE__, #got))                  \
            printf(": got \"%s\", want it to contain \"%s\"\n", check_g ? check_g : "(null)", check_w);         \
    } while (0)

#define CHECK_SKIP(why) do { check_skipped++; printf("%s:%d: skipped: %s\n", __FILE__, __LINE__, why); } while (0)

static inline int check_done(void)
{
    printf("%d passed, %d failed, %d skipped\n", check_passed, check_failed, check_skipped);
    return check_failed != 0;
}

#endif
