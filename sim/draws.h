/* draws.h - the constants that a plan's runs rest on and that nobody measured, drawn from their intervals.
 *
 * (1) Drawn are: assumed and fitted values of the catalogue that were read for the plan's runs; of the scenario, defaults
 *     without a source where the file says nothing (transport), what `cost:` sets (a model's architecture aside), an API's
 *     ttft and rate, and joules_up and joules_down: these x0.7 to x1.4, within what the key allows.
 * (2) In draw d a constant is low (high/low)^u, u by hash of d and its name: log-uniform, the same for every variant,
 *     policy, seed and worker.
 * (3) What is documented, recorded or measured never moves; nor do 0, "never" and "unlimited". */
#ifndef DUO_SIM_DRAWS_H
#define DUO_SIM_DRAWS_H

#include "sim/scenario.h"

struct duo_draw {
    uint64_t    number;            /* from 1; 0: nothing is drawn ... */
    const char *alone;             /* ... but this one, which is at an end of its interval; NULL: none */
    bool        high;              /* which end */
};

/* All of them, by name, as they are in draw `number`; the plan's runs must have been checked (duo_run_check).  How many. */
int  duo_draws_list(struct duo_plan *, struct duo_catalogue *, uint64_t number, struct duo_drawn **);
void duo_draws_free(struct duo_drawn *, int n);

/* From now on the plan and the catalogue have these values.  Once in a process: the scenario's own are lost. */
void duo_draws_enter(struct duo_plan *, struct duo_catalogue *, const struct duo_draw *);

#endif
