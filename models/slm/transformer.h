/* transformer.h - run a small language model from its GGUF file: many tokens in one pass, layer by layer, with what a
 * policy may want to know on the way.
 *
 * (1) n tokens in one pass give the bits that n passes of one give, with any number of threads, on any instruction set.
 * (2) Layers [a, b) can be run alone on a state.  [0, a) and then [a, all), with the state kept as F32 between them,
 *     give the bits of the whole.
 * (3) Each layer knows how many positions its cache holds, and takes tokens from any of them on: what stood there
 *     and behind it is forgotten.  A position that was never reached is an error.
 * (4) A draft verified in one pass leaves the text, and the cache, that choosing token by token would have.
 * (5) A saved cache loads into any context of the same model, layers and format, and goes on with the same bits.
 * (6) Graphs are those of llama.cpp for the architectures of shape.h.
 * (7) What the file or the caller's text may get wrong is an error in words; memory too small is DUO_NO_RESOURCES. */
#ifndef DUO_SLM_TRANSFORMER_H
#define DUO_SLM_TRANSFORMER_H

#include "models/slm/sampler.h"
#include "models/slm/shape.h"

enum {
    DUO_PASS   = 256,        /* tokens that go through the layers together; longer runs are cut */
    DUO_VERIFY = 64          /* tokens of one verification, the pending one included */
};

/* ---------------------------------------------------------------- weights, shared by contexts, never written to */

struct duo_model;

/* The file is mapped and its matrices are packed for the kernels, by `pool` when it is not NULL. */
enum duo_status duo_model_open(struct duo_model **, const char *path, struct duo_pool *pool, struct duo_err *);
void            duo_model_free(struct duo_model *);                   /* NULL is fine */
const struct duo_shape *duo_model_shape(const struct duo_model *);
const struct duo_gguf  *duo_model_gguf(const struct duo_model *);     /* for tokenizer and chat; the model's */
const char             *duo_model_quant(const struct duo_model *);    /* "Q4_K_M": as the file says, or the format of most bytes */

/* ---------------------------------------------------------------- contexts: a cache and room to compute */

struct duo_context;

struct duo_context_spec {
    size_t          capacity;        /* positions; 0: what the model was trained for */
    enum duo_format cache;           /* F16, Q8_0 or F32 */
    int             from, to;        /* layers whose cache is kept, [from, to); to 0: all */
};

/* `pool` stays the caller's and serves one context at a time; NULL: this thread alone. */
enum duo_status duo_context_new(struct duo_context **, const struct duo_model *, struct duo_pool *pool, const struct duo_context_spec *,
                                struct duo_err *);
void   duo_context_free(struct duo_context *);              /* NULL is fine */
size_t duo_context_length(const struct duo_context *);      /* positions that every layer kept here holds */
size_t duo_context_capacity(const struct duo_context *);
void   duo_context_cut(struct duo_context *, size_t length);    /* forget all behind */

/* ---------------------------------------------------------------- a pass */

/* Called behind the embedding (layer 0) and each layer (1 .. layers) with the states of n tokens from position `first` on:
 * rows of the model's width, borrowed. */
struct duo_layer_view {
    void (*see)(void *user, int layer, size_t first, size_t n, const float *state);
    void  *user;
};

enum duo_logits { DUO_LOGITS_NONE, DUO_LOGITS_LAST, DUO_LOGITS_ALL };

/* Tokens behind those held.  `logits`: rows of the vocabulary's size, one or n; NULL with DUO_LOGITS_NONE.  view: NULL is fine. */
enum duo_status duo_context_run(struct duo_context *, const int32_t *ids, size_t n, enum duo_logits, float *logits,
                                const struct duo_layer_view *, struct duo_err *);

/* The same in steps (2).  `state`: n rows of the model's width; [from, to) must be kept here. */
enum duo_status duo_context_embed(struct duo_context *, const int32_t *ids, size_t n, float *state, struct duo_err *);
enum duo_status duo_context_layers(struct duo_context *, int from, int to, size_t first, size_t n, float *state, struct duo_err *);
void            duo_context_head(struct duo_context *, const float *state, size_t n, float *logits);

/* What leaving behind any layer would say: final norm and head on one state. */
struct duo_exit { int token; struct duo_token_numbers numbers; };
struct duo_exit duo_context_exit(struct duo_context *, const float *state);

/* ---------------------------------------------------------------- verification */

struct duo_checked {
    size_t accepted;                     /* of the draft, from its beginning */
    int    next;                         /* the token behind them: the correction, or one more */
    struct duo_token_numbers numbers[DUO_VERIFY];    /* of the accepted ones and of `next`: accepted + 1 */
};

/* ids[0] is the text's last token, which has not been run; ids[1 .. n) is the draft; n at most DUO_VERIFY.  Afterwards the cache
 * holds ids[0 .. accepted], and `next` is the last token of the text.  The token at position p is duo_sample(..., p). */
enum duo_status duo_context_verify(struct duo_context *, const int32_t *ids, size_t n, const struct duo_sampling *, struct duo_checked *,
                                   struct duo_err *);

/* ---------------------------------------------------------------- states and caches on the way elsewhere */

/* F32, F16 or Q8_0. 0 bytes: the width is no whole number of the format's blocks. */
size_t duo_state_bytes(enum duo_format, size_t n, size_t width);
void   duo_state_pack(enum duo_format, const float *state, size_t n, size_t width, void *out);
void   duo_state_unpack(enum duo_format, const void *from, size_t n, size_t width, float *state);

/* Positions [first, first + n), which must be held, of the layers kept here; with a head that says whose they are. */
size_t          duo_context_saved(const struct duo_context *, size_t n);         /* bytes */
void            duo_context_save(const struct duo_context *, size_t first, size_t n, void *out);
enum duo_status duo_context_load(struct duo_context *, const void *from, size_t bytes, const char *name, struct duo_err *);

#endif
