/* rope.c - rotary positions: their table, and their turning.
 *
 * (1) The table comes from logarithm, exponential, sine and cosine of our own in double, made of single IEEE operations, so that
 *     it is the same on every machine. */
#include "models/kernels/inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

double duo_log(double x)
{
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752440) m *= 2, e--;
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = 27; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
    return 2 * s * sum + e * 0.69314718055994530942;
}

static double own_exp(double x)
{
    double k = rint(x / 0.69314718055994530942), r = x - k * 6.93147180369123816490e-01, sum = 1;
    r -= k * 1.90821492927058770002e-10;
    for (int i = 20; i >= 1; i--) sum = 1 + r / i * sum;
    return ldexp(sum, (int)k);
}

/* |x| under a million or so: pi / 2 in three parts. */
static void own_sincos(double x, double *sine, double *cosine)
{
    double k = rint(x * 0.63661977236758134308);
    double r = ((x - k * 1.57079632673412561417) - k * 6.07710050630396597660e-11) - k * 2.02226624879595063154e-21, z = r * r, s = 1, c = 1;
    for (int i = 20; i >= 2; i -= 2) {
        s = 1 - z / (i * (i + 1)) * s;
        c = 1 - z / (i * (i - 1)) * c;
    }
    s *= r;
    switch ((long long)k & 3) {
    case 0: *sine = s,  *cosine = c;  return;
    case 1: *sine = c,  *cosine = -s; return;
    case 2: *sine = -s, *cosine = -c; return;
    default: *sine = -c, *cosine = s;
    }
}

/* YaRN: how much of pair i keeps its own frequency, by the turns it makes in the original context. */
static double yarn_kept(const struct duo_rope_spec *s, int i)
{
    double bound[2];
    for (int k = 0; k < 2; k++) {
        double turns = k ? s->yarn_slow : s->yarn_fast;
        bound[k] = s->width * duo_log(s->yarn_context / (turns * 6.28318530717958647693)) / (2 * duo_log(s->base));
    }
    double low = fmax(0, floor(bound[0])), high = fmin(s->width - 1, ceil(bound[1]));
    return 1 - fmin(1, fmax(0, (i - low) / fmax(0.001, high - low)));
}

static void fill(struct duo_rope *r, const struct duo_rope_spec *spec)
{
    const size_t half = (size_t)spec->width / 2;
    const bool pairs = spec->pairing == DUO_ROPE_INTERLEAVED, yarn = spec->yarn_factor > 0;
    const double size = yarn ? 1 + 0.1 * duo_log(spec->yarn_factor) : 1, log_base = duo_log(spec->base);
    const double scale = spec->scale > 0 ? spec->scale : 1;
    for (size_t i = 0; i < half; i++) {
        double turn = own_exp(-(2 * (double)i / spec->width) * log_base);
        if (spec->factors) turn /= (double)spec->factors[i];
        if (yarn) {
            double kept = yarn_kept(spec, (int)i);
            turn = turn / spec->yarn_factor * (1 - kept) + turn * kept;
        }
        turn *= scale;
        for (size_t p = 0; p < r->capacity; p++) {
            double s, c;
            own_sincos((double)p * turn, &s, &c);
            s *= size, c *= size;
            float *row = r->table + p * half * (pairs ? 4 : 2);
            if (pairs) {
                row[2 * i] = row[2 * i + 1] = (float)c;
                row[2 * half + 2 * i]     = (float)-s;
                row[2 * half + 2 * i + 1] = (float)s;
            } else {
                row[i]        = (float)c;
                row[half + i] = (float)s;
            }
        }
    }
}

enum duo_status duo_rope_init(struct duo_rope *r, const struct duo_rope_spec *spec, size_t capacity, struct duo_err *err)
{
    *r = (struct duo_rope){.pairing = spec->pairing, .width = spec->width, .capacity = capacity};
    if (spec->width < 0 || spec->width % 2 || spec->width > 65536)
        return duo_fail(err, DUO_BAD_INPUT, "rotary positions turn pairs: %d values", spec->width);
    if (!(spec->base > 1) || !isfinite(spec->base))
        return duo_fail(err, DUO_BAD_INPUT, "the base of rotary positions is %g: expected above 1", spec->base);
    if (spec->yarn_factor > 0 && !(spec->yarn_context > 0 && spec->yarn_fast > 0 && spec->yarn_slow > 0))
        return duo_fail(err, DUO_BAD_INPUT, "YaRN needs the original context and how many turns are fast and slow");
    for (int i = 0; spec->factors && i < spec->width / 2; i++)
        if (!(spec->factors[i] > 0) || !isfinite(spec->factors[i]))
            return duo_fail(err, DUO_BAD_INPUT, "frequency factor %d of rotary positions is %g", i, (double)spec->factors[i]);
    size_t row = (size_t)spec->width * (spec->pairing == DUO_ROPE_INTERLEAVED ? 2 : 1) * sizeof(float);
    if (capacity <= SIZE_MAX / 2 / (row + 1)) r->table = duo_aligned(capacity * row);
    if (r->table == NULL) return duo_fail(err, DUO_NO_RESOURCES, "no memory for %zu rotary positions", capacity);
    fill(r, spec);
    return DUO_OK;
}

void duo_rope_free(struct duo_rope *r)
{
    free(r->table);
    *r = (struct duo_rope){0};
}

struct turning { const struct duo_rope *r; float *x; size_t stride, first; int heads, head_width; };

static void turn_token(void *arg, size_t t, int thread)
{
    const struct turning *a = arg;
    const size_t row = (size_t)a->r->width * (a->r->pairing == DUO_ROPE_INTERLEAVED ? 2 : 1);
    (void)thread;
    for (int h = 0; h < a->heads; h++)
        duo_floats()->turn[a->r->pairing](a->x + t * a->stride + (size_t)h * (size_t)a->head_width, a->r->table + (a->first + t) * row,
                                          (size_t)a->r->width);
}

void duo_rope_apply(struct duo_pool *pool, const struct duo_rope *r, float *x, size_t stride, size_t first, size_t n,
                    int heads, int head_width)
{
    struct turning a = {r, x, stride, first, heads, head_width};
    assert(r->width <= head_width && first + n <= r->capacity);
    duo_pool_each(n < 8 ? NULL : pool, n, turn_token, &a);
}
