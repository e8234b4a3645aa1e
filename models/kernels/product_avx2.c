/* product_avx2.c - the numbers of product_scalar.c with AVX2 and FMA.
 *
 * (1) Up to five bits a weight: unsigned weight times int8 in pairs of 16 bits, a whole block added up in 16 bits. Starting
 *     from minus the subtracted constant times the pair's sum of q, the last value fits, and wrapping on the way is
 *     harmless. Q5_1, Q5_K: no constant, so one of 16 is put in and taken out afterwards. Six bits: half a block.
 * (2) Q8_0: |w| times q with w's sign, since |w| may be 128 but |q| is at most 127. */
#include "models/kernels/inside.h"

#ifdef __x86_64__
#include <immintrin.h>

#define DUO_TARGET "avx2,fma,f16c"
#include "models/kernels/target.h"

DUO_INLINE __m256i nearest8(const float *x, __m256 inverse)
{
    __m256 shifted = _mm256_add_ps(_mm256_mul_ps(_mm256_loadu_ps(x), inverse), _mm256_set1_ps(12582912.0f));
    return _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(0x4B400000));
}

DUO_INLINE float largest32(const float *x)
{
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
    __m256 a = _mm256_and_ps(_mm256_loadu_ps(x), magnitude), b = _mm256_and_ps(_mm256_loadu_ps(x + 8), magnitude);
    __m256 c = _mm256_and_ps(_mm256_loadu_ps(x + 16), magnitude), d = _mm256_and_ps(_mm256_loadu_ps(x + 24), magnitude);
    a = _mm256_max_ps(_mm256_max_ps(a, b), _mm256_max_ps(c, d));
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static void quantize(const float *x, size_t blocks, const struct duo_quantized *to)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t b = 0; b < blocks; b++, x += 32) {
        size_t at = b * to->step;
        float largest = largest32(x);
        bool zero = !(largest >= 0x1p-100f);
        float scale = zero ? 0 : largest / 127, inverse = zero ? 0 : 127 / largest;
        __m256 by = _mm256_set1_ps(inverse);
        __m256i q = _mm256_packs_epi16(_mm256_packs_epi32(nearest8(x, by), nearest8(x + 8, by)),
                                       _mm256_packs_epi32(nearest8(x + 16, by), nearest8(x + 24, by)));
        q = _mm256_permutevar8x32_epi32(q, order);
        _mm256_storeu_si256((void *)(to->q + at * 32), q);
        __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), q);        /* each half: four times two pairs */
        pairs = _mm256_add_epi16(pairs, _mm256_shuffle_epi32(pairs, 0x4E));
        pairs = _mm256_add_epi16(pairs, _mm256_shuffle_epi32(pairs, 0xB1));
        __m128i first = _mm256_castsi256_si128(pairs), second = _mm256_extracti128_si256(pairs, 1), all = _mm_add_epi16(first, second);
        int sum = _mm_cvtsi128_si32(_mm_madd_epi16(all, _mm_set1_epi16(1)));
        to->scale[at] = scale;
        to->sum[at]   = scale * (float)sum;
        to->offset[DUO_BY_8][at]         = _mm_cvtsi128_si32(_mm_mullo_epi16(all, _mm_set1_epi16(-8)));
        to->offset[DUO_BY_16][at]        = _mm_cvtsi128_si32(_mm_mullo_epi16(all, _mm_set1_epi16(-16)));
        to->offset[DUO_BY_32_FIRST][at]  = _mm_cvtsi128_si32(_mm_mullo_epi16(first, _mm_set1_epi16(-32)));
        to->offset[DUO_BY_32_SECOND][at] = _mm_cvtsi128_si32(_mm_mullo_epi16(second, _mm_set1_epi16(-32)));
        to->offset[DUO_BY_128][at]       = 16 * sum;
    }
}

DUO_INLINE bool five_bits(enum duo_format f) { return f == DUO_FORMAT_Q5_0 || f == DUO_FORMAT_Q5_1 || f == DUO_FORMAT_Q5_K; }
DUO_INLINE bool of_256(enum duo_format f)    { return f == DUO_FORMAT_Q4_K || f == DUO_FORMAT_Q5_K || f == DUO_FORMAT_Q6_K; }
DUO_INLINE bool with_min(enum duo_format f)
{
    return f == DUO_FORMAT_Q4_1 || f == DUO_FORMAT_Q5_1 || f == DUO_FORMAT_Q4_K || f == DUO_FORMAT_Q5_K;
}

DUO_INLINE __m256 halves(const unsigned char *at)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const void *)at));
}

DUO_INLINE __m256i bytes32(const unsigned char *at)
{
    return _mm256_loadu_si256((const void *)at);
}

DUO_INLINE __m256i four(const int8_t *at)
{
    int32_t v;
    __builtin_memcpy(&v, at, sizeof v);
    return _mm256_set1_epi32(v);
}

/* The scales and minimums of a block of 256, for 8 rows from `row` on: eight of each, as floats. */
DUO_INLINE void six_bits(const unsigned char *at, int row, float scale[8][8], float min[8][8])
{
    const __m256i mask = _mm256_set1_epi32(63);
    __m256 d = halves(at + row * 2), dmin = _mm256_xor_ps(halves(at + 32 + row * 2), _mm256_set1_ps(-0.0f));
    __m256i w[3] = {bytes32(at + 64 + row * 4), bytes32(at + 128 + row * 4), bytes32(at + 192 + row * 4)};
    __m256i last = _mm256_or_si256(_mm256_srli_epi32(w[0], 30), _mm256_or_si256(
        _mm256_slli_epi32(_mm256_srli_epi32(w[1], 30), 2), _mm256_slli_epi32(_mm256_srli_epi32(w[2], 30), 4)));
    DUO_UNROLL for (int i = 0; i < 16; i++) {
        __m256i v = i == 15 ? last : _mm256_and_si256(_mm256_srli_epi32(w[i / 5], i % 5 * 6), mask);
        _mm256_store_ps(i < 8 ? scale[i] : min[i - 8], _mm256_mul_ps(i < 8 ? d : dmin, _mm256_cvtepi32_ps(v)));
    }
}

/* The four bytes "j" of 8 rows of a block, `low` being the vector that has j's nibbles. */
DUO_INLINE __m256i weights(enum duo_format f, __m256i low, const unsigned char *upper, int j)
{
    __m256i v = _mm256_and_si256(j < 4 ? low : _mm256_srli_epi16(low, 4), _mm256_set1_epi8(15));
    if (five_bits(f)) {
        __m256i h = bytes32(upper);
        h = j <= 4 ? _mm256_slli_epi16(h, j <= 4 ? 4 - j : 0) : _mm256_srli_epi16(h, j > 4 ? j - 4 : 0);
        v = _mm256_or_si256(v, _mm256_and_si256(h, _mm256_set1_epi8(16)));
    }
    if (f == DUO_FORMAT_Q6_K) {
        __m256i h = bytes32(upper + j / 4 * 64);
        int m = j % 4;
        h = m < 2 ? _mm256_slli_epi16(h, m < 2 ? 4 - 2 * m : 0) : _mm256_srli_epi16(h, m == 3 ? 2 : 0);
        v = _mm256_or_si256(v, _mm256_and_si256(h, _mm256_set1_epi8(48)));
    }
    return v;
}

/* The whole numbers of a block of 32, R x 8 rows and T tokens. `from`: 64-byte vectors of which we take 32 bytes; at: the
 * first token's block number; sixths: Q6_K's scales of the 16 rows. */
DUO_INLINE void whole_small(enum duo_format f, int R, int T, const unsigned char *from, const struct duo_tile *tile, size_t at,
                            const unsigned char *sixths, __m256i whole[2][8])
{
    const size_t upper = five_bits(f) ? 64 : 0;
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sum[2][8];
    const int8_t *q = tile->q + at * 32;
    DUO_UNROLL for (int r = 0; r < R; r++)
        DUO_UNROLL for (int t = 0; t < T; t++)
            sum[r][t] = f == DUO_FORMAT_Q4_0 ? _mm256_set1_epi32(tile->offset[DUO_BY_8][at + (size_t)t])
                      : five_bits(f) ? _mm256_set1_epi32(tile->offset[DUO_BY_16][at + (size_t)t]) : _mm256_setzero_si256();
    (void)sixths;
    DUO_UNROLL for (int v = 0; v < 4; v++)
        DUO_UNROLL for (int r = 0; r < R; r++) {
            __m256i low = bytes32(from + upper + v * 64 + r * 32);
            __m256i a = weights(f, low, from + r * 32, v), b = weights(f, low, from + r * 32, v + 4);
            DUO_UNROLL for (int t = 0; t < T; t++) {
                sum[r][t] = _mm256_add_epi16(sum[r][t], _mm256_maddubs_epi16(a, four(q + t * 32 + v * 4)));
                DUO_KEEP(sum[r][t]);
                sum[r][t] = _mm256_add_epi16(sum[r][t], _mm256_maddubs_epi16(b, four(q + t * 32 + v * 4 + 16)));
                DUO_KEEP(sum[r][t]);
            }
        }
    DUO_UNROLL for (int r = 0; r < R; r++)
        DUO_UNROLL for (int t = 0; t < T; t++) {
            whole[r][t] = _mm256_madd_epi16(sum[r][t], ones);
            if (five_bits(f) && f != DUO_FORMAT_Q5_0)
                whole[r][t] = _mm256_add_epi32(whole[r][t], _mm256_set1_epi32(tile->offset[DUO_BY_128][at + (size_t)t]));
        }
}

DUO_INLINE void whole_six(int R, int T, const unsigned char *from, const struct duo_tile *tile, size_t at,
                          const unsigned char *sixths, __m256i whole[2][8])
{
    const int8_t *q = tile->q + at * 32;
    DUO_UNROLL for (int r = 0; r < R; r++) {
        __m256i both = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(sixths + r * 16)));     /* 8 rows x 2 scales */
        DUO_UNROLL for (int half = 0; half < 2; half++) {
            __m256i scale = half ? _mm256_srli_epi32(both, 16) : _mm256_and_si256(both, _mm256_set1_epi32(0xFFFF)), sum[8];
            scale = _mm256_or_si256(scale, _mm256_slli_epi32(scale, 16));
            DUO_UNROLL for (int t = 0; t < T; t++)
                sum[t] = _mm256_set1_epi32(tile->offset[half ? DUO_BY_32_SECOND : DUO_BY_32_FIRST][at + (size_t)t]);
            DUO_UNROLL for (int v = 0; v < 4; v++) {
                __m256i w = weights(DUO_FORMAT_Q6_K, bytes32(from + 128 + v * 64 + r * 32), from + r * 32, v + 4 * half);
                DUO_UNROLL for (int t = 0; t < T; t++) {
                    sum[t] = _mm256_add_epi16(sum[t], _mm256_maddubs_epi16(w, four(q + t * 32 + v * 4 + half * 16)));
                    DUO_KEEP(sum[t]);
                }
            }
            DUO_UNROLL for (int t = 0; t < T; t++) {
                __m256i part = _mm256_madd_epi16(sum[t], scale);
                whole[r][t] = half ? _mm256_add_epi32(whole[r][t], part) : part;
            }
        }
    }
}

DUO_INLINE void whole_eight(int R, int T, const unsigned char *from, const struct duo_tile *tile, size_t at, __m256i whole[2][8])
{
    const __m256i ones = _mm256_set1_epi16(1);
    const int8_t *q = tile->q + at * 32;
    DUO_UNROLL for (int j = 0; j < 8; j++)
        DUO_UNROLL for (int r = 0; r < R; r++) {
            __m256i w = bytes32(from + j * 64 + r * 32), magnitude = _mm256_abs_epi8(w);
            DUO_UNROLL for (int t = 0; t < T; t++) {
                __m256i part = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(four(q + t * 32 + j * 4), w)), ones);
                whole[r][t] = j ? _mm256_add_epi32(whole[r][t], part) : part;
                DUO_KEEP(whole[r][t]);
            }
        }
}

/* R x 8 rows from `row` on, T tokens. */
DUO_INLINE void rows_by_tokens(enum duo_format f, int R, int T, const struct duo_matrix *m, size_t group, const struct duo_tile *tile,
                               int row, float *out)
{
    const unsigned char *scales = (const unsigned char *)m->packed + group * m->group_bytes, *big = scales;
    const unsigned char *numbers = scales + duo_packed_scales(f, m->cols) + row * 4;
    const size_t step = duo_packed_block(f), blocks = tile->blocks;
    float k_scale[2][8][8] __attribute__((aligned(32))), k_min[2][8][8] __attribute__((aligned(32)));
    __m256 y[2][8];
    DUO_UNROLL for (int r = 0; r < R; r++)
        DUO_UNROLL for (int t = 0; t < T; t++) y[r][t] = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++, numbers += step) {
        const size_t at = b * tile->width, sub = b % 8;
        const unsigned char *sixths = big + 32 + sub * 32 + row * 2;
        if (of_256(f) && f != DUO_FORMAT_Q6_K && sub == 0)
            DUO_UNROLL for (int r = 0; r < R; r++) six_bits(big, row + r * 8, k_scale[r], k_min[r]);
        if (T == 1) {
            DUO_UNROLL for (int line = 0; line < 8; line += 1)
                if ((size_t)line * 64 < step) _mm_prefetch((const char *)numbers + 1536 + line * 64, _MM_HINT_T0);
        }
        __m256i whole[2][8];
        if (f == DUO_FORMAT_Q8_0)      whole_eight(R, T, numbers, tile, at, whole);
        else if (f == DUO_FORMAT_Q6_K) whole_six(R, T, numbers, tile, at, sixths, whole);
        else                           whole_small(f, R, T, numbers, tile, at, sixths, whole);
        DUO_UNROLL for (int r = 0; r < R; r++) {
            int to = row * 2 + r * 16;
            __m256 d = f == DUO_FORMAT_Q6_K ? halves(big + to) : of_256(f) ? _mm256_load_ps(k_scale[r][sub])
                     : halves(scales + b * (with_min(f) ? 64 : 32) + to), min = d;
            if (with_min(f)) min = of_256(f) ? _mm256_load_ps(k_min[r][sub]) : halves(scales + b * 64 + 32 + to);
            DUO_UNROLL for (int t = 0; t < T; t++) {
                __m256 by = _mm256_mul_ps(d, _mm256_set1_ps(tile->scale[at + (size_t)t]));
                y[r][t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole[r][t]), by, y[r][t]);
                if (with_min(f)) y[r][t] = _mm256_fmadd_ps(min, _mm256_set1_ps(tile->sum[at + (size_t)t]), y[r][t]);
            }
        }
        if (of_256(f) && sub == 7) big += f == DUO_FORMAT_Q6_K ? 288 : 256;
    }
    DUO_UNROLL for (int r = 0; r < R; r++)
        DUO_UNROLL for (int t = 0; t < T; t++) _mm256_storeu_ps(out + t * DUO_LANES + row + r * 8, y[r][t]);
}

#define PACKED(X) X(Q8_0) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q4_K) X(Q5_K) X(Q6_K)
#define X(id)                                                                                                              \
    static void product_##id(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)            \
    {                                                                                                                      \
        const enum duo_format f = DUO_FORMAT_##id;                                                                         \
        switch (tile->width) {                                                                                             \
        case 1: rows_by_tokens(f, 2, 1, m, group, tile, 0, out); return;                                                   \
        case 2: rows_by_tokens(f, 2, 2, m, group, tile, 0, out); return;                                                   \
        case 4: rows_by_tokens(f, 1, 4, m, group, tile, 0, out); rows_by_tokens(f, 1, 4, m, group, tile, 8, out); return;  \
        default: rows_by_tokens(f, 1, 8, m, group, tile, 0, out); rows_by_tokens(f, 1, 8, m, group, tile, 8, out);         \
        }                                                                                                                  \
    }
PACKED(X)
#undef X

DUO_INLINE void sixteen(enum duo_format f, const unsigned char *at, __m256 w[2])
{
    for (int k = 0; k < 2; k++)
        if (f == DUO_FORMAT_F32)      w[k] = _mm256_loadu_ps((const float *)(const void *)(at + k * 32));
        else if (f == DUO_FORMAT_F16) w[k] = halves(at + k * 16);
        else w[k] = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(at + k * 16))), 16));
}

DUO_INLINE float by_halves(__m256 low, __m256 high)
{
    __m256 s = _mm256_add_ps(low, high);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

/* One row, T tokens; the rest of a row goes through a copy padded with zeros, which changes no lane. */
DUO_INLINE void row_by_tokens(enum duo_format f, int T, const unsigned char *row, size_t cols, const float *x, size_t stride, float *out)
{
    const size_t size = f == DUO_FORMAT_F32 ? 4 : 2;
    __m256 w[2], s[2][4];
    size_t i = 0;
    DUO_UNROLL for (int t = 0; t < T; t++) s[0][t] = s[1][t] = _mm256_setzero_ps();
    for (; i + 16 <= cols; i += 16) {
        sixteen(f, row + i * size, w);
        DUO_UNROLL for (int t = 0; t < T; t++)
            DUO_UNROLL for (int k = 0; k < 2; k++)
                s[k][t] = _mm256_fmadd_ps(w[k], _mm256_loadu_ps(x + (size_t)t * stride + i + (size_t)k * 8), s[k][t]);
    }
    if (i < cols) {
        unsigned char rest[64] = {0};
        __builtin_memcpy(rest, row + i * size, (cols - i) * size);
        sixteen(f, rest, w);
        for (int t = 0; t < T; t++) {
            float tail[16] = {0};
            __builtin_memcpy(tail, x + (size_t)t * stride + i, (cols - i) * sizeof *tail);
            for (int k = 0; k < 2; k++) s[k][t] = _mm256_fmadd_ps(w[k], _mm256_loadu_ps(tail + k * 8), s[k][t]);
        }
    }
    DUO_UNROLL for (int t = 0; t < T; t++) out[t * DUO_LANES] = by_halves(s[0][t], s[1][t]);
}

DUO_INLINE void product_floats(enum duo_format f, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)
{
    const size_t left = m->rows - group * DUO_LANES, rows = left < DUO_LANES ? left : DUO_LANES;
    for (size_t r = 0; r < rows; r++, out++) {
        const unsigned char *row = (const unsigned char *)m->data + (group * DUO_LANES + r) * m->row_bytes;
        if (tile->width == 1) row_by_tokens(f, 1, row, m->cols, tile->x, tile->stride, out);
        if (tile->width == 2) row_by_tokens(f, 2, row, m->cols, tile->x, tile->stride, out);
        for (size_t t = 0; t + 4 <= tile->width; t += 4)
            row_by_tokens(f, 4, row, m->cols, tile->x + t * tile->stride, tile->stride, out + t * DUO_LANES);
    }
}

#define FLOATS(X) X(F32) X(F16) X(BF16)
#define X(id)                                                                                                              \
    static void product_##id(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)            \
    {                                                                                                                      \
        product_floats(DUO_FORMAT_##id, m, group, tile, out);                                                              \
    }
FLOATS(X)
#undef X

const struct duo_products duo_products_avx2 = {
    .quantize = quantize,
#define X(id) .product[DUO_FORMAT_##id] = product_##id,
    PACKED(X) FLOATS(X)
#undef X
};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
