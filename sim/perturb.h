/* perturb.h - every run of a plan again under drawn constants: rounds for a sweep (sweep.h (7)), means for analysis/perturb.h.
 *
 * (1) Rounds 1 to n are draws 1 to n (draws.h).  Then the constants that analysis names most often are moved alone, each to
 *     the low and to the high end of its interval: two rounds each, DUO_PERTURB_ALONE constants at most.
 * (2) Of a run only sums are kept: the rows of its requests are read and dropped. */
#ifndef DUO_SIM_PERTURB_H
#define DUO_SIM_PERTURB_H

#include "sim/draws.h"
#include "sim/sweep.h"

enum { DUO_PERTURB_ALONE = 8 };

struct duo_perturb {
    struct duo_plan      *plan;
    struct duo_catalogue *catalogue;
    int                   n_draws, n_alone;
    char                **alone;
    struct duo_rounds     rounds;              /* for duo_sweep_spec */
    struct duo_perturb_sums {
        int64_t n, answered;
        double  sum[4];                        /* enum duo_perturbed */
        int     failed;
        char    reason[256];
    } sums;                                    /* of the label that is being gathered */
};

void duo_perturb_init(struct duo_perturb *, struct duo_plan *, struct duo_catalogue *, int n_draws);
void duo_perturb_free(struct duo_perturb *);

#endif
