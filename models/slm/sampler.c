/* sampler.c - the next token from logits.  Requirements: sampler.h. */
#include "models/slm/sampler.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/kernels/kernels.h"
#include "models/slm/tokenizer.h"
#include "sim/base/rng.h"

enum duo_status duo_sampling_check(const struct duo_sampling *s, struct duo_err *err)
{
    if (!(s->temperature >= 0 && s->temperature <= 100)) return duo_fail(err, DUO_BAD_INPUT, "a temperature is from 0 to 100");
    if (s->top_k < 0) return duo_fail(err, DUO_BAD_INPUT, "top-k is 0 (all) or more");
    if (!(s->top_p >= 0 && s->top_p <= 1)) return duo_fail(err, DUO_BAD_INPUT, "top-p is a share from 0 to 1");
    if (!(s->min_p >= 0 && s->min_p <= 1)) return duo_fail(err, DUO_BAD_INPUT, "min-p is a share from 0 to 1");
    return DUO_OK;
}

void duo_sampler_free(struct duo_sampler *s)
{
    free(s->at);
    free(s->probability);
    *s = (struct duo_sampler) { 0 };
}

static void make_room(struct duo_sampler *s, int n)
{
    if (n <= s->room) return;
    s->at = duo_grow(s->at, (size_t)n, sizeof *s->at);
    s->probability = duo_grow(s->probability, (size_t)n, sizeof *s->probability);
    s->room = n;
}

/* ---------------------------------------------------------------- a heap, the most probable on top */

static bool before(struct duo_candidate a, struct duo_candidate b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); }

static void sink(struct duo_candidate *c, int n, int i)
{
    struct duo_candidate x = c[i];
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(c[child + 1], c[child])) child++;
        if (!before(c[child], x)) break;
        c[i] = c[child];
    }
    c[i] = x;
}

/* The finite logits; returns how many. */
static int gather(struct duo_sampler *s, const float *logits, int n)
{
    int m = 0;
    make_room(s, n);
    for (int i = 0; i < n; i++)
        if (isfinite(logits[i])) s->at[m++] = (struct duo_candidate) { logits[i], i };
    return m;
}

static void heapify(struct duo_candidate *c, int n)
{
    for (int i = n / 2 - 1; i >= 0; i--) sink(c, n, i);
}

/* Bring the first of the heap's n to its end, c[n - 1]. */
static struct duo_candidate take(struct duo_candidate *c, int n)
{
    struct duo_candidate top = c[0];
    c[0] = c[n - 1];
    c[n - 1] = top;
    sink(c, n - 1, 0);
    return top;
}

int duo_top(struct duo_sampler *s, const float *logits, int n, int k, struct duo_candidate *out)
{
    int m = gather(s, logits, n);
    if (k > m) k = m;
    heapify(s->at, m);
    for (int i = 0; i < k; i++) out[i] = take(s->at, m - i);
    return k;
}

/* ---------------------------------------------------------------- sampling */

static double weight(const struct duo_candidate *c, float first, double temperature)
{
    return (double)duo_expf((float)((double)(c->logit - first) / temperature));
}

/* (1): how many are left; those are c[m - 1] (the first), c[m - 2], ... */
static int filter(struct duo_candidate *c, int m, const struct duo_sampling *how)
{
    bool   by_p = how->top_p > 0 && how->top_p < 1;
    int    most = how->top_k > 0 && how->top_k < m ? how->top_k : m, kept = 0;
    double all = 0, sum = 0;
    heapify(c, m);
    float first = c[0].logit;
    if (most < m) {
        while (kept < most) take(c, m - kept), kept++;      /* the top_k, in order */
        for (int i = 1; i <= most; i++) all += weight(&c[m - i], first, 1);
    } else {
        for (int i = 0; i < m; i++) all += weight(&c[i], first, 1);
    }
    for (int i = 1; i <= most; i++) {
        if (kept < i) take(c, m - kept), kept++;
        double w = weight(&c[m - i], first, 1);
        if (i > 1 && (w < how->min_p || (by_p && sum >= how->top_p * all))) return i - 1;
        sum += w;
    }
    return most;
}

int duo_sample(struct duo_sampler *s, const struct duo_sampling *how, const float *logits, int n, uint64_t position)
{
    int m = gather(s, logits, n);
    struct duo_candidate *c = s->at;
    if (m == 0) return DUO_NO_TOKEN;
    int best = 0;
    for (int i = 1; i < m; i++)
        if (before(c[i], c[best])) best = i;
    float first = c[best].logit;
    if (how->temperature <= 0) return c[best].id;                                       /* (2) */
    bool all = how->top_k <= 0 && how->min_p <= 0 && (how->top_p <= 0 || how->top_p >= 1);
    int kept = all ? m : filter(c, m, how);
    double total = 0, sum = 0, draw = duo_draw(how->seed, "token", position);           /* (3) */
    for (int i = 1; i <= kept; i++) total += weight(&c[m - i], first, how->temperature);
    for (int i = 1; i <= kept; i++) {
        sum += weight(&c[m - i], first, how->temperature);
        if (draw * total < sum) return c[m - i].id;
    }
    return c[m - kept].id;
}

/* ---------------------------------------------------------------- numbers */

struct duo_token_numbers duo_numbers(struct duo_sampler *s, const float *logits, int n, int chosen)
{
    struct duo_token_numbers out = { NAN, NAN, NAN };
    if (n < 1 || chosen < 0 || chosen >= n) return out;
    make_room(s, n);
    float *p = s->probability, first = 0, second = 0, most = -INFINITY;
    for (int i = 0; i < n; i++) {
        if (!isfinite(logits[i])) return out;        /* unknown */
        if (logits[i] > most) most = logits[i];
    }
    memcpy(p, logits, (size_t)n * sizeof *p);
    float log_sum = duo_softmax(p, (size_t)n);
    double entropy = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] > first) second = first, first = p[i];
        else if (p[i] > second) second = p[i];
        entropy -= (double)p[i] * (double)(logits[i] - most - log_sum);
    }
    double even = log((double)n);
    out.probability = p[chosen];
    out.margin = first - second;
    out.entropy = n > 1 ? (float)fmin(fmax(entropy / even, 0), 1) : 0;
    return out;
}
