/* gaps.c - a histogram of the gaps between tokens: 1280 bins of 2 % from 1 us to 1e5 s.
 *
 * (1) A gap belongs to the bin with edge[i] <= gap < edge[i + 1]; below the first edge to the first, above the last
 *     to the last.
 * (2) A run of gaps a, a + b, ... is counted bin by bin, and gives the same bins as one by one. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/server.h"

/* A double's exponent and first 8 bits of mantissa say its bin but for one edge: 0.4 % is less than a bin. */
enum { BINS = 1280, SHIFT = 44, KEYS = 37 * 256 };

static double   edge[BINS + 1];    /* filled once, by the same expression everywhere */
static uint16_t below[KEYS];       /* the bin of the least double with this key */
static uint64_t first_key;

static uint64_t key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> SHIFT;
}

static void fill_edges(void)
{
    int i = 0;

    for (int k = BINS; k >= 0; k--) edge[k] = 1e-6 * exp(k * log(1.02));
    first_key = key_of(edge[0]);
    for (uint64_t k = 0; k < KEYS; k++) {
        uint64_t bits = (first_key + k) << SHIFT;
        double x;
        memcpy(&x, &bits, sizeof x);
        while (i < BINS - 1 && x >= edge[i + 1]) i++;
        below[k] = (uint16_t)i;
    }
}

static int bin_of(double gap)
{
    int i;

    assert(gap >= 0);
    if (edge[0] <= 0) fill_edges();
    if (gap < edge[0]) return 0;                                 /* (1) */
    if (gap >= edge[BINS]) return BINS - 1;
    i = below[key_of(gap) - first_key];
    return i < BINS - 1 && gap >= edge[i + 1] ? i + 1 : i;
}

void duo_gaps_add(struct duo_gaps *g, double seconds, uint64_t times)
{
    g->count += times;
    g->bin[bin_of(seconds)] += times;
    g->sum += seconds * (double)times;
}

/* The least i in [from, k) with a + b i >= limit, or k. */
static uint64_t reach(double a, double b, uint64_t from, uint64_t k, double limit)
{
    double guess = (limit - a) / b;
    uint64_t i = guess > (double)k ? k : guess > (double)from ? (uint64_t)guess : from;

    while (i > from && a + b * (double)(i - 1) >= limit) i--;
    while (i < k && a + b * (double)i < limit) i++;
    return i;
}

void duo_gaps_run(struct duo_gaps *g, double a, double b, uint64_t k, uint64_t times)
{
    int first, last;
    uint64_t from = 0;

    if (!k || !times) return;
    assert(b >= 0);
    first = bin_of(a);
    last = b > 0 ? bin_of(a + b * (double)(k - 1)) : first;
    for (int i = first; i < last; i++) {                         /* (2) */
        uint64_t to = reach(a, b, from, k, edge[i + 1]);
        g->bin[i] += (to - from) * times;
        from = to;
    }
    g->bin[last] += (k - from) * times;
    g->count += k * times;
    g->sum += ((double)k * a + b * ((double)k * (double)(k - 1) / 2)) * (double)times;
}

double duo_gaps_quantile(const struct duo_gaps *g, double q)
{
    double want = ceil(q * (double)g->count);
    uint64_t sum = 0;

    if (!g->count) return NAN;
    if (edge[0] <= 0) fill_edges();
    for (int i = 0; i < BINS; i++)
        if (sum += g->bin[i], sum && (double)sum >= want) return sqrt(edge[i] * edge[i + 1]);
    return NAN;
}
