/* product_avx512.c - the numbers of product_scalar.c with AVX-512 and its dot products of int8 (VNNI).
 *
 * (1) One register has "j" of all 16 rows; the instruction wants weights unsigned, so int8 ones go in with 128 more, and what all
 *     of them have too much is taken off the sum it starts from. Nothing saturates. */
#include "models/kernels/inside.h"

#ifdef __x86_64__
#include "models/kernels/avx512.h"

static void quantize(const float *x, size_t blocks, const struct duo_quantized *to)
{
    for (size_t b = 0; b < blocks; b++, x += 32) {
        size_t at = b * to->step;
        __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
        float largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
        bool zero = !(largest >= 0x1p-100f);
        float scale = zero ? 0 : largest / 127, inverse = zero ? 0 : 127 / largest;
        const __m512 by = _mm512_set1_ps(inverse), shift = _mm512_set1_ps(12582912.0f);
        const __m512i back = _mm512_set1_epi32(0x4B400000);
        __m128i first  = _mm512_cvtepi32_epi8(_mm512_sub_epi32(_mm512_castps_si512(_mm512_add_ps(_mm512_mul_ps(low, by), shift)), back));
        __m128i second = _mm512_cvtepi32_epi8(_mm512_sub_epi32(_mm512_castps_si512(_mm512_add_ps(_mm512_mul_ps(high, by), shift)), back));
        _mm_storeu_si128((void *)(to->q + at * 32), first);
        _mm_storeu_si128((void *)(to->q + at * 32 + 16), second);
        const __m128i none = _mm_setzero_si128(), one = _mm_set1_epi8(1);
        __m128i s = _mm_hadd_epi32(_mm_dpbusd_epi32(none, one, first), _mm_dpbusd_epi32(none, one, second));
        s = _mm_hadd_epi32(s, s);
        int a = _mm_cvtsi128_si32(s), c = _mm_extract_epi32(s, 1);
        to->scale[at] = scale;
        to->sum[at]   = scale * (float)(a + c);
        to->offset[DUO_BY_8][at]         = -8 * (a + c);
        to->offset[DUO_BY_16][at]        = -16 * (a + c);
        to->offset[DUO_BY_32_FIRST][at]  = -32 * a;
        to->offset[DUO_BY_32_SECOND][at] = -32 * c;
        to->offset[DUO_BY_128][at]       = -128 * (a + c);
    }
}

DUO_INLINE bool five_bits(enum duo_format f) { return f == DUO_FORMAT_Q5_0 || f == DUO_FORMAT_Q5_1 || f == DUO_FORMAT_Q5_K; }
DUO_INLINE bool of_256(enum duo_format f)    { return f == DUO_FORMAT_Q4_K || f == DUO_FORMAT_Q5_K || f == DUO_FORMAT_Q6_K; }
DUO_INLINE bool with_min(enum duo_format f)
{
    return f == DUO_FORMAT_Q4_1 || f == DUO_FORMAT_Q5_1 || f == DUO_FORMAT_Q4_K || f == DUO_FORMAT_Q5_K;
}

DUO_INLINE __m512 halves(const unsigned char *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)at));
}

DUO_INLINE __m512i bytes64(const unsigned char *at)
{
    return _mm512_loadu_si512((const void *)at);
}

DUO_INLINE __m512i four(const int8_t *at)
{
    int32_t v;
    __builtin_memcpy(&v, at, sizeof v);
    return _mm512_set1_epi32(v);
}

DUO_INLINE void six_bits(const unsigned char *at, float scale[8][16], float min[8][16])
{
    const __m512i mask = _mm512_set1_epi32(63);
    __m512 d = halves(at), dmin = _mm512_sub_ps(_mm512_set1_ps(-0.0f), halves(at + 32));
    __m512i w[3] = {bytes64(at + 64), bytes64(at + 128), bytes64(at + 192)};
    __m512i last = _mm512_or_si512(_mm512_srli_epi32(w[0], 30), _mm512_or_si512(
        _mm512_slli_epi32(_mm512_srli_epi32(w[1], 30), 2), _mm512_slli_epi32(_mm512_srli_epi32(w[2], 30), 4)));
    DUO_UNROLL for (int i = 0; i < 16; i++) {
        __m512i v = i == 15 ? last : _mm512_and_si512(_mm512_srli_epi32(w[i / 5], (unsigned)(i % 5 * 6)), mask);
        _mm512_store_ps(i < 8 ? scale[i] : min[i - 8], _mm512_mul_ps(i < 8 ? d : dmin, _mm512_cvtepi32_ps(v)));
    }
}

/* "j" of a block, unsigned. */
DUO_INLINE __m512i weights(enum duo_format f, const unsigned char *from, int j)
{
    if (f == DUO_FORMAT_Q8_0) return _mm512_xor_si512(bytes64(from + j * 64), _mm512_set1_epi8(-128));
    const int upper = five_bits(f) ? 64 : f == DUO_FORMAT_Q6_K ? 128 : 0;
    __m512i v = bytes64(from + upper + j % 4 * 64);
    v = _mm512_and_si512(j < 4 ? v : _mm512_srli_epi16(v, 4), _mm512_set1_epi8(15));
    if (five_bits(f)) {
        __m512i h = bytes64(from);
        h = j <= 4 ? _mm512_slli_epi32(h, j <= 4 ? 4u - (unsigned)j : 0u) : _mm512_srli_epi32(h, j > 4 ? (unsigned)j - 4u : 0u);
        v = _mm512_or_si512(v, _mm512_and_si512(h, _mm512_set1_epi8(16)));
    }
    if (f == DUO_FORMAT_Q6_K) {
        __m512i h = bytes64(from + j / 4 * 64);
        int m = j % 4;
        h = m < 2 ? _mm512_slli_epi32(h, m < 2 ? 4u - 2u * (unsigned)m : 0u) : _mm512_srli_epi32(h, m == 3 ? 2u : 0u);
        v = _mm512_or_si512(v, _mm512_and_si512(h, _mm512_set1_epi8(48)));
    }
    return v;
}

DUO_INLINE enum duo_plane plane_of(enum duo_format f)
{
    return f == DUO_FORMAT_Q8_0 ? DUO_BY_128 : f == DUO_FORMAT_Q4_0 ? DUO_BY_8 : f == DUO_FORMAT_Q5_0 ? DUO_BY_16 : DUO_BY_32_FIRST;
}

DUO_INLINE void whole_of(enum duo_format f, int T, const unsigned char *from, const struct duo_tile *tile, size_t at,
                         const unsigned char *sixths, __m512i whole[DUO_TILE])
{
    const int8_t *q = tile->q + at * 32;
    const bool six = f == DUO_FORMAT_Q6_K;
    __m512i sum[DUO_TILE], w[8];
    DUO_UNROLL for (int j = 0; j < 8; j++) w[j] = weights(f, from, j);
    DUO_UNROLL for (int half = 0; half < 2; half++) {
        DUO_UNROLL for (int t = 0; t < T; t++) {
            if (half == 0 || six) {
                sum[t] = with_min(f) ? _mm512_setzero_si512()
                       : _mm512_set1_epi32(tile->offset[half ? DUO_BY_32_SECOND : plane_of(f)][at + (size_t)t]);
            }
            DUO_UNROLL for (int j = 0; j < 4; j++)
                sum[t] = _mm512_dpbusd_epi32(sum[t], w[half * 4 + j], four(q + t * 32 + half * 16 + j * 4));
        }
        if (six) {
            __m512i both = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)sixths));
            __m512i scale = half ? _mm512_srai_epi32(_mm512_slli_epi32(both, 16), 24) : _mm512_srai_epi32(_mm512_slli_epi32(both, 24), 24);
            DUO_UNROLL for (int t = 0; t < T; t++) {
                __m512i part = _mm512_mullo_epi32(sum[t], scale);
                whole[t] = half ? _mm512_add_epi32(whole[t], part) : part;
            }
        }
    }
    if (!six) DUO_UNROLL for (int t = 0; t < T; t++) whole[t] = sum[t];
}

DUO_INLINE void rows_by_tokens(enum duo_format f, int T, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)
{
    const unsigned char *scales = (const unsigned char *)m->packed + group * m->group_bytes, *big = scales;
    const unsigned char *numbers = scales + duo_packed_scales(f, m->cols);
    const size_t step = duo_packed_block(f), blocks = tile->blocks;
    float k_scale[8][16] __attribute__((aligned(64))), k_min[8][16] __attribute__((aligned(64)));
    __m512 y[DUO_TILE];
    DUO_UNROLL for (int t = 0; t < T; t++) y[t] = _mm512_setzero_ps();
    for (size_t b = 0; b < blocks; b++, numbers += step) {
        const size_t at = b * tile->width, sub = b % 8;
        if (of_256(f) && f != DUO_FORMAT_Q6_K && sub == 0) six_bits(big, k_scale, k_min);
        if (T == 1) {
            DUO_UNROLL for (int line = 0; line < 8; line++)
                if ((size_t)line * 64 < step) _mm_prefetch((const char *)numbers + 2048 + line * 64, _MM_HINT_T0);
        }
        __m512i whole[DUO_TILE];
        whole_of(f, T, numbers, tile, at, big + 32 + sub * 32, whole);
        __m512 d = f == DUO_FORMAT_Q6_K ? halves(big) : of_256(f) ? _mm512_load_ps(k_scale[sub])
                 : halves(scales + b * (with_min(f) ? 64 : 32)), min = d;
        if (with_min(f)) min = of_256(f) ? _mm512_load_ps(k_min[sub]) : halves(scales + b * 64 + 32);
        DUO_UNROLL for (int t = 0; t < T; t++) {
            __m512 by = _mm512_mul_ps(d, _mm512_set1_ps(tile->scale[at + (size_t)t]));
            y[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole[t]), by, y[t]);
            if (with_min(f)) y[t] = _mm512_fmadd_ps(min, _mm512_set1_ps(tile->sum[at + (size_t)t]), y[t]);
        }
        if (of_256(f) && sub == 7) big += f == DUO_FORMAT_Q6_K ? 288 : 256;
    }
    DUO_UNROLL for (int t = 0; t < T; t++) _mm512_storeu_ps(out + t * DUO_LANES, y[t]);
}

#define PACKED(X) X(Q8_0) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q4_K) X(Q5_K) X(Q6_K)
#define X(id)                                                                                                              \
    static void product_##id(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)            \
    {                                                                                                                      \
        switch (tile->width) {                                                                                             \
        case 1: rows_by_tokens(DUO_FORMAT_##id, 1, m, group, tile, out); return;                                           \
        case 2: rows_by_tokens(DUO_FORMAT_##id, 2, m, group, tile, out); return;                                           \
        case 4: rows_by_tokens(DUO_FORMAT_##id, 4, m, group, tile, out); return;                                           \
        default: rows_by_tokens(DUO_FORMAT_##id, 8, m, group, tile, out);                                                  \
        }                                                                                                                  \
    }
PACKED(X)
#undef X

/* `n` of 16 weights; the rest is zero. */
DUO_INLINE __m512 sixteen(enum duo_format f, const unsigned char *at, size_t n)
{
    const __mmask16 mask = (__mmask16)((1u << n) - 1);
    if (f == DUO_FORMAT_F32) return _mm512_maskz_loadu_ps(mask, at);
    __m256i short16 = _mm256_maskz_loadu_epi16(mask, at);
    if (f == DUO_FORMAT_F16) return _mm512_cvtph_ps(short16);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(short16), 16));
}

DUO_INLINE float by_halves(__m512 x)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)), s = _mm256_add_ps(_mm512_castps512_ps256(x), high);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

DUO_INLINE void row_by_tokens(enum duo_format f, int T, const unsigned char *row, size_t cols, const float *x, size_t stride, float *out)
{
    const size_t size = f == DUO_FORMAT_F32 ? 4 : 2;
    __m512 s[DUO_TILE];
    DUO_UNROLL for (int t = 0; t < T; t++) s[t] = _mm512_setzero_ps();
    for (size_t i = 0; i < cols; i += 16) {
        size_t n = cols - i < 16 ? cols - i : 16;
        const __mmask16 mask = (__mmask16)((1u << n) - 1);
        __m512 w = sixteen(f, row + i * size, n);
        DUO_UNROLL for (int t = 0; t < T; t++)
            s[t] = _mm512_fmadd_ps(w, _mm512_maskz_loadu_ps(mask, x + (size_t)t * stride + i), s[t]);
    }
    DUO_UNROLL for (int t = 0; t < T; t++) out[t * DUO_LANES] = by_halves(s[t]);
}

DUO_INLINE void product_floats(enum duo_format f, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)
{
    const size_t left = m->rows - group * DUO_LANES, rows = left < DUO_LANES ? left : DUO_LANES;
    for (size_t r = 0; r < rows; r++, out++) {
        const unsigned char *row = (const unsigned char *)m->data + (group * DUO_LANES + r) * m->row_bytes;
        switch (tile->width) {
        case 1: row_by_tokens(f, 1, row, m->cols, tile->x, tile->stride, out); break;
        case 2: row_by_tokens(f, 2, row, m->cols, tile->x, tile->stride, out); break;
        case 4: row_by_tokens(f, 4, row, m->cols, tile->x, tile->stride, out); break;
        default: row_by_tokens(f, 8, row, m->cols, tile->x, tile->stride, out);
        }
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

const struct duo_products DUO_PRODUCTS = {
    .quantize = quantize,
#define X(id) .product[DUO_FORMAT_##id] = product_##id,
    PACKED(X) FLOATS(X)
#undef X
};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
