/* estimate.h - one model at one place: what `batch` requests of the same length cost, without queues. */
#ifndef DUO_MODELS_COST_ESTIMATE_H
#define DUO_MODELS_COST_ESTIMATE_H

#include "models/cost/cost.h"

struct duo_estimate {
    int    prompt, output, batch;
    double prefill_s;                  /* one prompt by itself, in chunks of the budget */
    double ttft_s;                     /* start_seconds + that */
    double itl_s;                      /* mean gap of the other tokens with `batch` sequences decoding; NAN: one token */
    double decode_tokens_per_s;        /* of one sequence: 1 / itl_s */
    double throughput_tokens_per_s;    /* of all: batch x output over the prompts one after the other and the decoding together */
    double joules, joules_per_output_token, dollars;       /* of one request; NAN: not known */
    double kv_bytes;                   /* of `batch` sequences at their end */
    struct duo_terms prefill, decode;  /* of the first chunk; of a step halfway */
};

/* DUO_BAD_INPUT, numbers included: longer than the model's context, more KV than there is memory, outside a measured table. */
enum duo_status duo_estimate(const struct duo_cost *, int prompt, int output, int batch, int budget, struct duo_estimate *, struct duo_err *);

#endif
