/* sweep.h - all runs of a plan, one child process each, into one database.
 *
 * (1) A run is (variant, policy, seed); runs are merged in that order whatever the number of workers, so the
 *     database is the same bytes (the table host aside).
 * (2) A child writes rows to its own temporary file; the parent alone touches SQLite, in one transaction, in a
 *     temporary file beside the target that is renamed at the end.
 * (3) A child that fails, crashes, hangs (CPU time) or is killed leaves one run row, state failed, with the reason.
 * (4) A mix waits for the run whose cloud share it takes.
 * (5) --net auto: SimGrid; when a run passes scenario->fluid_above flows in flight, everything again on fluid.
 * (6) Disk full or unwritable: nothing is left behind; DUO_NO_RESOURCES or DUO_BAD_INPUT. */
#ifndef DUO_SIM_SWEEP_H
#define DUO_SIM_SWEEP_H

#include "sim/run.h"

struct sqlite3;

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
};

/* DUO_RUN_FAILED when any run failed (the database is complete all the same).  SIGINT and SIGTERM end the program
 * with 130 and leave nothing behind. */
enum duo_status duo_sweep(const struct duo_sweep_spec *, struct duo_err *);

#endif
