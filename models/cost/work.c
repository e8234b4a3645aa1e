/* work.c - operations and bytes of a transformer: closed forms over ranges of layers.
 *
 * (1) Matrices: Q of width x heads head_dim, K and V of width x kv_heads head_dim, the output back; a feed-forward of two
 *     matrices, or of three when gated.  Norms: two of `width` a layer and one at the end.  Biases, and norms beyond
 *     those, are left out: less than a thousandth of any model here.
 * (2) Of a mixture, the first `dense_layers` are dense.  The others have a router, `experts` of which a token passes
 *     `active_experts`, and the shared width that all pass.
 * (3) n tokens reach e (1 - (1 - k/e)^n) of e experts, each token k of them at random.  By squaring, so that every machine
 *     gets the same bits; between whole n on a straight line.
 * (4) Layer l of a windowed model attends to all when l + 1 is a multiple of `period` (Gemma 2 and 3), else to the last
 *     `window` positions, the token itself among them.
 * (5) An operation is a matrix product as runtimes launch it: Q, K and V as one, the output, gate and up as one, down;
 *     a router is one, and the experts of a layer are two however many are reached. */
#include "models/cost/work.h"

#include <math.h>

static double matrices(const struct duo_arch *a) { return a->gated ? 3 : 2; }

static bool is_mixture(const struct duo_arch *a) { return a->experts > 0; }

static int clamp(int x, int low, int high) { return x < low ? low : x > high ? high : x; }

/* Of layers [from, to): those with a dense feed-forward (2), and those that attend to everything (4). */
static int dense_layers(const struct duo_arch *a, int from, int to)
{
    return is_mixture(a) ? clamp(a->dense_layers, from, to) - from : to - from;
}

static int global_layers(const struct duo_arch *a, int from, int to)
{
    if (a->window <= 0) return to - from;
    return a->period > 0 ? to / a->period - from / a->period : 0;
}

/* (1), (2) */
void duo_work_parameters(const struct duo_arch *a, struct duo_parameters *p)
{
    double d = a->width, layers = a->layers, dense = dense_layers(a, 0, a->layers), mixed = layers - dense;
    double common;

    p->embedding = d * a->vocabulary;
    p->head      = a->tied ? 0 : d * a->vocabulary;
    p->attention = 2 * d * a->heads * a->head_dim + 2 * d * a->kv_heads * a->head_dim;
    p->dense     = matrices(a) * d * a->ffn;
    p->expert    = is_mixture(a) ? matrices(a) * d * a->expert_ffn : 0;
    p->shared    = is_mixture(a) ? matrices(a) * d * a->shared_ffn : 0;
    p->router    = is_mixture(a) ? d * a->experts : 0;

    common = layers * (p->attention + 2 * d) + d + dense * p->dense + mixed * (p->shared + p->router);
    p->total  = p->embedding + p->head + d * a->positions + common + mixed * a->experts * p->expert;
    p->active = d * a->vocabulary + common + mixed * a->active_experts * p->expert;
}

static double whole_power(double x, double n)
{
    double y = 1;

    for (unsigned long long k = (unsigned long long)n; k > 0; k >>= 1, x *= x)
        if (k & 1) y *= x;
    return y;
}

/* (3) */
double duo_work_experts(double tokens, int experts, int active)
{
    double miss, n, low;

    if (experts <= 0 || tokens <= 0) return 0;
    if (active >= experts || tokens > 1e9) return experts;
    miss = 1 - (double)active / experts;
    n    = floor(tokens);
    low  = whole_power(miss, n);
    return experts * (1 - (low + (tokens - n) * (low * miss - low)));
}

void duo_work_gemms(const struct duo_arch *a, int from, int to, double tokens, struct duo_gemms *out)
{
    struct duo_parameters p;
    double layers = to - from, dense = dense_layers(a, from, to), mixed = layers - dense, attention, others;

    duo_work_parameters(a, &p);
    attention = layers * p.attention;
    others    = dense * p.dense + mixed * (p.shared + p.router);
    *out = (struct duo_gemms){
        .n = mixed > 0 ? 3 : 2,
        .group = { { attention, 2 * attention * tokens }, { others, 2 * others * tokens },
                   { mixed * p.expert * duo_work_experts(tokens, a->experts, a->active_experts), 2 * mixed * p.expert * a->active_experts * tokens } },
        .operations = 2 * layers + 2 * dense + (a->shared_ffn > 0 ? 5 : 3) * mixed,      /* (5) */
    };
}

/* (4) */
double duo_work_context(const struct duo_arch *a, int from, int to, double seen, double *per_token, double *tokens)
{
    double all = global_layers(a, from, to), windowed = to - from - all;
    bool grows = windowed > 0 && seen < a->window;

    *per_token = all + (grows ? windowed : 0);
    *tokens    = grows ? a->window - seen : INFINITY;
    return all * seen + (windowed > 0 ? windowed * fmin(seen, a->window) : 0);
}

double duo_work_pairs(const struct duo_arch *a, int from, int to, double fresh, double cached)
{
    double all = global_layers(a, from, to), windowed = to - from - all;
    double pairs = all * (fresh * cached + fresh * (fresh + 1) / 2);

    if (windowed > 0) {
        double within = fmin(fmax(a->window - cached, 0), fresh);      /* tokens that still see all before them */
        pairs += windowed * (within * cached + within * (within + 1) / 2 + (fresh - within) * a->window);
    }
    return pairs;
}
