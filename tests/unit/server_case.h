/* server_case.h - one server on one clock, what its callbacks said, and the arithmetic of an iteration: for test_server*.c. */
#ifndef DUO_TESTS_SERVER_CASE_H
#define DUO_TESTS_SERVER_CASE_H

#include "tests/unit/server_bench.h"

static struct simple_cost cost;
static struct duo_clock  *at;
static struct duo_server *server;

static inline void begin(int slots, int budget, double kv_tokens)
{
    cost = simple_cost();
    at = duo_clock_new();
    server = duo_server_new(&(struct duo_server_spec){ .cost = &cost.cost, .clock = at, .slots = slots, .budget = budget, .kv_tokens = kv_tokens });
}

static inline void end(void)
{
    duo_server_free(server);
    duo_clock_free(at);
}

static int n_done, n_first;
static void *order[64];
static inline void note_done(struct duo_job *j)  { order[n_done++ & 63] = j; }
static inline void note_first(struct duo_job *j) { (void)j; n_first++; }

/* Seconds of an iteration of the whole model. */
static inline double step_of(double tokens, double context) { return cost.overhead + 4 * cost.weight + cost.token * 4 * tokens + cost.read * 4 * context; }

#endif
