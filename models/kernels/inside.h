/* inside.h - what the files of this room share: the packed layout, the tiles of activations, the table of an
 * instruction set.
 *
 * Packed: 16 rows make a group (the last one padded with zeros). A group is all of its scales, then all of its whole numbers:
 *   scales, by block of 32   Q8_0 Q4_0 Q5_0: 16 halves.  Q4_1 Q5_1: 16 scales, 16 minimums.
 *          by block of 256   Q4_K Q5_K: 16 scales, 16 minimums, 3 x 16 words: the 6-bit value i (8 scales, 8 minimums) of a row
 *                            is bits 6 (i mod 5) of word i / 5; number 15 has the three words' top bits.
 *                            Q6_K: 16 scales, then by block of 32: 16 x 2 int8.
 *   numbers, by block of 32  Value 4j + i of row r is byte 4r + i of the 64 bytes "j".  Q8_0: eight such.  Else four, whose byte
 *                            holds j's low four bits below those of j + 4; before them the fifth bits (64 bytes, bit j for j)
 *                            or the two upper bits (2 x 64 bytes, bits 2 (j mod 4) of the j / 4'th).
 * So a row is a lane, four values of it are what one integer dot-product instruction takes, and the bytes are as many
 * as in the file.
 *
 * Tiles: tokens go by 8, the rest by 4, 2, 1. Block b of token t of a tile of w tokens that starts at token f is
 * number (f * blocks + b * w + t) of q (32 bytes), scale, sum and of each plane of offset. */
#ifndef DUO_KERNELS_INSIDE_H
#define DUO_KERNELS_INSIDE_H

#include "models/kernels/kernels.h"

#define DUO_LANES  16
#define DUO_TILE   8
#define DUO_PLANES 5

/* Planes of offset. Where an instruction set adds in pairs of 16 bits, a plane holds pairs: the sum over values 4j, 4j+1 and the
 * one over 4j+2, 4j+3; else the whole sum. */
enum duo_plane { DUO_BY_8, DUO_BY_16, DUO_BY_32_FIRST, DUO_BY_32_SECOND, DUO_BY_128 };

struct duo_tile {
    size_t         width, blocks;
    const int8_t  *q;
    const float   *scale, *sum;
    const int32_t *offset[DUO_PLANES];
    const float   *x;            /* the floats themselves: formats that are not packed */
    size_t         stride;
};

/* Where a token's blocks go: consecutive blocks are `step` apart. */
struct duo_quantized {
    int8_t  *q;
    float   *scale, *sum;
    int32_t *offset[DUO_PLANES];
    size_t   step;
};

/* 16 rows times a tile: out[t * 16 + r]. */
typedef void duo_product_fn(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out);

struct duo_products {
    void (*quantize)(const float *x, size_t blocks, const struct duo_quantized *to);
    duo_product_fn *product[DUO_FORMAT_COUNT];
};

/* exp_sum: x becomes exp(x - max). scores: for up to 4 queries, q . key * factor of 16 positions, keys[d][position].
 * mix: out_j += p_j[i] * values[i], i in order; width a multiple of 16. */
struct duo_floats {
    float  (*dot)(const float *x, const float *y, size_t n);
    float  (*max)(const float *x, size_t n);
    float  (*exp_sum)(float *x, float max, size_t n);
    void   (*norm)(const float *x, float factor, const float *weight, float *out, size_t n);
    void   (*gate[2])(const float *gate, const float *up, float *out, size_t n);
    void   (*add)(float *x, const float *y, size_t n);
    void   (*scale)(float *x, float factor, size_t n);
    void   (*softcap)(float *x, float cap, size_t n);
    void   (*turn[2])(float *x, const float *table, size_t width);                       /* by enum duo_rope_pairing */
    void   (*widen_halves)(const unsigned char *from, float *to, size_t n);              /* n: a multiple of 16 */
    void   (*narrow_halves)(const float *from, unsigned char *to, size_t n);
    void   (*widen_bytes)(const int8_t *from, const float scale16[16], float *to, size_t n);
    void   (*scores)(const float *keys, size_t width, const float *const *q, size_t n, float *const *out, float factor);
    void   (*mix)(const float *values, size_t width, size_t positions, const float *const *p, float *const *out, size_t n);
};

#define DUO_TABLES(X) X(scalar) X(avx2) X(avx512) X(neon) X(emulated)
#define X(isa) extern const struct duo_products duo_products_##isa; extern const struct duo_floats duo_floats_##isa;
DUO_TABLES(X)
#undef X
const struct duo_products *duo_products(void);       /* of the current instruction set */
const struct duo_floats   *duo_floats(void);

/* For tests: another table in the place of one that this processor could not run. */
void duo_isa_emulate(enum duo_isa isa, const struct duo_products *products, const struct duo_floats *floats);

/* format.c, quantize.c */
float    duo_bf16_to_f32(uint16_t b);
uint16_t duo_f32_to_bf16(float value);
uint16_t duo_get16(const unsigned char *at);
void duo_k_scales(const unsigned char packed[12], uint8_t scale[8], uint8_t min[8]);
void duo_unpack32(enum duo_format format, const unsigned char *row, size_t b, uint8_t out[32]);

/* pack.c: bytes of the two parts of a group */
static inline size_t duo_packed_scales(enum duo_format format, size_t cols)
{
    size_t blocks = cols / 32;
    switch (format) {
    case DUO_FORMAT_Q8_0: case DUO_FORMAT_Q4_0: case DUO_FORMAT_Q5_0: return (blocks * 32 + 63) / 64 * 64;
    case DUO_FORMAT_Q4_1: case DUO_FORMAT_Q5_1:                       return blocks * 64;
    case DUO_FORMAT_Q4_K: case DUO_FORMAT_Q5_K:                       return blocks / 8 * 256;
    case DUO_FORMAT_Q6_K:                                             return (blocks / 8 * 288 + 63) / 64 * 64;
    default:                                                          return 0;
    }
}

static inline size_t duo_packed_block(enum duo_format format)
{
    switch (format) {
    case DUO_FORMAT_Q8_0:                                             return 512;
    case DUO_FORMAT_Q4_0: case DUO_FORMAT_Q4_1: case DUO_FORMAT_Q4_K: return 256;
    case DUO_FORMAT_Q5_0: case DUO_FORMAT_Q5_1: case DUO_FORMAT_Q5_K: return 320;
    case DUO_FORMAT_Q6_K:                                             return 384;
    default:                                                          return 0;
    }
}

double duo_log(double x);                    /* rope.c: our own */

/* pool.c: of this thread, kept from call to call; scratch is not zeroed */
struct duo_counts *duo_pool_counter(struct duo_pool *pool, int thread);
void *duo_pool_scratch(struct duo_pool *pool, int thread, size_t bytes);

void *duo_aligned(size_t bytes);             /* zeroed, 64-byte lines, large pages where the system has them; NULL: none left */

/* Keeps a sum in the order written: compilers that regroup additions of whole numbers run out of registers. */
#define DUO_KEEP(x) __asm__("" : "+x"(x))

#define DUO_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define DUO_UNROLL _Pragma("clang loop unroll(full)")
#else
#define DUO_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
