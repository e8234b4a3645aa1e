/* product_scalar.c - quantizing activations and 16 rows times a tile, in plain C: the reference of the other instruction
 * sets, number for number.
 *
 * (1) A block of 32 of a row gives a whole number; row += float(whole) * (scale * token's scale), fused; formats with a minimum
 *     then row += minimum * token's scaled sum, fused. Blocks in order. That is the whole order. */
#include "models/kernels/inside.h"

#include <math.h>
#include <string.h>

/* To nearest, ties to even, for |x| < 2^22; no undefined conversion for others. */
static int32_t nearest(float x)
{
    float shifted = x + 12582912.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (int8_t)(bits - 0x4B400000u);
}

static void quantize(const float *x, size_t blocks, const struct duo_quantized *to)
{
    for (size_t b = 0; b < blocks; b++, x += 32) {
        float largest = 0;
        for (int i = 0; i < 32; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
        bool zero = !(largest >= 0x1p-100f);
        float scale = zero ? 0 : largest / 127, inverse = zero ? 0 : 127 / largest;
        int8_t *q = to->q + b * to->step * 32;
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < 32; i++) {
            q[i] = (int8_t)nearest(x[i] * inverse);
            sum[i / 16] += q[i];
        }
        size_t at = b * to->step;
        to->scale[at] = scale;
        to->sum[at]   = scale * (float)(sum[0] + sum[1]);
        to->offset[DUO_BY_8][at]         = -8 * (sum[0] + sum[1]);
        to->offset[DUO_BY_16][at]        = -16 * (sum[0] + sum[1]);
        to->offset[DUO_BY_32_FIRST][at]  = -32 * sum[0];
        to->offset[DUO_BY_32_SECOND][at] = -32 * sum[1];
        to->offset[DUO_BY_128][at]       = -128 * (sum[0] + sum[1]);
    }
}

struct scales { float scale[DUO_LANES], min[DUO_LANES]; int8_t sixth[DUO_LANES][2]; };

static float half_at(const unsigned char *at)
{
    return duo_f16_to_f32(duo_get16(at));
}

static int six_bits(const unsigned char *words, unsigned row, unsigned i)
{
    uint32_t w[3];
    for (unsigned k = 0; k < 3; k++) memcpy(&w[k], words + k * 64 + row * 4, 4);
    if (i == 15) return (int)(w[0] >> 30 | w[1] >> 30 << 2 | w[2] >> 30 << 4);
    return (int)(w[i / 5] >> i % 5 * 6 & 63);
}

static void read_scales(enum duo_format format, const unsigned char *from, size_t b, struct scales *s)
{
    const unsigned char *big = from + b / 8 * (format == DUO_FORMAT_Q6_K ? 288 : 256);
    unsigned sub = (unsigned)(b % 8);
    for (unsigned r = 0; r < DUO_LANES; r++)
        switch (format) {
        case DUO_FORMAT_Q4_1: case DUO_FORMAT_Q5_1:
            s->scale[r] = half_at(from + b * 64 + r * 2);
            s->min[r]   = half_at(from + b * 64 + 32 + r * 2);
            break;
        case DUO_FORMAT_Q4_K: case DUO_FORMAT_Q5_K:
            s->scale[r] = half_at(big + r * 2) * (float)six_bits(big + 64, r, sub);
            s->min[r]   = -(half_at(big + 32 + r * 2) * (float)six_bits(big + 64, r, sub + 8));
            break;
        case DUO_FORMAT_Q6_K:
            s->scale[r] = half_at(big + r * 2);
            memcpy(s->sixth[r], big + 32 + sub * 32 + r * 2, 2);
            break;
        default:
            s->scale[r] = half_at(from + b * 32 + r * 2);
        }
}

/* The whole numbers of a packed block, row by row. */
static void read_numbers(enum duo_format format, const unsigned char *from, int16_t w[DUO_LANES][32])
{
    size_t upper = duo_packed_block(format) - 256;
    for (unsigned r = 0; r < DUO_LANES; r++)
        for (unsigned v = 0; v < 32; v++) {
            unsigned j = v / 4, byte = r * 4 + v % 4;
            if (format == DUO_FORMAT_Q8_0) {
                w[r][v] = (int8_t)from[j * 64 + byte];
                continue;
            }
            int q = from[upper + j % 4 * 64 + byte] >> j / 4 * 4 & 15;
            if (upper == 64)  q |= (from[byte] >> j & 1) << 4;
            if (upper == 128) q |= (from[j / 4 * 64 + byte] >> j % 4 * 2 & 3) << 4;
            w[r][v] = (int16_t)q;
        }
}

static void product(enum duo_format format, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)
{
    const unsigned char *scales = (const unsigned char *)m->packed + group * m->group_bytes;
    const unsigned char *numbers = scales + duo_packed_scales(format, m->cols);
    const bool with_min = format == DUO_FORMAT_Q4_1 || format == DUO_FORMAT_Q5_1 || format == DUO_FORMAT_Q4_K || format == DUO_FORMAT_Q5_K;
    memset(out, 0, tile->width * DUO_LANES * sizeof *out);
    for (size_t b = 0; b < tile->blocks; b++, numbers += duo_packed_block(format)) {
        struct scales s;
        int16_t w[DUO_LANES][32];
        read_scales(format, scales, b, &s);
        read_numbers(format, numbers, w);
        for (size_t t = 0; t < tile->width; t++) {
            size_t at = b * tile->width + t;
            const int8_t *x = tile->q + at * 32;
            for (unsigned r = 0; r < DUO_LANES; r++) {
                int32_t half[2] = {0, 0}, whole;
                for (unsigned v = 0; v < 32; v++) half[v / 16] += w[r][v] * x[v];
                whole = half[0] + half[1];
                if (format == DUO_FORMAT_Q4_0) whole += tile->offset[DUO_BY_8][at];
                if (format == DUO_FORMAT_Q5_0) whole += tile->offset[DUO_BY_16][at];
                if (format == DUO_FORMAT_Q6_K)
                    whole = s.sixth[r][0] * (half[0] + tile->offset[DUO_BY_32_FIRST][at]) +
                            s.sixth[r][1] * (half[1] + tile->offset[DUO_BY_32_SECOND][at]);
                float *y = &out[t * DUO_LANES + r];
                *y = fmaf((float)whole, s.scale[r] * tile->scale[at], *y);
                if (with_min) *y = fmaf(s.min[r], tile->sum[at], *y);
            }
        }
    }
}

/* Formats that are floats, in the file's rows: 16 lanes along the row, added by halves. */
static void product_floats(enum duo_format format, const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)
{
    size_t left = m->rows - group * DUO_LANES, rows = left < DUO_LANES ? left : DUO_LANES;
    for (size_t r = 0; r < rows; r++) {
        const unsigned char *row = (const unsigned char *)m->data + (group * DUO_LANES + r) * m->row_bytes;
        for (size_t t = 0; t < tile->width; t++) {
            float lane[DUO_LANES] = {0};
            for (size_t i = 0; i < (m->cols + DUO_LANES - 1) / DUO_LANES * DUO_LANES; i++) {
                float w = 0, x = 0;              /* past the end: zeros, which may turn a lane's -0 into 0 */
                if (i < m->cols) {
                    duo_dequantize_row(format, row + i * (format == DUO_FORMAT_F32 ? 4 : 2), &w, 1);
                    x = tile->x[t * tile->stride + i];
                }
                lane[i % DUO_LANES] = fmaf(w, x, lane[i % DUO_LANES]);
            }
            for (unsigned half = DUO_LANES / 2; half; half /= 2)
                for (unsigned i = 0; i < half; i++) lane[i] += lane[i + half];
            out[t * DUO_LANES + r] = lane[0];
        }
    }
}

#define FORMATS(X, Y) Y(F32) Y(F16) Y(BF16) X(Q8_0) X(Q4_0) X(Q4_1) X(Q5_0) X(Q5_1) X(Q4_K) X(Q5_K) X(Q6_K)
#define X(id)                                                                                                              \
    static void product_##id(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)            \
    {                                                                                                                      \
        product(DUO_FORMAT_##id, m, group, tile, out);                                                                     \
    }
#define Y(id)                                                                                                              \
    static void product_##id(const struct duo_matrix *m, size_t group, const struct duo_tile *tile, float *out)            \
    {                                                                                                                      \
        product_floats(DUO_FORMAT_##id, m, group, tile, out);                                                              \
    }
FORMATS(X, Y)
#undef X
#undef Y

const struct duo_products duo_products_scalar = {
    .quantize = quantize,
#define X(id) .product[DUO_FORMAT_##id] = product_##id,
    FORMATS(X, X)
#undef X
};
