/* stats.h - means' and percentiles' uncertainty, deterministic and without a distribution assumed.
 *
 * (1) Percentiles interpolate linearly at k = (n - 1) q, as numpy does by default (Hyndman and Fan 1996, type 7).
 * (2) Resampling has two levels: seeds, then clusters within a drawn seed.  A cluster is what is independent:
 *     a session, a question, a request, or a random group of them.  Where every seed asks the same questions
 *     the levels are crossed: questions are drawn once for all seeds, and a row weighs the product (Owen 2007,
 *     "The pigeonhole bootstrap", Ann. Appl. Stat. 1(2)).
 * (3) The weights depend on nothing but the seeds and clusters, so two policies that met the same day get the
 *     same weights, and a difference is resampled as a pair.
 * (4) The percentile interval of a two-level bootstrap is too narrow when there are few seeds and they differ:
 *     it is stretched about the value by t(nu) / 1.96 with Satterthwaite's nu and for the lost 1 / seeds of the
 *     variance.  With one seed, or seeds that differ no more than chance within them explains, nothing changes.
 * (5) Same input, same bytes: draws come from a stream of our own, sums run in a fixed order. */
#ifndef DUO_ANALYSIS_STATS_H
#define DUO_ANALYSIS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/rng.h"

enum { DUO_REPLICATES = 1000 };

struct duo_interval { double low, high; };            /* 95 %; NAN when not known */

/* (1) of ascending values; NAN when there are none. */
double duo_quantile(const double *sorted, size_t n, double q);
void   duo_sort(double *values, size_t n);
double duo_mean(const double *values, size_t n);      /* NAN when there are none */

/* Who is drawn.  Clusters of all seeds are numbered through; seed s owns first[s] .. first[s + 1] - 1. */
struct duo_clusters {
    int        n_seeds;
    const int *first;                                 /* n_seeds + 1 */
    const int *question;                              /* of each cluster, when crossed; else NULL */
    int        n_questions;
};

/* One replicate: weights[cluster], all of them written.  `scratch`: n_seeds + n_questions numbers. */
void duo_resample(const struct duo_clusters *, struct duo_rng *, uint16_t *weights, uint16_t *scratch);

/* (4) The interval about `value` from what it was in each replicate and in each seed alone (NAN ones are left
 * out; `per_seed` may be NULL).  `replicates` is reordered. */
struct duo_interval duo_interval_of(double value, double *replicates, int n, const double *per_seed, int n_seeds);

/* Mean +- t of few numbers: what is known once a seed.  NAN bounds below two. */
struct duo_interval duo_interval_t(const double *values, int n);

#endif
