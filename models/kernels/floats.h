/* floats.h - what is done to rows of floats, written once in terms of 16 lanes. A file floats_ISA.c defines the lanes
 * (v16 and the v_ functions) and includes this, which ends in that instruction set's table.
 *
 * (1) Every operation on lanes is one IEEE operation an element, fused where it says fma, so the bits are everywhere the same.
 * (2) Sums along a row: element i into lane i mod 16, lanes added by halves. What is past the end adds zero. */
#include <math.h>

#define WHOLE(n) ((n) / 16 * 16)

DUO_INLINE v16 v_some(const float *x, size_t n, float fill)
{
    float all[16];
    if (n == 16) return v_load(x);
    for (size_t i = 0; i < 16; i++) all[i] = i < n ? x[i] : fill;
    return v_load(all);
}

DUO_INLINE void v_store_some(float *x, size_t n, v16 v)
{
    float all[16];
    if (n == 16) {
        v_store(x, v);
        return;
    }
    v_store(all, v);
    for (size_t i = 0; i < n; i++) x[i] = all[i];
}

/* 0 under -87.3, infinity over 88.37. */
DUO_INLINE v16 v_exp(v16 x)
{
    v16 shifted = v_fma(x, v_all(1.44269504088896341f), v_all(12582912.0f)), k = v_sub(shifted, v_all(12582912.0f));
    v16 r = v_fma(k, v_all(-0.693359375f), x);
    r = v_fma(k, v_all(2.12194440e-4f), r);
    v16 p = v_fma(v_all(1.9875691500e-4f), r, v_all(1.3981999507e-3f));
    p = v_fma(p, r, v_all(8.3334519073e-3f));
    p = v_fma(p, r, v_all(4.1665795894e-2f));
    p = v_fma(p, r, v_all(1.6666665459e-1f));
    p = v_fma(p, r, v_all(5.0000001201e-1f));
    p = v_add(v_fma(p, v_mul(r, r), r), v_all(1));
    p = v_mul(p, v_power(shifted));
    p = v_if_less(x, v_all(-87.33654f), v_all(0), p);
    return v_if_less(v_all(88.3762626f), x, v_all(INFINITY), p);
}

DUO_INLINE v16 v_tanh(v16 x)
{
    v16 z = v_mul(x, x), size = v_abs(x);
    v16 p = v_fma(v_all(-5.70498872745e-3f), z, v_all(2.06390887954e-2f));
    p = v_fma(p, z, v_all(-5.37397155531e-2f));
    p = v_fma(p, z, v_all(1.33314422036e-1f));
    p = v_fma(p, z, v_all(-3.33332819422e-1f));
    p = v_fma(v_mul(p, z), x, x);
    v16 far = v_sub(v_all(1), v_div(v_all(2), v_add(v_exp(v_add(size, size)), v_all(1))));
    far = v_if_less(x, v_all(0), v_sub(v_all(0), far), far);
    return v_if_less(size, v_all(0.625f), p, far);
}

static float dot(const float *x, const float *y, size_t n)
{
    v16 sum = v_all(0);
    for (size_t i = 0; i < WHOLE(n); i += 16) sum = v_fma(v_load(x + i), v_load(y + i), sum);
    if (n % 16) sum = v_fma(v_some(x + WHOLE(n), n % 16, 0), v_some(y + WHOLE(n), n % 16, 0), sum);
    return v_total(sum);
}

static float max(const float *x, size_t n)
{
    float lanes[16], most = -INFINITY;
    v16 m = v_all(-INFINITY);
    for (size_t i = 0; i < WHOLE(n); i += 16) m = v_max(m, v_load(x + i));
    if (n % 16) m = v_max(m, v_some(x + WHOLE(n), n % 16, -INFINITY));
    v_store(lanes, m);
    for (int i = 0; i < 16; i++) most = lanes[i] > most ? lanes[i] : most;
    return most;
}

static float exp_sum(float *x, float most, size_t n)
{
    v16 sum = v_all(0), m = v_all(most), e;
    for (size_t i = 0; i < WHOLE(n); i += 16) {
        v_store(x + i, e = v_exp(v_sub(v_load(x + i), m)));
        sum = v_add(sum, e);
    }
    if (n % 16) {
        e = v_exp(v_sub(v_some(x + WHOLE(n), n % 16, -INFINITY), m));
        v_store_some(x + WHOLE(n), n % 16, e);
        sum = v_add(sum, e);
    }
    return v_total(sum);
}

/* For functions of lanes alone: EACH(y, expression of a, b, c), the operands being what is named. */
#define EACH(out, a, from_a, b, from_b, n, value)                                                            \
    do {                                                                                                     \
        for (size_t i = 0; i < WHOLE(n); i += 16) {                                                          \
            v16 a = v_load((from_a) + i), b = v_load((from_b) + i);                                          \
            v_store((out) + i, value);                                                                       \
        }                                                                                                    \
        if ((n) % 16) {                                                                                      \
            v16 a = v_some((from_a) + WHOLE(n), (n) % 16, 0), b = v_some((from_b) + WHOLE(n), (n) % 16, 0);  \
            v_store_some((out) + WHOLE(n), (n) % 16, value);                                                 \
        }                                                                                                    \
    } while (0)

static void norm(const float *x, float factor, const float *weight, float *out, size_t n)
{
    v16 f = v_all(factor);
    EACH(out, a, x, w, weight, n, v_mul(v_mul(a, f), w));
}

DUO_INLINE v16 v_silu(v16 g)
{
    return v_div(g, v_add(v_all(1), v_exp(v_sub(v_all(0), g))));
}

/* x (1 + tanh u) / 2 = x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3) */
DUO_INLINE v16 v_gelu(v16 g)
{
    v16 cube = v_mul(v_mul(g, g), g), u = v_mul(v_fma(cube, v_all(0.044715f), g), v_all(-2 * 0.79788456080286535588f));
    return v_div(g, v_add(v_all(1), v_exp(u)));
}

static void silu(const float *gate, const float *up, float *out, size_t n) { EACH(out, g, gate, u, up, n, v_mul(v_silu(g), u)); }
static void gelu(const float *gate, const float *up, float *out, size_t n) { EACH(out, g, gate, u, up, n, v_mul(v_gelu(g), u)); }
static void add(float *x, const float *y, size_t n)                        { EACH(x, a, x, b, y, n, v_add(a, b)); }

static void scale(float *x, float factor, size_t n)
{
    v16 f = v_all(factor);
    EACH(x, a, x, b, x, n, ((void)b, v_mul(a, f)));
}

static void softcap(float *x, float cap, size_t n)
{
    v16 c = v_all(cap);
    EACH(x, a, x, b, x, n, ((void)b, v_mul(v_tanh(v_div(a, c)), c)));
}

static void turn_neox(float *x, const float *table, size_t width)
{
    const size_t half = width / 2;
    const float *cosine = table, *sine = table + half;
    for (size_t i = 0; i < half; i += 16) {
        size_t n = half - i < 16 ? half - i : 16;
        v16 a = v_some(x + i, n, 0), b = v_some(x + half + i, n, 0), c = v_some(cosine + i, n, 0), s = v_some(sine + i, n, 0);
        v_store_some(x + i, n, v_fma(a, c, v_sub(v_all(0), v_mul(b, s))));
        v_store_some(x + half + i, n, v_fma(b, c, v_mul(a, s)));
    }
}

/* The table holds every cosine twice, and every sine twice, first negative. */
static void turn_pairs(float *x, const float *table, size_t width)
{
    for (size_t i = 0; i < width; i += 16) {
        size_t n = width - i < 16 ? width - i : 16;
        v16 a = v_some(x + i, n, 0), c = v_some(table + i, n, 0), s = v_some(table + width + i, n, 0);
        v_store_some(x + i, n, v_fma(a, c, v_mul(v_swap(a), s)));
    }
}

static void widen_halves(const unsigned char *from, float *to, size_t n)
{
    for (size_t i = 0; i < n; i += 16) v_store(to + i, v_halves(from + 2 * i));
}

static void narrow_halves(const float *from, unsigned char *to, size_t n)
{
    unsigned char rest[32];
    for (size_t i = 0; i < WHOLE(n); i += 16) v_to_halves(to + 2 * i, v_load(from + i));
    if (n % 16 == 0) return;
    v_to_halves(rest, v_some(from + WHOLE(n), n % 16, 0));
    __builtin_memcpy(to + 2 * WHOLE(n), rest, n % 16 * 2);
}

static void widen_bytes(const int8_t *from, const float scale16[16], float *to, size_t n)
{
    v16 s = v_load(scale16);
    for (size_t i = 0; i < n; i += 16) v_store(to + i, v_mul(v_bytes(from + i), s));
}

DUO_INLINE void score(size_t n, const float *keys, size_t width, const float *const *q, float *const *out, float factor)
{
    v16 s[4];
    DUO_UNROLL for (size_t j = 0; j < n; j++) s[j] = v_all(0);
    for (size_t d = 0; d < width; d++) {
        v16 k = v_load(keys + 16 * d);
        DUO_UNROLL for (size_t j = 0; j < n; j++) s[j] = v_fma(v_all(q[j][d]), k, s[j]);
    }
    DUO_UNROLL for (size_t j = 0; j < n; j++) v_store(out[j], v_mul(s[j], v_all(factor)));
}

static void scores(const float *keys, size_t width, const float *const *q, size_t n, float *const *out, float factor)
{
    switch (n) {
    case 1: score(1, keys, width, q, out, factor); return;
    case 2: score(2, keys, width, q, out, factor); return;
    case 3: score(3, keys, width, q, out, factor); return;
    default: score(4, keys, width, q, out, factor);
    }
}

DUO_INLINE void blend(size_t n, const float *values, size_t width, size_t positions, const float *const *p, float *const *out)
{
    for (size_t d = 0; d < width; d += 16) {
        v16 s[4];
        DUO_UNROLL for (size_t j = 0; j < n; j++) s[j] = v_load(out[j] + d);
        for (size_t i = 0; i < positions; i++) {
            v16 v = v_load(values + i * width + d);
            DUO_UNROLL for (size_t j = 0; j < n; j++) s[j] = v_fma(v_all(p[j][i]), v, s[j]);
        }
        DUO_UNROLL for (size_t j = 0; j < n; j++) v_store(out[j] + d, s[j]);
    }
}

static void mix(const float *values, size_t width, size_t positions, const float *const *p, float *const *out, size_t n)
{
    switch (n) {
    case 1: blend(1, values, width, positions, p, out); return;
    case 2: blend(2, values, width, positions, p, out); return;
    case 3: blend(3, values, width, positions, p, out); return;
    default: blend(4, values, width, positions, p, out);
    }
}

const struct duo_floats DUO_FLOATS = {
    .dot = dot, .max = max, .exp_sum = exp_sum, .norm = norm, .gate = {[DUO_GATE_SILU] = silu, [DUO_GATE_GELU] = gelu},
    .add = add, .scale = scale, .softcap = softcap, .turn = {[DUO_ROPE_INTERLEAVED] = turn_pairs, [DUO_ROPE_NEOX] = turn_neox},
    .widen_halves = widen_halves, .narrow_halves = narrow_halves, .widen_bytes = widen_bytes, .scores = scores, .mix = mix,
};
