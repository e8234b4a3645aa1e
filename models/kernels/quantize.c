/* quantize.c - rows of floats turned into blocks.
 *
 * (1) F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1: the bytes of the `gguf` package and of ggml's reference, neither of which fuses.
 * (2) K-quants: for each part, the scale (and minimum) with the least squared error of a few tried; then the parts'
 *     scales are rounded to 6 or 8 bits and the values chosen anew for the rounded ones. */
#include "models/kernels/inside.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void put_half(unsigned char *at, float value)
{
    uint16_t half = duo_f32_to_f16(value);
    memcpy(at, &half, sizeof half);
}

static int clamp(float value, int high)
{
    if (!(value > 0)) return 0;
    return value >= (float)high ? high : (int)value;
}

static void put_nibbles(unsigned char *at, const uint8_t q[32], bool five)
{
    uint32_t high = 0;
    for (unsigned i = 0; i < 32; i++) high |= (uint32_t)(q[i] >> 4 & 1) << i;
    if (five) memcpy(at, &high, sizeof high), at += sizeof high;
    for (unsigned i = 0; i < 16; i++) at[i] = (unsigned char)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

static void block_q8_0(const float *x, unsigned char *to)
{
    float largest = 0;
    for (int i = 0; i < 32; i++) largest = fmaxf(largest, fabsf(x[i]));
    float d = largest / 127, inverse = d != 0 ? 1 / d : 0;
    put_half(to, d);
    for (int i = 0; i < 32; i++) {
        float q = roundf(x[i] * inverse);
        to[2 + i] = (unsigned char)(int8_t)(q >= -128 && q <= 127 ? q : 0);
    }
}

/* Q4_0 and Q5_0: the value farthest from zero, sign and all, becomes the lowest step. */
static void block_signed(const float *x, unsigned char *to, int steps)
{
    float largest = 0;
    for (int i = 0; i < 32; i++) if (fabsf(x[i]) > fabsf(largest)) largest = x[i];
    float d = largest / (float)-(steps / 2), inverse = d != 0 ? 1 / d : 0;
    put_half(to, d);
    uint8_t q[32];
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)clamp(x[i] * inverse + ((float)(steps / 2) + 0.5f), steps - 1);
    put_nibbles(to + 2, q, steps == 32);
}

static void block_from_min(const float *x, unsigned char *to, int steps)
{
    float low = x[0], high = x[0];
    for (int i = 1; i < 32; i++) low = fminf(low, x[i]), high = fmaxf(high, x[i]);
    float d = (high - low) / (float)(steps - 1), inverse = d != 0 ? 1 / d : 0;
    put_half(to, d);
    put_half(to + 2, low);
    uint8_t q[32];
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)clamp((x[i] - low) * inverse + 0.5f, steps - 1);
    put_nibbles(to + 4, q, steps == 32);
}

static int nearest(float value, int low, int high)
{
    if (!(value > (float)low)) return low;
    return value >= (float)high ? high : (int)lrintf(value);
}

/* q[i] in 0 .. steps - 1 so that scale * q - min is near x; min >= 0.  Tries scales around the range's. */
static void fit_min(const float *x, int steps, float *scale, float *min)
{
    float low = 0, high = x[0], best = INFINITY;
    for (int i = 0; i < 32; i++) low = fminf(low, x[i]), high = fmaxf(high, x[i]);
    *scale = 0, *min = -low;
    if (!(high > low)) return;
    for (int try = -6; try <= 6; try++) {
        float inverse = ((float)steps - 1 + 0.1f * (float)try) / (high - low);
        float n = 32, sq = 0, sqq = 0, sx = 0, sxq = 0;
        for (int i = 0; i < 32; i++) {
            float q = (float)nearest((x[i] - low) * inverse, 0, steps - 1);
            sq += q, sqq += q * q, sx += x[i], sxq += x[i] * q;
        }
        float det = n * sqq - sq * sq;       /* least squares for scale and offset */
        if (!(det > 0)) continue;
        float a = (n * sxq - sx * sq) / det, b = (sqq * sx - sq * sxq) / det, error = 0;
        if (b > 0) b = 0, a = sxq / sqq;
        if (!(a > 0)) continue;
        for (int i = 0; i < 32; i++) {
            float e = a * (float)nearest((x[i] - b) / a, 0, steps - 1) + b - x[i];
            error += e * e;
        }
        if (error < best) best = error, *scale = a, *min = -b;
    }
}

static void block_q45_k(const float *x, unsigned char *to, bool five)
{
    int steps = five ? 32 : 16;
    float scale[8], min[8], largest = 0, lowest = 0;
    for (int s = 0; s < 8; s++) {
        fit_min(x + 32 * s, steps, &scale[s], &min[s]);
        largest = fmaxf(largest, scale[s]), lowest = fmaxf(lowest, min[s]);
    }
    put_half(to, largest / 63), put_half(to + 2, lowest / 63);
    float d = duo_f16_to_f32(duo_get16(to)), dmin = duo_f16_to_f32(duo_get16(to + 2));
    uint8_t ls[8], lm[8], q[256];
    for (int s = 0; s < 8; s++) {
        ls[s] = (uint8_t)(d > 0 ? nearest(scale[s] / d, 0, 63) : 0);
        lm[s] = (uint8_t)(dmin > 0 ? nearest(min[s] / dmin, 0, 63) : 0);
        float a = d * ls[s], b = dmin * lm[s];
        for (int i = 32 * s; i < 32 * s + 32; i++) q[i] = (uint8_t)(a > 0 ? nearest((x[i] + b) / a, 0, steps - 1) : 0);
    }
    for (int s = 0; s < 4; s++) {
        to[4 + s]  = (unsigned char)(ls[s] | ls[s + 4] >> 4 << 6);
        to[8 + s]  = (unsigned char)(lm[s] | lm[s + 4] >> 4 << 6);
        to[12 + s] = (unsigned char)((ls[s + 4] & 15) | (lm[s + 4] & 15) << 4);
    }
    unsigned char *low = to + (five ? 48 : 16);
    for (int i = 0; i < 128; i++) low[i] = (unsigned char)((q[i / 32 * 64 + i % 32] & 15) | (q[i / 32 * 64 + 32 + i % 32] & 15) << 4);
    if (!five) return;
    memset(to + 16, 0, 32);
    for (int i = 0; i < 256; i++) to[16 + i % 32] = (unsigned char)(to[16 + i % 32] | (q[i] >> 4) << i / 32);
}

static float fit_signed(const float *x)
{
    float largest = 0, best = INFINITY, found = 0;
    for (int i = 0; i < 16; i++) if (fabsf(x[i]) > fabsf(largest)) largest = x[i];
    if (largest == 0) return 0;
    for (int try = -9; try <= 9; try++) {
        float inverse = -(32 + 0.1f * (float)try) / largest, sqq = 0, sxq = 0;
        for (int i = 0; i < 16; i++) {
            float q = (float)nearest(x[i] * inverse, -32, 31);
            sqq += q * q, sxq += x[i] * q;
        }
        if (!(sqq > 0)) continue;
        float a = sxq / sqq, error = 0;
        for (int i = 0; i < 16; i++) {
            float e = a * (float)nearest(x[i] * inverse, -32, 31) - x[i];
            error += e * e;
        }
        if (error < best) best = error, found = a;
    }
    return found;
}

static void block_q6_k(const float *x, unsigned char *to)
{
    float scale[16], largest = 0;
    for (int s = 0; s < 16; s++) {
        scale[s] = fit_signed(x + 16 * s);
        if (fabsf(scale[s]) > fabsf(largest)) largest = scale[s];
    }
    memset(to, 0, 210);
    put_half(to + 208, largest / -128);
    float d = duo_f16_to_f32(duo_get16(to + 208));
    for (int s = 0; s < 16; s++) {
        int ls = d != 0 ? nearest(scale[s] / d, -128, 127) : 0;
        to[192 + s] = (unsigned char)(int8_t)ls;
        float a = d * (float)ls;
        for (int i = 16 * s; i < 16 * s + 16; i++) {
            int q = 32 + (a != 0 ? nearest(x[i] / a, -32, 31) : 0), sub = i / 32 % 4;
            unsigned char *low = &to[i / 128 * 64 + sub % 2 * 32 + i % 32], *high = &to[128 + i / 128 * 32 + i % 32];
            *low  = (unsigned char)(*low | (q & 15) << sub / 2 * 4);
            *high = (unsigned char)(*high | (q >> 4) << sub * 2);
        }
    }
}

void duo_quantize_row(enum duo_format format, const float *from, void *to, size_t values)
{
    const struct duo_format_info *f = duo_format_info(format);
    unsigned char *at = to;
    assert(values % f->values == 0);
    for (size_t i = 0; i < values; i += f->values, at += f->bytes) {
        const float *x = from + i;
        uint16_t brief;
        switch (format) {
        case DUO_FORMAT_F32:  memcpy(at, x, sizeof *x); break;
        case DUO_FORMAT_F16:  put_half(at, *x); break;
        case DUO_FORMAT_BF16: brief = duo_f32_to_bf16(*x), memcpy(at, &brief, sizeof brief); break;
        case DUO_FORMAT_Q8_0: block_q8_0(x, at); break;
        case DUO_FORMAT_Q4_0: block_signed(x, at, 16); break;
        case DUO_FORMAT_Q4_1: block_from_min(x, at, 16); break;
        case DUO_FORMAT_Q5_0: block_signed(x, at, 32); break;
        case DUO_FORMAT_Q5_1: block_from_min(x, at, 32); break;
        case DUO_FORMAT_Q4_K: block_q45_k(x, at, false); break;
        case DUO_FORMAT_Q5_K: block_q45_k(x, at, true); break;
        case DUO_FORMAT_Q6_K: block_q6_k(x, at); break;
        case DUO_FORMAT_COUNT: assert(0 && "no format");
        }
    }
}
