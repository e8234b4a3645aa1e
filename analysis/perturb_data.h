/* perturb_data.h - the draws of a database in memory, and what is made of them.  For perturb*.c alone. */
#ifndef DUO_ANALYSIS_PERTURB_DATA_H
#define DUO_ANALYSIS_PERTURB_DATA_H

#include "analysis/perturb.h"

struct duo_pd_constant { char *name, *status; double value, low, high; };
struct duo_pd_means { double mean[DUO_N_PERTURBED]; bool failed, there; };
struct duo_pd_row { char *variant, *label; bool cheats; struct duo_pd_means *at; };      /* at[draw], 0 .. n_draws + n_alone */
struct duo_pd_alone { int constant; bool high; };        /* of draw n_draws + 1 + i */

struct duo_pd {
    int n_constants; struct duo_pd_constant *constants;  /* by name */
    int n_rows;      struct duo_pd_row      *rows;       /* in the order of the scenario */
    int n_draws;     double                 *value;      /* drawn: value[(draw - 1) n_constants + constant] */
    int n_alone;     struct duo_pd_alone    *alone;
};

struct duo_ranking {
    int    a, b, metric;                                 /* rows */
    char   relation;                                     /* of draw 0; '?': not known */
    int    held, untold;
    double low, high;
    int    constant;                                     /* -1: none named */
    double separation;
    int    alone_low, alone_high;                        /* -1: not tried */
};

enum duo_status duo_pd_load(struct duo_pd *, sqlite3 *, struct duo_err *);
void            duo_pd_free(struct duo_pd *);
/* Every pair of labels of a variant, every metric.  The caller frees. */
struct duo_ranking *duo_pd_rank(const struct duo_pd *, int *n);
/* Does any mean of this metric differ from draw 0's in any draw? */
bool            duo_pd_moves(const struct duo_pd *, int metric);

extern const struct duo_pd_info { const char *name, *title, *what; } duo_pd_info[DUO_N_PERTURBED];

#endif
