/* registry.h - policies by name, their parameters, and modules from outside. */
#ifndef DUO_SIM_REGISTRY_H
#define DUO_SIM_REGISTRY_H

#include "policies/policy.h"
#include "sim/base/err.h"
#include "sim/scenario.h"

/* A built-in's name ("mix" is `random`, whose `share` the runner sets), or a path with a '/' (relative to `dir`)
 * to a shared module whose file name gives the policy's: ./mine.so holds duo_policy_mine.  An ABI of another
 * number, a missing symbol: an error that says so, without a position (the caller knows where the name stands). */
enum duo_status duo_policy_find(const char *name, const char *dir, const struct duo_policy **out, struct duo_err *);
int             duo_policy_names(const char *const **names);          /* built in, in the list's order */
const char     *duo_policy_room(const char *name);                    /* "router", "oracle", ... */

/* What duo_*_of of policy.h read from: made by the runner, passed to policy->init. */
struct duo_params {
    const struct duo_scenario    *scenario;
    const struct duo_policy_spec *spec;
    const struct duo_answers     *answers;      /* for scores and quantiles */
    const char *const            *places;       /* names: "device", "cloud", ... */
    int                           n_places;
    struct duo_asked             *asked;        /* the registry's own: what init asked for */
    struct duo_err               *err;
};

/* Run policy->init into `config` (zeroed, config_size bytes); then refuse keys that nobody asked for, naming the
 * nearest of those that were.  A scorer is a score of `answers` by name; a file of scores or decisions (keys
 * `scores`, `file`) was joined before under the key's value as written.  The answers of a run may have changed
 * by the join: take them after it. */
enum duo_status duo_policy_init(const struct duo_policy *, void *config, struct duo_params *);

/* What init asks for, in its order, with the defaults that it had set before: found by running it with nothing given, in a
 * world with the places device, cloud and small and a score "router". */
enum duo_parameter_kind { DUO_PARAMETER_NUMBER, DUO_PARAMETER_TEXT, DUO_PARAMETER_PLACE, DUO_PARAMETER_SCORE, DUO_PARAMETER_FILE };
struct duo_parameter {
    const char *key;
    enum duo_parameter_kind kind;
    double      least, most, number;      /* of a number; its default outside of them: none */
    const char *text;                     /* default of the others; NULL: none */
};
struct duo_parameters {
    int  n;
    struct duo_parameter at[64];
    char refused[256];                    /* why init refuses to do without any; "": it does */
};
void duo_policy_parameters(const struct duo_policy *, struct duo_parameters *);

#endif
