/* check_inside.h - what the files of the check share. */
#ifndef DUO_ANALYSIS_CHECK_INSIDE_H
#define DUO_ANALYSIS_CHECK_INSIDE_H

#include "analysis/check.h"

/* Values by question: of a label, or of a sum of labels. */
struct duo_block { int64_t seed; int n; const int *asked; double *cell; };    /* cell NAN: none */
struct duo_side  { int n_blocks; struct duo_block *blocks; int n_seeds; double *seeds; double value; };

struct duo_moved {
    bool   told;                             /* something can be said of chance */
    bool   still;                            /* nothing moved at all */
    double by;                               /* is - was, of which the test is */
    double se, df;
    double up, down;                         /* exact p of a movement up, down; NAN: by t */
};

/* check.h (4), (6).  `questions`: by question, where both sides have cells; `count`: of requests, whose variance is at least their
 * mean (Poisson). */
struct duo_moved duo_moved_of(const struct duo_side *was, const struct duo_side *is, bool same_days, bool questions, bool count);
bool   duo_about(double a, double b);        /* (6); NAN is about NAN */
/* One-sided: of a movement at least so bad by chance; worse +1: upwards.  NAN: not told. */
double duo_moved_p(const struct duo_moved *, int worse);
double duo_moved_half(const struct duo_moved *, double p);       /* t(df) at 1 - p times se */

/* Holm: limit[i] is what p[i] had to be at most; returns how many of n are not NAN. */
int duo_holm(const double *p, int n, double alpha, double *limit, bool *out);

void duo_check_flips(struct duo_flips *, const struct duo_side *was, const struct duo_side *is);

#endif
