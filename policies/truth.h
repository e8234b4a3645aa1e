/* SPDX-License-Identifier: 0BSD
 * truth.h - what no deployed seat can know.  Only policies in policies/oracle/ may include this; every
 * table marks their rows with a star. */
#ifndef DUO_TRUTH_H
#define DUO_TRUTH_H

#include "policies/policy.h"

/* The quality that `place` alone would reach on this request; NAN: nobody knows. */
double duo_truth_quality(const struct duo_turn *, duo_place);
/* The length in tokens of its answer. */
int    duo_truth_length (const struct duo_turn *, duo_place);

#endif
