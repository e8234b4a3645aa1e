/* vouch.h - what a run's numbers rest on, in words, and which validation gates vouch for them.
 *
 * (1) rests_on: of every place and device class, the weakest constants of its seconds, as its cost model names them.
 * (2) domain: of every place and class that worked in the run, whether a gate covers it: "inside: PLACE: GATE (...); ..."
 *     "outside: PLACE: why; ...", or both, outside first, with " | " between.  Energy is named where it differs from time. */
#ifndef DUO_SIM_VOUCH_H
#define DUO_SIM_VOUCH_H

#include "sim/world.h"

void duo_vouch_rests_on(const struct duo_world *, char *text, size_t n);
/* At the end of a run, while its servers are there. */
void duo_vouch_domain(const struct duo_world *, char *text, size_t n);

#endif
