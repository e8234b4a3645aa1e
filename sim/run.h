/* run.h - one run: (scenario, policy, seed) to rows, in this process. */
#ifndef DUO_SIM_RUN_H
#define DUO_SIM_RUN_H

#include "sim/net.h"
#include "sim/rows.h"
#include "sim/scenario.h"

/* What the parent may look at while the child works, and after it died (shared memory). */
struct duo_watch {
    volatile int      in_policy;         /* 1 while the policy's code runs */
    volatile uint64_t calls;             /* of the policy */
    volatile int      flows;             /* in flight, at most so far */
    volatile double   now;               /* simulated */
    volatile int64_t  finished;          /* requests */
    char              policy[64];
};

struct duo_run_spec {
    const struct duo_scenario  *scenario;
    const struct duo_catalogue *catalogue;
    int                         policy;        /* index in scenario->policies */
    uint64_t                    seed;
    enum duo_net_kind           net;           /* not AUTO */
    int                         stop_above;    /* flows in flight at which the run gives up with *too_many; 0: never */
    double                      mix_share;     /* cloud share for a mix */
    const struct duo_domains   *domains;       /* of validation; NULL: the run's row says nothing of it */
    struct duo_watch           *watch;         /* may be NULL */
    bool                        step_singly;   /* servers advance one iteration an event: for the test */
};

/* Models that answer are opened once: those of all variants stay open until they are let go, for the runs of this process and
 * of its children, which share what they compute.  *held: to duo_run_let_go, also after an error. */
struct duo_held { int n; struct duo_answers **answers; };
enum duo_status duo_run_hold(const struct duo_plan *, struct duo_held *, struct duo_err *);
void            duo_run_let_go(struct duo_held *);

/* Everything that can be refused before any run: names, needs, roles, files, memory.  Also fills *warnings
 * lines (newline-separated text, may stay empty) that the user should see once. */
enum duo_status duo_run_check(const struct duo_run_spec *, char *warnings, size_t n, struct duo_err *);

/* DUO_OK: rows are complete.  DUO_RUN_FAILED: the policy or the answers broke a contract (*err says which); the
 * run's row says so, too.  *too_many: stopped because of stop_above. */
enum duo_status duo_run(const struct duo_run_spec *, struct duo_rows *, bool *too_many, struct duo_err *);

#endif
