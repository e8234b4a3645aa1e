/* inside.h - the model's and the context's inside, shared by weights.c, transformer.c and context.c. */
#ifndef DUO_SLM_INSIDE_H
#define DUO_SLM_INSIDE_H

#include "models/slm/transformer.h"

/* Of one layer, or of the whole model; a part that is not there is zero. */
struct duo_parts {
    struct duo_matrix matrix[DUO_WEIGHT_END];
    float            *vector[DUO_WEIGHT_END];
};

struct duo_model {
    struct duo_gguf   *gguf;
    struct duo_shape   shape;
    struct duo_parts   whole, *layers;
    const struct duo_gguf_tensor *embedding;     /* its rows are read from the file */
    uint64_t           mark;                     /* of this file: shape and some bytes of every tensor */
    char               quant[16];
};

struct duo_context {
    const struct duo_model *model;
    struct duo_pool   *pool;
    struct duo_rope    rope, rope_local;
    struct duo_cache  *caches;                   /* of layer `from` and on */
    size_t            *held;                     /* positions in each */
    int                from, to;
    enum duo_format    format;
    size_t             capacity;
    struct duo_acts    acts;
    size_t             room;                     /* tokens that the buffers take */
    float             *x, *h, *q, *k, *v, *mixed, *gate, *up, *memory;
    float             *logits;
    size_t             logits_room;              /* rows */
    struct duo_sampler sampler;
};

float *duo_context_logits(struct duo_context *, size_t rows);    /* room of its own */

#endif
