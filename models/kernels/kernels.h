/* kernels.h - the arithmetic of a small language model: matrices in GGUF's block formats times
 * activations, attention over a cache of keys and values, norms, rotary positions, gates.
 *
 * What holds for everything here:
 * (1) One order.  A result has the same bits on every instruction set (scalar, AVX2, AVX-512, NEON), for
 *     any number of threads and any number of tokens at once: n tokens give what n times one gives.
 *     Products inside a block of 32 are whole numbers and exact; blocks are added one after the other by
 *     fused multiply-add; sums along a row of floats run in 16 lanes (element i in lane i mod 16) that are
 *     added by halves (8, 4, 2, 1); exp, tanh, sin, cos and log are our own.
 * (2) There is no second, faster order: the weights are packed so that 16 rows are computed side by side,
 *     which makes the fixed order the natural one (README.md has the figures).
 * (3) Nothing here reads outside the memory it is given; bytes of a matrix may hold anything (a scale may be
 *     infinite): results may then be NAN, never a fault.
 * (4) Finite activations are the caller's promise; others give results without meaning, never a fault. */
#ifndef DUO_KERNELS_H
#define DUO_KERNELS_H

#include "sim/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Formats: name, GGUF's type number, values and bytes of a block.  Layouts are those of GGUF files. */
#define DUO_FORMATS(X)                 \
    X(F32,  "F32",   0,   1,   4)      \
    X(F16,  "F16",   1,   1,   2)      \
    X(BF16, "BF16", 30,   1,   2)      \
    X(Q8_0, "Q8_0",  8,  32,  34)      \
    X(Q4_0, "Q4_0",  2,  32,  18)      \
    X(Q4_1, "Q4_1",  3,  32,  20)      \
    X(Q5_0, "Q5_0",  6,  32,  22)      \
    X(Q5_1, "Q5_1",  7,  32,  24)      \
    X(Q4_K, "Q4_K", 12, 256, 144)      \
    X(Q5_K, "Q5_K", 13, 256, 176)      \
    X(Q6_K, "Q6_K", 14, 256, 210)

enum duo_format {
#define X(id, text, ggml, values, bytes) DUO_FORMAT_##id,
    DUO_FORMATS(X)
#undef X
    DUO_FORMAT_COUNT                     /* also: none of these */
};

struct duo_format_info {
    const char *name;
    uint32_t    ggml;                    /* the type's number in a GGUF file */
    uint32_t    values, bytes;           /* of one block; a row is a whole number of blocks */
};

const struct duo_format_info *duo_format_info(enum duo_format format);
enum duo_format duo_format_of_ggml(uint32_t type);          /* DUO_FORMAT_COUNT: not one of ours */
enum duo_format duo_format_of_name(const char *name);       /* "Q4_0", any case */

/* Bytes of a row of `values` values, which must be a multiple of the block's. */
size_t duo_row_bytes(enum duo_format format, size_t values);

/* One row.  No alignment is needed.  Dequantizing is exact as ggml defines it, bit for bit; so is quantizing
 * to F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1; the K-quants use a search of our own. */
void duo_dequantize_row(enum duo_format format, const void *from, float *to, size_t values);
void duo_quantize_row(enum duo_format format, const float *from, void *to, size_t values);

float    duo_f16_to_f32(uint16_t half);
uint16_t duo_f32_to_f16(float value);                       /* to nearest, ties to even */

/* ---- Instruction sets */
#define DUO_ISAS(X) X(SCALAR, "scalar") X(AVX2, "avx2") X(AVX512, "avx512") X(NEON, "neon")

enum duo_isa {
#define X(id, text) DUO_ISA_##id,
    DUO_ISAS(X)
#undef X
    DUO_ISA_COUNT
};

const char *duo_isa_name(enum duo_isa isa);
bool duo_isa_available(enum duo_isa isa);        /* built in, and this processor has it */
enum duo_isa duo_isa_current(void);              /* the chosen one: DUOSIM_ISA's, otherwise the best there is */

/* By name; NULL: by the environment's DUOSIM_ISA, otherwise the best.  Not while products run, and activations
 * are to be set anew afterwards (matrices stay).  A program calls
 * duo_isa_choose(NULL, err) once to have a wrong DUOSIM_ISA reported; without it a wrong one is ignored. */
enum duo_status duo_isa_choose(const char *name, struct duo_err *err);

/* ---- Threads.  The caller is thread 0 of the pool; a pool belongs to one caller at a time. */
struct duo_pool;

#define DUO_MAX_THREADS 64

struct duo_pool *duo_pool_new(int threads);      /* 1 .. DUO_MAX_THREADS, clamped */
void duo_pool_free(struct duo_pool *pool);       /* NULL is fine */
int  duo_pool_threads(const struct duo_pool *pool);

/* task(arg, i, thread) for every i < n, on all threads, in any order; back when all are done.  Threads take the next
 * i when they have time, so that one delayed by a neighbour process delays nobody else. */
void duo_pool_each(struct duo_pool *pool, size_t n, void (*task)(void *arg, size_t i, int thread), void *arg);

/* What the kernels did, counted by the threads that did it; compared with the work model of models/cost. */
struct duo_counts {
    uint64_t weight_bytes;       /* of matrices, as in the file, each once a product whatever the tokens */
    uint64_t weight_macs;        /* multiply-adds with weights */
    uint64_t cache_bytes;        /* keys and values read by attention, once a query token and KV head */
    uint64_t cache_macs;         /* multiply-adds with them */
    uint64_t products;           /* matrices multiplied */
    uint64_t barriers;           /* times that all threads waited for each other */
};
struct duo_counts duo_pool_counts(const struct duo_pool *pool);       /* since the start or the last clear */
void duo_pool_clear(struct duo_pool *pool);

/* ---- Matrices: `rows` outputs of `cols` inputs each (GGUF: ne[1] rows, ne[0] cols). */
struct duo_matrix {
    enum duo_format format;
    size_t          rows, cols;
    const void     *data;        /* rows as in the file, the caller's; kept for reading single rows */
    void           *packed;      /* ours: 16 rows side by side; NULL for F32, F16, BF16, which are used in place */
    size_t          row_bytes;   /* in the file */
    size_t          group_bytes; /* of 16 packed rows */
};

/* Packs (quantized formats: memory of about the same size).  `data` must stay valid while duo_matrix_row is used, and
 * for F32, F16, BF16 always; otherwise it can be unmapped.  No alignment is needed.  `pool` may be NULL. */
enum duo_status duo_matrix_init(struct duo_matrix *m, enum duo_format format, size_t rows, size_t cols, const void *data,
                                struct duo_pool *pool, struct duo_err *err);
void duo_matrix_free(struct duo_matrix *m);
void duo_matrix_row(const struct duo_matrix *m, size_t row, float *to);    /* dequantized: token embeddings */

/* Activations: n tokens of `cols` values, and the same in int8 by blocks of 32 (quantized when first needed, once for
 * all products that share them). Zero-initialise; memory is kept from use to use. */
struct duo_acts {
    size_t        n, cols;
    const float  *x;             /* the caller's rows, valid until the products are done */
    size_t        stride;        /* floats from row to row */
    bool          quantized;
    size_t        blocks;        /* of 32 values a row; what follows is laid out by tiles of tokens (inside.h) */
    int8_t       *q;
    float        *scale, *sum;   /* a block's scale; scale times sum of q */
    int32_t      *offset;        /* sums of q times what a format subtracts from its weights */
    size_t        room;          /* bytes held behind q */
};
void duo_acts_set(struct duo_acts *a, const float *x, size_t n, size_t cols, size_t stride);
void duo_acts_free(struct duo_acts *a);

/* One product: y[t][r] = sum over c of m[r][c] * x[t][c], + bias[r] when there is one, + what y held when `add`. */
struct duo_product {
    const struct duo_matrix *m;
    float                   *y;
    size_t                   stride;     /* floats from token to token of y */
    const float             *bias;       /* rows values, or NULL */
    bool                     add;
};

/* All products of one set of activations (query, key and value; gate and up) with one wait at the end.
 * Every m->cols equals a->cols. */
void duo_multiply(struct duo_pool *pool, struct duo_acts *a, const struct duo_product *products, size_t n);

/* ---- Attention and its cache.  One struct duo_cache a layer. */
struct duo_cache {
    enum duo_format format;      /* F16 or Q8_0; F32 for tests and exact splits */
    int             heads;       /* KV heads */
    int             key_width, value_width;    /* of a head; multiples of 32 for Q8_0 */
    size_t          capacity;    /* tokens */
    size_t          key_tile;    /* bytes of 16 positions of one head's keys */
    size_t          value_row;   /* bytes of one head's value */
    unsigned char  *keys, *values;
};

enum duo_status duo_cache_init(struct duo_cache *c, enum duo_format format, int heads, int key_width, int value_width,
                               size_t capacity, struct duo_err *err);
void duo_cache_free(struct duo_cache *c);

/* Tokens at positions first .. first + n: rows of heads x width values.  What stood there is forgotten: rolling back
 * is putting again from the earlier position. */
void duo_cache_put(struct duo_cache *c, struct duo_pool *pool, size_t first, size_t n,
                   const float *key, size_t key_stride, const float *value, size_t value_stride);

/* Bytes of n tokens, and their copy out and in, position by position, in a layout that no instruction set
 * changes: what is saved on one machine loads on another. */
size_t duo_cache_bytes(const struct duo_cache *c, size_t n);
void duo_cache_save(const struct duo_cache *c, size_t first, size_t n, void *to);
void duo_cache_load(struct duo_cache *c, size_t first, size_t n, const void *from);

/* n query tokens at positions first .. first + n - 1, each seeing positions max(0, own - window + 1) .. own
 * (window 0: all).  Query head h uses KV head h / (heads / c->heads).
 * out[t][h] = sum of softmax(cap(scale * q.k)) v, cap(s) = softcap * tanh(s / softcap) when softcap > 0. */
struct duo_attention {
    int    heads;                /* of queries: a multiple of the cache's */
    float  scale;
    float  softcap;
    size_t window;
    size_t first, n;
};
void duo_attend(struct duo_pool *pool, const struct duo_cache *c, const struct duo_attention *how,
                const float *q, size_t q_stride, float *out, size_t out_stride);

/* ---- Rotary positions */
enum duo_rope_pairing { DUO_ROPE_INTERLEAVED, DUO_ROPE_NEOX };     /* (2i, 2i+1) or (i, i + width/2) */

struct duo_rope_spec {
    enum duo_rope_pairing pairing;
    int          width;          /* values of a head that turn, even; the rest stay */
    double       base;           /* 10000 */
    double       scale;          /* positions are multiplied by it: 1 / factor for linear scaling, else 1 */
    const float *factors;        /* width / 2 divisors of the frequencies (rope_freqs.weight), or NULL */
    double       yarn_factor;    /* 0: no YaRN; otherwise its factor, with: */
    double       yarn_context;   /* the original context */
    double       yarn_fast, yarn_slow;     /* 32 and 1 */
};

struct duo_rope {
    enum duo_rope_pairing pairing;
    int     width;
    size_t  capacity;
    float  *table;               /* capacity x (width / 2 or, interleaved, width) cosines, then as many sines */
};
enum duo_status duo_rope_init(struct duo_rope *r, const struct duo_rope_spec *spec, size_t capacity, struct duo_err *err);
void duo_rope_free(struct duo_rope *r);

/* n tokens from position first, rows of heads x head_width values. */
void duo_rope_apply(struct duo_pool *pool, const struct duo_rope *r, float *x, size_t stride, size_t first, size_t n,
                    int heads, int head_width);

/* ---- Rows of floats: n tokens, rows `stride` floats apart.  out may be x. */

/* x / sqrt(mean of squares + eps) * weight, over `parts` parts of `width` values each (parts 1: the row; q and k norms: heads).
 * weight NULL: 1. */
void duo_rms_norm(struct duo_pool *pool, const float *x, size_t stride, float *out, size_t out_stride, size_t n,
                  size_t parts, size_t width, const float *weight, float eps);

enum duo_gate { DUO_GATE_SILU, DUO_GATE_GELU };  /* SwiGLU; GeGLU, with tanh */

/* out = act(gate) * up */
void duo_gate(struct duo_pool *pool, enum duo_gate kind, const float *gate, const float *up, float *out, size_t stride,
              size_t n, size_t width);

void duo_add(float *x, const float *y, size_t n);                    /* x += y */
void duo_scale(float *x, float factor, size_t n);
void duo_softcap(float *x, float cap, size_t n);                     /* cap * tanh(x / cap) */
float duo_softmax(float *x, size_t n);   /* in place; returns log of the sum of exp(x - max), so that log p = x - max - that */
float duo_dot(const float *x, const float *y, size_t n);
size_t duo_argmax(const float *x, size_t n);                         /* the first of the largest */

float duo_expf(float x);                                             /* the exp that all of this uses; within 2 ulp */

#endif
