/* inputs.h - what went into the runs of a plan, by name and hash: `duosim check` tells what changed.
 *
 * (1) The scenario key by key, lists item by item ("places.cloud", "policies.cascade"); of variants after the first what differs
 *     from it ("NAME/cells").  Not among them: name, note, seed, expect, check.
 * (2) Files that it names, by content ("arrivals.trace (file)"), and files that policies' parameters name.  A policy's own
 *     code is none: it is what is checked.
 * (3) Rows of the catalogue that were looked up ("catalogue hardware/h100-sxm"). */
#ifndef DUO_SIM_INPUTS_H
#define DUO_SIM_INPUTS_H

#include "analysis/baseline.h"
#include "sim/run.h"

/* After duo_run_check or a sweep, which look the rows up.  The caller frees each name and the array. */
enum duo_status duo_inputs_list(const struct duo_plan *, const struct duo_catalogue *, struct duo_input **, int *n, struct duo_err *);

/* Ids of questions in their file: names[i] of question[i], to be freed, or NULL where there is none (synthetic answers). */
enum duo_status duo_inputs_questions(const struct duo_run_spec *, const int *question, int n, char **names, struct duo_err *);

#endif
