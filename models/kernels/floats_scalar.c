/* floats_scalar.c - 16 lanes in plain C: the reference. */
#include "models/kernels/inside.h"

#include <math.h>
#include <string.h>

typedef struct { float lane[16]; } v16;

#define LANES(expression)                                             \
    do {                                                              \
        v16 r;                                                        \
        for (int i = 0; i < 16; i++) r.lane[i] = (expression);        \
        return r;                                                     \
    } while (0)

static float power(float shifted)
{
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23;
    memcpy(&shifted, &bits, sizeof bits);
    return shifted;
}

static v16 v_all(float x)                                { LANES(x); }
static v16 v_load(const float *x)                        { LANES(x[i]); }
static void v_store(float *x, v16 v)                     { memcpy(x, v.lane, sizeof v.lane); }
static v16 v_add(v16 a, v16 b)                           { LANES(a.lane[i] + b.lane[i]); }
static v16 v_sub(v16 a, v16 b)                           { LANES(a.lane[i] - b.lane[i]); }
static v16 v_mul(v16 a, v16 b)                           { LANES(a.lane[i] * b.lane[i]); }
static v16 v_div(v16 a, v16 b)                           { LANES(a.lane[i] / b.lane[i]); }
static v16 v_max(v16 a, v16 b)                           { LANES(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
static v16 v_abs(v16 a)                                  { LANES(fabsf(a.lane[i])); }
static v16 v_fma(v16 a, v16 b, v16 c)                    { LANES(fmaf(a.lane[i], b.lane[i], c.lane[i])); }
static v16 v_if_less(v16 a, v16 b, v16 yes, v16 no)      { LANES(a.lane[i] < b.lane[i] ? yes.lane[i] : no.lane[i]); }
static v16 v_swap(v16 a)                                 { LANES(a.lane[i ^ 1]); }
static v16 v_power(v16 shifted)                          { LANES(power(shifted.lane[i])); }       /* 2^k, k in the low bits */
static v16 v_halves(const unsigned char *at)             { LANES(duo_f16_to_f32(duo_get16(at + 2 * i))); }
static v16 v_bytes(const int8_t *at)                     { LANES((float)at[i]); }

static void v_to_halves(unsigned char *at, v16 v)
{
    for (int i = 0; i < 16; i++) {
        uint16_t half = duo_f32_to_f16(v.lane[i]);
        memcpy(at + 2 * i, &half, 2);
    }
}

static float v_total(v16 a)
{
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) a.lane[i] += a.lane[i + half];
    return a.lane[0];
}

#define DUO_FLOATS duo_floats_scalar
#include "models/kernels/floats.h"
