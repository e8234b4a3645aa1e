/* server_bench.h - a cost model with numbers that are easy to add, and a server on a clock, for tests. */
#ifndef DUO_TESTS_SERVER_BENCH_H
#define DUO_TESTS_SERVER_BENCH_H

#include <math.h>
#include <stdlib.h>

#include "sim/base/rng.h"
#include "sim/server.h"

/* seconds = overhead + weight x layers touched + token x (new tokens x layers) + read x context; joules = 8 W x seconds.
 * Powers of two: sums are exact.  `window`: positions that a token attends to at most; 0: all. */
struct simple_cost { struct duo_cost cost; double overhead, weight, token, read, watts; int window; };

static inline struct duo_load simple_item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    const struct simple_cost *m = (const struct simple_cost *)c;
    double n = to - from, seen = cached + fresh;

    *growth = (struct duo_growth){ n, INFINITY };
    if (m->window) {
        *growth = seen < m->window ? (struct duo_growth){ n, m->window - seen } : (struct duo_growth){ 0, INFINITY };
        if (seen > m->window) seen = m->window;
    }
    return (struct duo_load){ 1, n * fresh, n * seen, fresh > 1 ? n * (fresh * cached + fresh * (fresh + 1) / 2) : n * seen, logits };
}

static inline struct duo_price simple_price(const struct duo_cost *c, const struct duo_load *l, int from, int to)
{
    const struct simple_cost *m = (const struct simple_cost *)c;
    double s = m->overhead + m->weight * (to - from) + m->token * l->tokens + m->read * l->context;
    return (struct duo_price){ .seconds = s, .per_context = m->read, .joules = m->watts * s, .joules_per_context = m->watts * m->read };
}

static const struct duo_cost_kind simple_kind = { .name = "simple", .item = simple_item, .price = simple_price };

static inline struct simple_cost simple_cost(void)
{
    return (struct simple_cost){ .cost = { .facts = { .layers = 4, .context = 1 << 20 }, .kind = &simple_kind },
                                 .overhead = 1.0 / 64, .weight = 1.0 / 256, .token = 1.0 / 4096, .read = 0x1p-18, .watts = 8 };
}

static inline void run_until(struct duo_clock *c, double at)
{
    while (duo_clock_head(c) <= at && !isinf(duo_clock_head(c))) duo_clock_ring(c);
    if (!isinf(at)) duo_clock_advance(c, at);
}

static inline struct duo_job simple_job(int fresh, int output, struct duo_kv *kv)
{
    return (struct duo_job){ .kv = kv, .fresh = fresh, .output = output, .logits = 1, .to_layer = 4 };
}

#endif
