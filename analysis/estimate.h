/* estimate.h - from sums by cluster to values, intervals and paired differences of one variant.
 * For this room's own files. */
#ifndef DUO_ANALYSIS_ESTIMATE_H
#define DUO_ANALYSIS_ESTIMATE_H

#include "analysis/collect.h"

struct duo_estimate {                                    /* of one row */
    double  value[DUO_N_METRICS], low[DUO_N_METRICS], high[DUO_N_METRICS];
    int64_t n[DUO_N_METRICS];                            /* requests (runs, for counts and ITL) that it is over */
    double (*per_run)[DUO_N_METRICS];                    /* in the order of the row's runs; NAN when not done */
};

struct duo_difference { int a, b, metric; int64_t n; double value, low, high; };   /* rows of the collection */

struct duo_estimates {
    struct duo_estimate *rows;                           /* in the variant's order */
    int n_pairs; struct duo_difference *pairs;
    const char *method;                                  /* of the intervals */
};

void duo_estimate_variant(struct duo_estimates *, struct duo_collect *, int variant);
void duo_estimates_free(struct duo_estimates *, const struct duo_collect *, int variant);

/* Whether differences of this metric are stored. */
bool duo_estimate_paired(int metric);

#endif
