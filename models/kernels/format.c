/* format.c - the block formats: their table, half precision, and rows turned back into floats.
 *
 * (1) Layouts are GGUF's, and every value is what ggml's reference makes of it, bit for bit. */
#include "models/kernels/inside.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const struct duo_format_info infos[DUO_FORMAT_COUNT] = {
#define X(id, text, ggml, values, bytes) [DUO_FORMAT_##id] = {text, ggml, values, bytes},
    DUO_FORMATS(X)
#undef X
};

const struct duo_format_info *duo_format_info(enum duo_format format)
{
    assert(format < DUO_FORMAT_COUNT);
    return &infos[format];
}

enum duo_format duo_format_of_ggml(uint32_t type)
{
    int i = 0;
    while (i < DUO_FORMAT_COUNT && infos[i].ggml != type) i++;
    return (enum duo_format)i;
}

enum duo_format duo_format_of_name(const char *name)
{
    int i = 0;
    while (i < DUO_FORMAT_COUNT && strcasecmp(infos[i].name, name) != 0) i++;
    return (enum duo_format)i;
}

size_t duo_row_bytes(enum duo_format format, size_t values)
{
    const struct duo_format_info *f = duo_format_info(format);
    assert(values % f->values == 0);
    return values / f->values * f->bytes;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float duo_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u, fraction = half & 0x3FFu;
    if (exponent == 31) return float_of(sign | 0x7F800000u | fraction << 13 | (fraction ? 0x400000u : 0));
    if (exponent != 0)  return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f;                 /* zero or subnormal: exact */
    return sign ? -tiny : tiny;
}

uint16_t duo_f32_to_f16(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)  return (uint16_t)(sign | 0x7E00u | (magnitude >> 13 & 0x1FFu));
    if (magnitude >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u);            /* rounds to infinity */
    if (magnitude < 0x38800000u) {                                              /* subnormal or zero */
        float shifted = float_of(magnitude) + 0.5f;                             /* ulp of 0.5 is 2^-24: rounds for us */
        return (uint16_t)(sign | (bits_of(shifted) - bits_of(0.5f)));
    }
    uint32_t even = magnitude >> 13 & 1u;
    return (uint16_t)(sign | ((magnitude + 0xFFFu + even - 0x38000000u) >> 13));
}

float duo_bf16_to_f32(uint16_t b)
{
    return float_of((uint32_t)b << 16);
}

uint16_t duo_f32_to_bf16(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 64u);    /* stays a NAN */
    return (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

uint16_t duo_get16(const unsigned char *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static float half_at(const unsigned char *at)
{
    return duo_f16_to_f32(duo_get16(at));
}

void duo_k_scales(const unsigned char packed[12], uint8_t scale[8], uint8_t min[8])
{
    for (int j = 0; j < 4; j++) {
        scale[j]     = packed[j] & 63;
        min[j]       = packed[j + 4] & 63;
        scale[j + 4] = (uint8_t)((packed[j + 8] & 15) | (packed[j] >> 6) << 4);
        min[j + 4]   = (uint8_t)(packed[j + 8] >> 4 | (packed[j + 4] >> 6) << 4);
    }
}

/* The raw whole numbers of block `b` of 32 values of a row: 0 .. 15, 31, 63, or int8 as it stands. */
void duo_unpack32(enum duo_format format, const unsigned char *row, size_t b, uint8_t out[32])
{
    const struct duo_format_info *f = &infos[format];
    const unsigned char *at = row + b * 32 / f->values * f->bytes;
    unsigned sub = (unsigned)(b * 32 % f->values / 32);        /* which 32 of a block of 256 */
    const unsigned char *low, *high;
    switch (format) {
    case DUO_FORMAT_Q8_0:
        memcpy(out, at + 2, 32);
        return;
    case DUO_FORMAT_Q4_0:
    case DUO_FORMAT_Q4_1:
    case DUO_FORMAT_Q5_0:
    case DUO_FORMAT_Q5_1:
        low = at + f->bytes - 16;
        for (unsigned i = 0; i < 16; i++) {
            out[i]      = low[i] & 15;
            out[i + 16] = low[i] >> 4;
        }
        if (format == DUO_FORMAT_Q5_0 || format == DUO_FORMAT_Q5_1)
            for (unsigned i = 0; i < 32; i++) out[i] = (uint8_t)(out[i] | (low[(int)(i / 8) - 4] >> i % 8 & 1) << 4);
        return;
    case DUO_FORMAT_Q4_K:
    case DUO_FORMAT_Q5_K:
        low  = at + f->bytes - 128 + sub / 2 * 32;
        high = at + 16;
        for (unsigned i = 0; i < 32; i++) out[i] = low[i] >> sub % 2 * 4 & 15;
        if (format == DUO_FORMAT_Q5_K)
            for (unsigned i = 0; i < 32; i++) out[i] = (uint8_t)(out[i] | (high[i] >> sub & 1) << 4);
        return;
    case DUO_FORMAT_Q6_K:
        low  = at + sub / 4 * 64 + sub % 2 * 32;
        high = at + 128 + sub / 4 * 32;
        for (unsigned i = 0; i < 32; i++)
            out[i] = (uint8_t)((low[i] >> sub % 4 / 2 * 4 & 15) | (high[i] >> sub % 4 * 2 & 3) << 4);
        return;
    default:
        assert(0 && "no whole numbers in this format");
    }
}

/* Of 16 values: scale * q + offset, or, shifted, scale * (q - shift), which keeps the sign of a zero. */
struct line { float scale, offset; int shift; bool shifted; };

static struct line line_of(enum duo_format format, const unsigned char *row, size_t half)
{
    const struct duo_format_info *f = &infos[format];
    const unsigned char *at = row + half * 16 / f->values * f->bytes;
    unsigned sixteenth = (unsigned)(half % 16);
    uint8_t scale[8], min[8];
    switch (format) {
    case DUO_FORMAT_Q8_0: return (struct line){.scale = half_at(at), .shifted = true};
    case DUO_FORMAT_Q4_0: return (struct line){.scale = half_at(at), .shift = 8, .shifted = true};
    case DUO_FORMAT_Q5_0: return (struct line){.scale = half_at(at), .shift = 16, .shifted = true};
    case DUO_FORMAT_Q4_1:
    case DUO_FORMAT_Q5_1: return (struct line){.scale = half_at(at), .offset = half_at(at + 2)};
    case DUO_FORMAT_Q6_K: return (struct line){.scale = half_at(at + 208) * (float)(int8_t)at[192 + sixteenth], .shift = 32, .shifted = true};
    default:
        duo_k_scales(at + 4, scale, min);
        return (struct line){.scale = half_at(at) * (float)scale[sixteenth / 2], .offset = -(half_at(at + 2) * (float)min[sixteenth / 2])};
    }
}

void duo_dequantize_row(enum duo_format format, const void *from, float *to, size_t values)
{
    const unsigned char *row = from;
    assert(values % infos[format].values == 0);
    switch (format) {
    case DUO_FORMAT_F32:  if (values) memcpy(to, from, values * sizeof *to); return;
    case DUO_FORMAT_F16:  for (size_t i = 0; i < values; i++) to[i] = half_at(row + 2 * i); return;
    case DUO_FORMAT_BF16: for (size_t i = 0; i < values; i++) to[i] = duo_bf16_to_f32(duo_get16(row + 2 * i)); return;
    default: break;
    }
    for (size_t b = 0; b < values / 32; b++) {
        uint8_t q[32];
        duo_unpack32(format, row, b, q);
        for (size_t half = 0; half < 2; half++) {
            struct line line = line_of(format, row, b * 2 + half);
            for (size_t i = half * 16; i < half * 16 + 16; i++) {
                int whole = format == DUO_FORMAT_Q8_0 ? (int8_t)q[i] : q[i] - line.shift;
                float v = line.scale * (float)whole;          /* exact but for Q6_K, which ggml rounds here too */
                to[b * 32 + i] = line.shifted ? v : v + line.offset;
            }
        }
    }
}
