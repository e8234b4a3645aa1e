/* sweep.h - all runs of a plan, one child process each, into one database.
 *
 * (1) A run is (variant, policy, seed); runs are merged in that order whatever the number of workers, so the
 *     database is the same bytes (the table host aside).
 * (2) A child writes rows to its own temporary file; the parent alone touches SQLite, in one transaction, in a
 *     temporary file beside the target that is renamed at the end.
 * (3) A child that fails, crashes, hangs (CPU time) or is killed leaves one run row, state failed, with the reason.
 * (4) A mix waits for the run whose cloud share it takes.
 * (5) --net auto: SimGrid; when a run passes scenario->fluid_above flows in flight, everything again on fluid.
 * (6) Disk full or unwritable: nothing is left behind; DUO_NO_RESOURCES or DUO_BAD_INPUT.
 * (7) Rounds: all runs of the plan again, each round with something changed in its children.  Their rows aren't kept but
 *     handed over, in order; a failure there is told, and no failure of the sweep. */
#ifndef DUO_SIM_SWEEP_H
#define DUO_SIM_SWEEP_H

#include "sim/run.h"

struct sqlite3;

struct duo_round_run {
    int         round, variant, policy, seed;  /* round from 1; the others: indices in the plan */
    int         rows;                          /* its file of rows, whole; -1: it failed */
    const char *why;                           /* it failed; NULL: it is done */
};

struct duo_rounds {                            /* (7) */
    int              n, most;                  /* after the plan itself; with what `more` may add */
    void            *arg;
    void           (*enter)(void *arg, int round);     /* in the child: its memory is its own */
    enum duo_status (*take)(struct sqlite3 *, void *arg, const struct duo_round_run *, struct duo_err *);
    enum duo_status (*more)(struct sqlite3 *, void *arg, int *n, struct duo_err *);    /* once, when all are done; may be NULL */
};

struct duo_sweep_spec {
    const struct duo_plan      *plan;
    const struct duo_catalogue *catalogue;
    const char                 *out;           /* database */
    int                         jobs;          /* 0: one a core */
    enum duo_net_kind           net;
    bool                        progress;      /* on stderr */
    double                      call_limit;    /* CPU s a policy's call may take; 0: 2 */
    /* Called in the transaction when all rows are there and before the rename: what is made of the rows.  May be NULL. */
    enum duo_status           (*finish)(struct sqlite3 *, void *arg, struct duo_err *);
    void                       *finish_arg;
    const struct duo_domains   *domains;       /* may be NULL */
    const struct duo_rounds    *rounds;        /* NULL: none */
};

/* DUO_RUN_FAILED when any run failed (the database is complete all the same).  SIGINT and SIGTERM end the program
 * with 130 and leave nothing behind. */
enum duo_status duo_sweep(const struct duo_sweep_spec *, struct duo_err *);

#endif
