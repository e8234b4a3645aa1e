/* test_stats.c - analysis/stats.h, by its numbers. */
#include "analysis/stats.h"

#include <gsl/gsl_randist.h>
#include <stdlib.h>

#include "tests/check.h"

/* (1) numpy 1.24: np.percentile([15, 20, 35, 40, 50], [5, 30, 40, 50, 100]) = [16, 23, 29, 35, 50];
 * np.percentile([1, 2, 3, 4], 99) = 3.97; np.percentile([7], 99) = 7. */
static void quantiles(void)
{
    const double five[] = { 15, 20, 35, 40, 50 }, four[] = { 1, 2, 3, 4 }, one[] = { 7 };
    static const double q[] = { 0.05, 0.3, 0.4, 0.5, 1 }, want[] = { 16, 23, 29, 35, 50 };
    for (int i = 0; i < 5; i++) CHECK_NEAR(duo_quantile(five, 5, q[i]), want[i], 1e-12);
    CHECK_NEAR(duo_quantile(four, 4, 0.99), 3.97, 1e-12);
    CHECK_NEAR(duo_quantile(four, 4, 0), 1, 0);
    CHECK_NEAR(duo_quantile(one, 1, 0.99), 7, 0);
    CHECK(isnan(duo_quantile(one, 0, 0.5)));
    CHECK_NEAR(duo_mean(four, 4), 2.5, 0);
    CHECK(isnan(duo_mean(four, 0)));
}

/* (2) Weights: as many draws as there were clusters; a seed's weights are its own draws; crossed ones are products. */
static void weights(void)
{
    const int first[] = { 0, 40, 60, 60, 100 }, same[] = { 0, 5, 10 }, question[] = { 0, 1, 2, 3, 4, 0, 1, 2, 3, 4 };
    struct duo_clusters nested = { .n_seeds = 4, .first = first };
    struct duo_clusters crossed = { .n_seeds = 2, .first = same, .question = question, .n_questions = 5 };
    uint16_t w[100], scratch[16];
    struct duo_rng rng;
    double sum[100] = { 0 };
    for (int r = 0; r < 4000; r++) {
        duo_rng_init(&rng, 1, "weights", (uint64_t)r);
        duo_resample(&nested, &rng, w, scratch);
        int seeds = 0;
        for (int s = 0; s < 4; s++) {
            int own = 0, size = first[s + 1] - first[s];
            for (int i = first[s]; i < first[s + 1]; i++) own += w[i], sum[i] += w[i];
            if (size && own % size) CHECK_INT(own % size, 0);
            seeds += size ? own / size : 0;
        }
        if (seeds > 4) CHECK_INT(seeds, 4);              /* the empty seed takes draws, too */
    }
    for (int i = 0; i < 100; i += 33) CHECK_NEAR(sum[i] / 4000, 1, 0.1);      /* sd of a mean: 0.03 */
    duo_rng_init(&rng, 1, "weights", 0);
    duo_resample(&crossed, &rng, w, scratch);
    for (int i = 0; i < 5; i++) CHECK_INT(w[i] * scratch[1], w[i + 5] * scratch[0]);
    int total = 0;
    for (int i = 0; i < 10; i++) total += w[i];
    CHECK_INT(total, 10);
}

/* The mean of `values` by seed, resampled. */
static struct duo_interval mean_interval(const struct duo_clusters *c, const double *values, double *value)
{
    double replicates[DUO_REPLICATES], per_seed[16];
    uint16_t w[4096], scratch[4096];
    int n = c->first[c->n_seeds];
    *value = duo_mean(values, (size_t)n);
    for (int s = 0; s < c->n_seeds; s++) per_seed[s] = duo_mean(values + c->first[s], (size_t)(c->first[s + 1] - c->first[s]));
    for (int r = 0; r < DUO_REPLICATES; r++) {
        struct duo_rng rng;
        double sum = 0, count = 0;
        duo_rng_init(&rng, 0, "bootstrap", (uint64_t)r);
        duo_resample(c, &rng, w, scratch);
        for (int i = 0; i < n; i++) sum += w[i] * values[i], count += w[i];
        replicates[r] = sum / count;
    }
    return duo_interval_of(*value, replicates, DUO_REPLICATES, per_seed, c->n_seeds);
}

/* How many of 400 experiments' intervals hold the true mean, 0.  `between`: the standard deviation of a seed's own
 * mean; requests have 1. */
static double coverage(int seeds, int n, double between)
{
    int *first = calloc((size_t)seeds + 1, sizeof *first), held = 0;
    double *values = calloc((size_t)(seeds * n), sizeof *values), value;
    for (int s = 0; s <= seeds; s++) first[s] = s * n;
    struct duo_clusters c = { .n_seeds = seeds, .first = first };
    for (int e = 0; e < 400; e++) {
        struct duo_rng rng;
        duo_rng_init(&rng, 7, "experiment", (uint64_t)e);
        for (int s = 0; s < seeds; s++) {
            double own = gsl_ran_gaussian(&rng.gsl, between);
            for (int i = 0; i < n; i++) values[s * n + i] = own + gsl_ran_gaussian(&rng.gsl, 1);
        }
        struct duo_interval w = mean_interval(&c, values, &value);
        held += w.low <= 0 && 0 <= w.high;
    }
    free(first);
    free(values);
    return held / 400.0;
}

/* (2) (4) 95 % hold the truth: within 3 standard deviations of a share of 400 (0.033) where the interval is exact, and
 * not below that where it is careful: few seeds tell little about how they differ. */
static void covers(void)
{
    CHECK_NEAR(coverage(1, 60, 0), 0.95, 0.033);
    CHECK_NEAR(coverage(5, 30, 1), 0.95, 0.033);
    CHECK(coverage(3, 30, 1) >= 0.86);                   /* without (4): 0.75 */
    double alike = coverage(5, 30, 0);
    CHECK(alike >= 0.94);
    CHECK(alike < 1);
}

/* (3) Two policies on the same 200 requests, whose difference is small against what requests differ by. */
static void pairs(void)
{
    enum { N = 200 };
    const int first[] = { 0, N };
    struct duo_clusters c = { .n_seeds = 1, .first = first };
    double a[N], b[N], d[N], va, vb, vd;
    for (int i = 0; i < N; i++) {
        a[i] = duo_draw(3, "a", (uint64_t)i) * 10;
        b[i] = a[i] + 0.1 + 0.2 * duo_draw(3, "b", (uint64_t)i);
        d[i] = b[i] - a[i];
    }
    struct duo_interval wa = mean_interval(&c, a, &va), wb = mean_interval(&c, b, &vb), wd = mean_interval(&c, d, &vd);
    CHECK_NEAR(vd, vb - va, 1e-12);
    CHECK(wd.high - wd.low < 0.1 * (wa.high - wa.low));
    CHECK(wd.low > 0);                                   /* shown as a pair ... */
    CHECK(wa.high > wb.low);                             /* ... and not by two intervals that overlap */
}

/* (5); what is not known; one value. */
static void the_rest(void)
{
    const int first[] = { 0, 3, 6 };
    struct duo_clusters c = { .n_seeds = 2, .first = first };
    const double values[] = { 1, 2, 4, 3, 9, 2 };
    double v, some[] = { 1, NAN, 2, 3 }, none[] = { NAN, NAN };
    struct duo_interval a = mean_interval(&c, values, &v), b = mean_interval(&c, values, &v);
    CHECK(memcmp(&a, &b, sizeof a) == 0);
    CHECK(isnan(duo_interval_of(1, none, 2, NULL, 0).low));
    CHECK(isnan(duo_interval_of(NAN, some, 4, NULL, 0).low));
    double sure[] = { 5, 5, 5, 5 };
    CHECK_NEAR(duo_interval_of(5, sure, 4, NULL, 0).high, 5, 0);
    CHECK(isnan(duo_interval_t(values, 1).low));
    /* t(0.975, 2) = 4.302653 (Abramowitz and Stegun, table 26.10); mean 7/3, variance 7/3 */
    struct duo_interval t = duo_interval_t(values, 3);
    CHECK_NEAR(t.high, 7.0 / 3 + 4.302653 * sqrt(7.0 / 9), 1e-5);
    CHECK_NEAR(t.low, 7.0 / 3 - 4.302653 * sqrt(7.0 / 9), 1e-5);
}

int main(void)
{
    quantiles();
    weights();
    covers();
    pairs();
    the_rest();
    return check_done();
}
