/* product_neon.c - the numbers of product_scalar.c with the dot products of Armv8.2.
 *
 * (1) Weights of up to six bits fit int8 as they are; what a format subtracts is in the sum that the block starts from. */
#include "models/kernels/inside.h"

#ifdef __aarch64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#include <arm_neon.h>

static void quantize(const float *x, size_t blocks, const struct duo_quantized *to)
{
    for (size_t b = 0; b < blocks; b++, x += 32) {
        size_t at = b * to->step;
        float32x4_t v[8], most = vdupq_n_f32(0);
        DUO_UNROLL for (int i = 0; i < 8; i++) v[i] = vld1q_f32(x + 4 * i), most = vmaxq_f32(most, vabsq_f32(v[i]));
        float largest = vmaxvq_f32(most);
        bool zero = !(largest >= 0x1p-100f);
        float scale = zero ? 0 : largest / 127, inverse = zero ? 0 : 127 / largest;
        int16x4_t q[8];
        DUO_UNROLL for (int i = 0; i < 8; i++) {
            float32x4_t shifted = vaddq_f32(vmulq_n_f32(v[i], inverse), vdupq_n_f32(12582912.0f));
            q[i] = vmovn_s32(vsubq_s32(vreinterpretq_s32_f32(shifted), vdupq_n_s32(0x4B400000)));
        }
        int32_t sum[2];
        DUO_UNROLL for (int half = 0; half < 2; half++) {
            int8x16_t bytes = vcombine_s8(vmovn_s16(vcombine_s16(q[4 * half], q[4 * half + 1])),
                                          vmovn_s16(vcombine_s16(q[4 * half + 2], q[4 * half + 3])));
            vst1q_s8(to->q + at * 32 + half * 16, bytes);
            sum[half] = vaddlvq_s8(bytes);
        }
        to->scale[at] = scale;
        to->sum[at]   = scale * (float)(sum[0] + sum[1]);
        to->offset[DUO_BY_8][at]         = -8 * (sum[0] + sum[1]);
        to->offset[DUO_BY_16][at]        = -16 * (sum[0] + sum[1]);
        to->offset[DUO_BY_32_FIRST][at]  = -32 * sum[0];
        to->offset[DUO_BY_32_SECOND][at] = -32 * sum[1];
        to->offset[DUO_BY_128][at]       = -128 * (sum[0] + sum[1]);
    }
}

DUO_INLINE bool five_bits(enum duo_format f) { return f == DUO_FORMAT_Q5_0 || f == DUO_FORMAT_Q5_1 || f == DUO_FORMAT_Q5_K; }
DUO_INLINE bool of_256(enum duo_format f)    { return f == DUO_FORMAT_Q4_K || f == DUO_FORMAT_Q5_K || f == DUO_FORMAT_Q6_K; }
DUO_INLINE bool with_min(enum duo_format f)
{
    return f == DUO_FORMAT_Q4_1 || f == DUO_FORMAT_Q5_1 || f == DUO_FORMAT_Q4_K || f == DUO_FORMAT_Q5_K;
}

DUO_INLINE float32x4_t halves(const unsigned char *at)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(at)));
}

DUO_INLINE uint32x4_t words(const unsigned char *at)
{
    return vreinterpretq_u32_u8(vld1q_u8(at));
}

/* Six-bit value i of four rows. */
DUO_INLINE float32x4_t six_bits(const unsigned char *at, unsigned i)
{
    uint32x4_t v;
    if (i == 15)
        v = vorrq_u32(vshrq_n_u32(words(at), 30), vorrq_u32(vshlq_n_u32(vshrq_n_u32(words(at + 64), 30), 2),
                                                            vshlq_n_u32(vshrq_n_u32(words(at + 128), 30), 4)));
    else
        v = vandq_u32(vshlq_u32(words(at + i / 5 * 64), vdupq_n_s32(-(int)(i % 5 * 6))), vdupq_n_u32(63));
    return vcvtq_f32_u32(v);
}

/* "j" of four rows of a block; `from` is at those rows' bytes. */
DUO_INLINE int8x16_t weights(enum duo_format f, const unsigned char *from, int j)
{
    if (f == DUO_FORMAT_Q8_0) return vreinterpretq_s8_u8(vld1q_u8(from + j * 64));
    const int upper = five_bits(f) ? 64 : f == DUO_FORMAT_Q6_K ? 128 : 0;
    uint8x16_t v = vld1q_u8(from + upper + j % 4 * 64);
    v = j < 4 ? vandq_u8(v, vdupq_n_u8(15)) : vshrq_n_u8(v, 4);
    if (five_bits(f)) v = vorrq_u8(v, vandq_u8(vshlq_u8(vld1q_u8(from), vdupq_n_s8((int8_t)(4 - j))), vdupq_n_u8(16)));
    if (f == DUO_FORMAT_Q6_K)
        v = vorrq_u8(v, vandq_u8(vshlq_u8(vld1q_u8(from + j / 4 * 64), vdupq_n_s8((int8_t)(4 - j % 4 * 2))), vdupq_n_u8(48)));
    return vreinterpretq_s8_u8(v);
}

DUO_INLINE enum duo_plane plane_of(enum duo_format f)
{
    return f == DUO_FORMAT_Q4_0 ? DUO_BY_8 : f == DUO_FORMAT_Q5_0 ? DUO_BY_16 : DUO_BY_32_FIRST;
}

DUO_INLINE void whole_of(enum duo_format f, int T, const unsigned char *from, const struct duo_tile *tile, size_t at,
                         const unsigned char *sixths, int32x4_t whole[DUO_TILE])
{
    const int8_t *q = tile->q + at * 32;
    const bool six = f == DUO_FORMAT_Q6_K, none = f == DUO_FORMAT_Q8_0 || with_min(f);
    int8x16_t w[8];
    DUO_UNROLL for (int j = 0; j < 8; j++) w[j] = weights(f, from, j);
    int8x8_t both = six ? vld1_s8((const int8_t *)sixths) : vdup_n_s8(0);
    int16x8_t scales = vmovl_s8(both);
    int32x4_t scale[2] = {vmovl_s16(vget_low_s16(vuzp1q_s16(scales, scales))), vmovl_s16(vget_low_s16(vuzp2q_s16(scales, scales)))};
    DUO_UNROLL for (int t = 0; t < T; t++) {
        int8x16_t first = vld1q_s8(q + t * 32), second = vld1q_s8(q + t * 32 + 16);
        int32x4_t s = none ? vdupq_n_s32(0) : vdupq_n_s32(tile->offset[plane_of(f)][at + (size_t)t]);
        s = vdotq_laneq_s32(s, w[0], first, 0);
        s = vdotq_laneq_s32(s, w[1], first, 1);
        s = vdotq_laneq_s32(s, w[2], first, 2);
        s = vdotq_laneq_s32(s, w[3], first, 3);
        if (six) whole[t] = vmulq_s32(s, scale[0]), s = vdupq_n_s32(tile->offset[DUO_BY_32_SECOND][at + (size_t)t]);
        s = vdotq_laneq_s32(s, w[4], second, 0);
        s = vdotq_laneq_s32(s, w[5], second, 1);
        s = vdotq_laneq_s32(s, w[6], second, 2);
        s = vdotq_laneq_s32(s, w[7], second, 3);
        whole[t] = six ? vmlaq_s32(whole[t], s, scale[1]) : s;
    }
}

/* Four rows from `row` on. */
DUO_INLINE void rows_by_tokens(enum duo_format f, int T, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, int row, float *out)
{
    const unsigned char *scales = (const unsigned char *)m->packed + group * m->group_bytes, *big = scales;
    const unsigned char *numbers = scales + duo_packed_scales(f, m->cols) + row * 4;
    const size_t step = duo_packed_block(f), blocks = tile->blocks;
    float32x4_t y[DUO_TILE];
    DUO_UNROLL for (int t = 0; t < T; t++) y[t] = vdupq_n_f32(0);
    for (size_t b = 0; b < blocks; b++, numbers += step) {
        const size_t at = b * tile->width, sub = b % 8;
        int32x4_t whole[DUO_TILE];
        whole_of(f, T, numbers, tile, at, big + 32 + sub * 32 + row * 2, whole);
        float32x4_t d, min = vdupq_n_f32(0);
        if (of_256(f)) {
            d = halves(big + row * 2);
            if (with_min(f)) {
                min = vnegq_f32(vmulq_f32(halves(big + 32 + row * 2), six_bits(big + 64 + row * 4, (unsigned)sub + 8)));
                d   = vmulq_f32(d, six_bits(big + 64 + row * 4, (unsigned)sub));
            }
        } else {
            d = halves(scales + b * (with_min(f) ? 64 : 32) + row * 2);
            if (with_min(f)) min = halves(scales + b * 64 + 32 + row * 2);
        }
        DUO_UNROLL for (int t = 0; t < T; t++) {
            y[t] = vfmaq_f32(y[t], vcvtq_f32_s32(whole[t]), vmulq_n_f32(d, tile->scale[at + (size_t)t]));
            if (with_min(f)) y[t] = vfmaq_f32(y[t], min, vdupq_n_f32(tile->sum[at + (size_t)t]));
        }
        if (of_256(f) && sub == 7) big += f == DUO_FORMAT_Q6_K ? 288 : 256;
    }
    DUO_UNROLL for (int t = 0; t < T; t++) vst1q_f32(out + t * DUO_LANES + row, y[t]);
}

#define PACKED(X) X(Q8_0) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q4_K) X(Q5_K) X(Q6_K)
#define X(id)                                                                                                              \
    static void product_##id(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)            \
    {                                                                                                                      \
        for (int row = 0; row < DUO_LANES; row += 4)                                                                       \
            switch (tile->width) {                                                                                         \
            case 1: rows_by_tokens(DUO_FORMAT_##id, 1, m, group, tile, row, out); break;                                   \
            case 2: rows_by_tokens(DUO_FORMAT_##id, 2, m, group, tile, row, out); break;                                   \
            case 4: rows_by_tokens(DUO_FORMAT_##id, 4, m, group, tile, row, out); break;                                   \
            default: rows_by_tokens(DUO_FORMAT_##id, 8, m, group, tile, row, out);                                         \
            }                                                                                                              \
    }
PACKED(X)
#undef X

DUO_INLINE float32x4_t four(enum duo_format f, const unsigned char *at)
{
    if (f == DUO_FORMAT_F32) return vreinterpretq_f32_u8(vld1q_u8(at));
    if (f == DUO_FORMAT_F16) return halves(at);
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(at)), 16));
}

DUO_INLINE void product_floats(enum duo_format f, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)
{
    const size_t left = m->rows - group * DUO_LANES, rows = left < DUO_LANES ? left : DUO_LANES, size = f == DUO_FORMAT_F32 ? 4 : 2;
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < tile->width; t++) {
            const unsigned char *row = (const unsigned char *)m->data + (group * DUO_LANES + r) * m->row_bytes;
            const float *x = tile->x + t * tile->stride;
            float32x4_t s[4];
            DUO_UNROLL for (int k = 0; k < 4; k++) s[k] = vdupq_n_f32(0);
            size_t i = 0;
            for (; i + 16 <= m->cols; i += 16)
                DUO_UNROLL for (int k = 0; k < 4; k++) s[k] = vfmaq_f32(s[k], four(f, row + (i + 4 * (size_t)k) * size), vld1q_f32(x + i + 4 * k));
            if (i < m->cols) {
                unsigned char rest[64] = {0};
                float tail[16] = {0};
                __builtin_memcpy(rest, row + i * size, (m->cols - i) * size);
                __builtin_memcpy(tail, x + i, (m->cols - i) * sizeof *tail);
                DUO_UNROLL for (int k = 0; k < 4; k++) s[k] = vfmaq_f32(s[k], four(f, rest + 4 * (size_t)k * size), vld1q_f32(tail + 4 * k));
            }
            float32x4_t q = vaddq_f32(vaddq_f32(s[0], s[2]), vaddq_f32(s[1], s[3]));
            float32x2_t pair = vadd_f32(vget_low_f32(q), vget_high_f32(q));
            out[t * DUO_LANES + r] = vget_lane_f32(pair, 0) + vget_lane_f32(pair, 1);
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

const struct duo_products duo_products_neon = {
    .quantize = quantize,
#define X(id) .product[DUO_FORMAT_##id] = product_##id,
    PACKED(X) FLOATS(X)
#undef X
};

#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
