/* perturb.h - does a ranking hold when the constants that nobody measured are drawn from their intervals?
 *
 * (1) One row a variant, label and draw: means over all requests of all its seeds, as in summary.h (times over the
 *     answered, amounts over everybody).  Draw 0: the constants as they are.  A label with a run that failed in a draw has
 *     no means there, and says why.
 * (2) The order of two labels is that of their means; they are equal (=) when they differ by less than 1e-9 of the larger.
 * (3) held: draws with the order of draw 0.  A draw in which a label failed, or has no mean, held nothing: it counts in
 *     `draws` and in `untold`.  low, high: 95 % of held / draws (Clopper and Pearson 1934, Biometrika 26(4)).
 * (4) The constant that flips an order most is the one whose drawn value best tells the draws that held from those that
 *     did not: separation = |2 AUC - 1|, AUC by Mann and Whitney's U (the rank-biserial correlation; Cureton 1956,
 *     Psychometrika 21(3)); ties by name.  It is named only when it separates more than the best of so many constants
 *     would by chance (p < 0.05, normal approximation of U, Bonferroni).
 * (5) Those named most often are moved alone to each end of their interval: alone_low, alone_high: 1 that flips the order,
 *     0 it doesn't, NULL: not tried.
 * (6) Same draws, same bytes. */
#ifndef DUO_ANALYSIS_PERTURB_H
#define DUO_ANALYSIS_PERTURB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/json.h"

/* X(name, title, what): of a request */
#define DUO_PERTURBED(X)                                                                        \
    X(e2e_mean, "E2E mean", "arrival to the whole answer, mean over the answered [s]")          \
    X(joules,   "J",        "device, radio and cloud together, a request [J]")                  \
    X(dollars,  "$",        "money, a request [$]")                                             \
    X(quality,  "quality",  "mean; failed and pending count 0")
enum duo_perturbed {
#define DUO_PERTURBED_NAME(name, title, what) DUO_P_##name,
    DUO_PERTURBED(DUO_PERTURBED_NAME)
#undef DUO_PERTURBED_NAME
    DUO_N_PERTURBED
};

struct duo_perturb_constant { const char *name, *status; double value, low, high; };

struct duo_perturb_means {
    const char *variant, *label;
    int         draw;
    const char *alone, *end;                             /* the constant that alone was moved, "low" or "high"; NULL */
    double      mean[DUO_N_PERTURBED];                   /* NAN: not known */
    int         failed_runs;
    const char *reason;                                  /* of the first failure; NULL */
};

/* Writing.  Open: the tables, empty, and draw 0 out of the table request. */
enum duo_status duo_perturb_open(sqlite3 *, struct duo_err *);
enum duo_status duo_perturb_add_constant(sqlite3 *, const struct duo_perturb_constant *, struct duo_err *);
enum duo_status duo_perturb_add_drawn(sqlite3 *, int draw, const char *constant, double value, struct duo_err *);
enum duo_status duo_perturb_add_means(sqlite3 *, const struct duo_perturb_means *, struct duo_err *);
/* (5): at most `most` names, each the caller's, like the array. */
enum duo_status duo_perturb_suspects(sqlite3 *, int most, char ***names, int *n, struct duo_err *);
/* The table `ranking` and the view v_ranking. */
enum duo_status duo_perturb_rank(sqlite3 *, struct duo_err *);

/* Reading.  All does nothing on a database without draws. */
enum duo_status duo_perturb_print(FILE *, sqlite3 *, const char *variant, struct duo_err *);
/* The array of one label's rankings, against all others. */
enum duo_status duo_perturb_json(struct duo_json *, sqlite3 *, const char *variant, const char *label, struct duo_err *);
bool            duo_perturb_there(sqlite3 *);

#endif
