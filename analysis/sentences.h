/* sentences.h - what the results say, in words, where the intervals let them.
 *
 * (1) A policy that calls the cloud for a part: how much of cloud_only's quality it keeps for which share of the
 *     calls, and how far it is above or below the mix.  Not while answers are synthetic or assumed.
 * (2) draft_verify against cloud_only: the round trip at which their mean times to the whole answer are equal, by
 *     arithmetic from the measured difference: every verification waits for one round trip, cloud_only for one in
 *     all, so another rtt moves the difference by (rounds - 1) per second.  Queues are taken to stay as they are.
 * (3) Which two labels swap between two variants in e2e_p50, joules_device_radio or dollars, both differences with
 *     intervals that exclude zero.  Rows that know the truth are left out.
 * (4) Nothing of this shown: "no difference shown". */
#ifndef DUO_ANALYSIS_SENTENCES_H
#define DUO_ANALYSIS_SENTENCES_H

#include <stdio.h>

#include "analysis/summary.h"

/* One a line; how many.  With none, the line of (4), and 0. */
int duo_sentences_print(FILE *, const struct duo_summary *);

#endif
