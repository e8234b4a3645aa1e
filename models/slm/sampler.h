/* sampler.h - the next token from logits, and what a policy may know of the choice.
 *
 * (1) Filters in this order, as llama.cpp's: the top_k most probable, then the fewest of them whose probabilities
 *     reach top_p, then those at least min_p times as probable as the first, then the temperature.
 * (2) Greedy (temperature 0) takes the largest logit, of equals the first id; nothing is drawn.
 * (3) No state: the draw for a position is duo_draw(seed, "token", position), so that writing again from an earlier
 *     position writes the same.
 * (4) A logit that is not finite is never chosen while there is one that is; without one, it is DUO_NO_TOKEN. */
#ifndef DUO_SLM_SAMPLER_H
#define DUO_SLM_SAMPLER_H

#include <stdint.h>

#include "sim/base/err.h"

struct duo_sampling {
    double   temperature;    /* 0: greedy */
    int      top_k;          /* 0: all */
    double   top_p, min_p;   /* top_p 0 or 1: all; min_p 0: all */
    uint64_t seed;
};

/* A wrong value is named. */
enum duo_status duo_sampling_check(const struct duo_sampling *, struct duo_err *);

struct duo_candidate { float logit; int32_t id; };

/* Memory that is kept from token to token; zero-initialise. */
struct duo_sampler { struct duo_candidate *at; float *probability; int room; };
void duo_sampler_free(struct duo_sampler *);

int duo_sample(struct duo_sampler *, const struct duo_sampling *, const float *logits, int n, uint64_t position);

/* The k most probable, most probable first, of equals the first id; returns how many there are (k, or all finite ones). */
int duo_top(struct duo_sampler *, const float *logits, int n, int k, struct duo_candidate *out);

/* Of the distribution at temperature 1 before any filter: the probability of `chosen`, the first less the second, the
 * entropy over log(n).  All in [0, 1]. */
struct duo_token_numbers { float probability, margin, entropy; };
struct duo_token_numbers duo_numbers(struct duo_sampler *, const float *logits, int n, int chosen);

#endif
