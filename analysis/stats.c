/* stats.c - see stats.h. */
#include "analysis/stats.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void duo_sort(double *values, size_t n)
{
    if (n) qsort(values, n, sizeof *values, ascending);
}

double duo_quantile(const double *sorted, size_t n, double q)
{
    if (!n) return NAN;
    double k = (double)(n - 1) * q;
    size_t i = (size_t)k;
    if (i + 1 >= n) return sorted[n - 1];
    return sorted[i] + (k - (double)i) * (sorted[i + 1] - sorted[i]);
}

double duo_mean(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    return n ? sum / (double)n : NAN;
}

/* n draws from [0, range), each counted in `out`: two from every 64 bits, by multiplication (the bias is
 * range / 2^32). */
static void draw(struct duo_rng *rng, uint32_t n, uint32_t range, uint16_t *out)
{
    uint32_t i = 0;
    for (; i + 1 < n; i += 2) {
        uint64_t bits = duo_rng_bits(rng);
        out[((bits >> 32) * range) >> 32]++;
        out[((bits & 0xffffffffU) * range) >> 32]++;
    }
    if (i < n) out[((duo_rng_bits(rng) >> 32) * range) >> 32]++;
}

/* (2) */
void duo_resample(const struct duo_clusters *c, struct duo_rng *rng, uint16_t *weights, uint16_t *scratch)
{
    uint16_t *times = scratch, *asked = scratch + c->n_seeds;
    assert(c->n_seeds > 0);
    memset(times, 0, (size_t)c->n_seeds * sizeof *times);
    memset(weights, 0, (size_t)c->first[c->n_seeds] * sizeof *weights);
    if (c->n_seeds == 1) times[0] = 1;
    else                 draw(rng, (uint32_t)c->n_seeds, (uint32_t)c->n_seeds, times);
    if (c->question) {
        memset(asked, 0, (size_t)c->n_questions * sizeof *asked);
        draw(rng, (uint32_t)c->n_questions, (uint32_t)c->n_questions, asked);
    }
    for (int s = 0; s < c->n_seeds; s++) {
        int from = c->first[s], to = c->first[s + 1];
        if (!times[s] || from == to) continue;
        if (c->question)
            for (int i = from; i < to; i++) weights[i] = (uint16_t)(times[s] * asked[c->question[i]]);
        else
            draw(rng, (uint32_t)(to - from) * times[s], (uint32_t)(to - from), weights + from);
    }
}

/* Of the known ones; how many there are in *known. */
static double variance(const double *values, int n, int *known)
{
    double sum = 0, squares = 0;
    *known = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i])) sum += values[i], ++*known;
    double mean = sum / *known;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i])) squares += (values[i] - mean) * (values[i] - mean);
    return *known > 1 ? squares / (*known - 1) : 0;
}

/* (4) With S seeds, B the variance of a statistic from seed to seed and W what chance within a seed gives, the
 * bootstrap's variance is about V = (S - 1)/S B/S + W/S; the right one is max(B, W)/S, with (S - 1)/share^2
 * degrees of freedom where `share` is the seeds' part of it. */
static double stretch(double spread, const double *per_seed, int n_seeds)
{
    int n = 0;
    if (!per_seed || !(spread > 0)) return 1;
    double between = variance(per_seed, n_seeds, &n);
    if (n < 2) return 1;
    double within = n * spread - (n - 1.0) / n * between;
    if (within < 0) within = 0;
    if (between <= within) return 1;
    double share = (between - within) / between;
    double t = gsl_cdf_tdist_Pinv(0.975, (n - 1) / (share * share));
    return fmax(1, t / gsl_cdf_ugaussian_Pinv(0.975) * sqrt(between / n / spread));
}

/* Hoare's selection: afterwards values[k] is the k-th, what is before it is no larger, what is behind no smaller. */
static double select_nth(double *values, int n, int k)
{
    int low = 0, high = n - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i > j) break;
            double t = values[i];
            values[i++] = values[j];
            values[j--] = t;
        }
        if (k <= j)      high = j;
        else if (k >= i) low = i;
        else             break;
    }
    return values[k];
}

/* duo_quantile of values in no order, which are reordered. */
static double quantile_of(double *values, int n, double q)
{
    double k = (n - 1) * q;
    int    i = (int)k;
    double low = select_nth(values, n, i);
    if (i + 1 >= n) return low;
    double high = values[i + 1];
    for (int j = i + 2; j < n; j++) high = fmin(high, values[j]);
    return low + (k - i) * (high - low);
}

struct duo_interval duo_interval_of(double value, double *replicates, int n, const double *per_seed, int n_seeds)
{
    int known = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(replicates[i])) replicates[known++] = replicates[i];
    if (isnan(value) || known < n / 2 || known == 0) return (struct duo_interval){ NAN, NAN };
    double factor = stretch(variance(replicates, known, &known), per_seed, n_seeds);
    double low = quantile_of(replicates, known, 0.025), high = quantile_of(replicates, known, 0.975);
    if (factor > 1) {
        low  = value - factor * (value - low);
        high = value + factor * (high - value);
    }
    return (struct duo_interval){ low, high };
}

struct duo_interval duo_interval_t(const double *values, int n)
{
    if (n < 2) return (struct duo_interval){ NAN, NAN };
    double mean = duo_mean(values, (size_t)n);
    double half = gsl_cdf_tdist_Pinv(0.975, n - 1) * sqrt(variance(values, n, &n) / n);
    return (struct duo_interval){ mean - half, mean + half };
}
