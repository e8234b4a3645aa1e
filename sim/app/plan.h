/* plan.h - what commands that run a scenario share: options that change its plan, and the summary of its results.
 *
 * --policy adds to the scenario's list, --only keeps some of it (and what a mix is of), --set and --seed change it. */
#ifndef DUO_SIM_APP_PLAN_H
#define DUO_SIM_APP_PLAN_H

#include <limits.h>

#include "sim/app/app.h"
#include "sim/sweep.h"

enum { DUO_MAX_WORDS = 64, DUO_ID_ONLY = DUO_LONG_ONLY + 100, DUO_ID_SEED, DUO_ID_NET, DUO_ID_CATALOGUE };

#define DUO_PLAN_OPTIONS                                                                                                            \
    { 's',         "set",     "KEY=VALUE",  "change one thing of the scenario: cells.rtt='120 ms'; repeatable" },                    \
    { 'p',         "policy",  "NAME",       "add a policy: cascade:floor=0.9,as=strict, ./mine.so or \"pipe:python3 mine.py\"; repeatable" }, \
    { DUO_ID_ONLY, "only",    "LABEL",      "keep this policy of the list (what --policy adds stays); repeatable" },                                            \
    { DUO_ID_SEED, "seed",    "N|A..B",     "instead of the scenario's seeds" },                                                     \
    { 'j',         "jobs",    "N",          "runs at the same time; default: one a core" },                                          \
    { DUO_ID_NET,  "net",     "NAME",       "auto (default), simgrid or fluid carries the flows" }

struct duo_words { const char *text[DUO_MAX_WORDS]; int n; };

struct duo_plan_wishes {
    struct duo_words  set, policies, only;
    char              seed[64], file[PATH_MAX];          /* file: of the scenario, once it is read */
    int               jobs;
    enum duo_net_kind net;
    struct duo_layers layers;
};

/* Takes an option of DUO_PLAN_OPTIONS or DUO_CATALOGUE_OPTION(DUO_ID_CATALOGUE); false: it is another. */
bool duo_plan_option(const struct duo_args *, struct duo_plan_wishes *, int id, const char *value);
/* The words behind the options: one scenario.  Ends the program when it is none, or more. */
void duo_plan_words(const struct duo_args *, struct duo_plan_wishes *);
enum duo_status duo_plan_wished(const struct duo_args *, struct duo_plan_wishes *, struct duo_plan *, struct duo_err *);

/* For duo_sweep_spec.finish: tables and views of the results, with what the plan says of its variants. */
enum duo_status duo_plan_summarise(struct sqlite3 *, const struct duo_plan *, struct duo_err *);

#endif
