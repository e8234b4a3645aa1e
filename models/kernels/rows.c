/* rows.c - norms, gates and the like over rows of floats. */
#include "models/kernels/inside.h"

#include <math.h>
#include <stdlib.h>

enum { WORTH_SHARING = 8 };      /* tokens: fewer are done before another thread wakes */

struct norming {
    const float *x, *weight;
    float       *out;
    size_t       stride, out_stride, parts, width;
    float        eps;
};

static void norm_token(void *arg, size_t t, int thread)
{
    const struct norming *a = arg;
    (void)thread;
    for (size_t k = 0; k < a->parts; k++) {
        const float *x = a->x + t * a->stride + k * a->width;
        float *out = a->out + t * a->out_stride + k * a->width;
        float factor = 1 / sqrtf(duo_floats()->dot(x, x, a->width) / (float)a->width + a->eps);
        if (a->weight) duo_floats()->norm(x, factor, a->weight, out, a->width);
        else for (size_t i = 0; i < a->width; i++) out[i] = x[i] * factor;
    }
}

void duo_rms_norm(struct duo_pool *pool, const float *x, size_t stride, float *out, size_t out_stride, size_t n,
                  size_t parts, size_t width, const float *weight, float eps)
{
    struct norming a = {x, weight, out, stride, out_stride, parts, width, eps};
    duo_pool_each(n < WORTH_SHARING ? NULL : pool, n, norm_token, &a);
}

struct gating {
    enum duo_gate kind;
    const float  *gate, *up;
    float        *out;
    size_t        stride, width, piece;
};

static void gate_piece(void *arg, size_t i, int thread)
{
    const struct gating *a = arg;
    size_t pieces = (a->width + a->piece - 1) / a->piece, at = i % pieces * a->piece, from = i / pieces * a->stride + at;
    (void)thread;
    duo_floats()->gate[a->kind](a->gate + from, a->up + from, a->out + from, a->width - at < a->piece ? a->width - at : a->piece);
}

void duo_gate(struct duo_pool *pool, enum duo_gate kind, const float *gate, const float *up, float *out, size_t stride,
              size_t n, size_t width)
{
    struct gating a = {kind, gate, up, out, stride, width, n < WORTH_SHARING ? 4096 : width};
    if (n == 0 || width == 0) return;
    duo_pool_each(n * width < 8192 ? NULL : pool, n * ((width + a.piece - 1) / a.piece), gate_piece, &a);
}

void duo_add(float *x, const float *y, size_t n)       { duo_floats()->add(x, y, n); }
void duo_scale(float *x, float factor, size_t n)       { duo_floats()->scale(x, factor, n); }
void duo_softcap(float *x, float cap, size_t n)        { duo_floats()->softcap(x, cap, n); }
float duo_dot(const float *x, const float *y, size_t n) { return duo_floats()->dot(x, y, n); }

float duo_softmax(float *x, size_t n)
{
    if (n == 0) return 0;
    float sum = duo_floats()->exp_sum(x, duo_floats()->max(x, n), n);
    duo_floats()->scale(x, 1 / sum, n);
    return (float)duo_log((double)sum);
}

size_t duo_argmax(const float *x, size_t n)
{
    size_t best = 0;
    if (n == 0) return 0;
    float most = duo_floats()->max(x, n);
    while (best < n && x[best] != most) best++;
    return best < n ? best : 0;
}

float duo_expf(float x)
{
    return duo_floats()->exp_sum(&x, 0, 1);
}
