/* bench_server.c - the load of a million requests on 64 replicas with 64 slots each: the CPU time of the servers
 * and the clock alone.  Prompts 50 to 450, answers 20 to 180 tokens, Poisson at `share` of what they can take.
 * Printed, not asserted.  bench_server [jobs] [share] */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/base/rng.h"
#include "sim/server.h"

enum { REPLICAS = 64, SLOTS = 64, LAYERS = 80 };

struct request { struct duo_job job; struct duo_kv kv; struct request *next_free; };

static struct duo_clock  *clock_;
static struct duo_server *server[REPLICAS];
static int                load_of[REPLICAS];
static struct duo_alarm   next;
static struct duo_rng     rng;
static struct request    *unused;
static long               left, done;
static double             rate, ttft, e2e;
static int                made;

static struct duo_load item(const struct duo_cost *c, double fresh, double cached, int from, int to, double logits, struct duo_growth *growth)
{
    double n = to - from;
    (void)c;
    *growth = (struct duo_growth){ n, INFINITY };
    return (struct duo_load){ 1, n * fresh, n * (cached + fresh), n * (fresh * cached + fresh * (fresh + 1) / 2), logits };
}

static struct duo_price price(const struct duo_cost *c, const struct duo_load *l, int from, int to)
{
    double per = 1.4e-12, s = 0.018 + l->tokens * 1.5e-6 + l->context * per * 64;
    (void)c, (void)from, (void)to;
    return (struct duo_price){ s, per * 64, 1100 * s, 1100 * per * 64 };
}

static const struct duo_cost_kind kind = { .name = "bench", .item = item, .price = price };
static struct duo_cost cost = { .facts = { .layers = LAYERS, .context = 131072 }, .kind = &kind };

static void over(struct duo_job *j)
{
    struct request *r = j->owner;
    e2e += duo_clock_now(clock_) - j->queued_at, ttft += j->first_at - j->queued_at;
    duo_kv_drop(&r->kv);
    load_of[r->kv.pins]--;
    r->next_free = unused, unused = r;
    done++;
}

static void arrive(void *arg)
{
    struct request *r = unused;
    int best = 0;

    (void)arg;
    if (r) unused = r->next_free;
    else   r = duo_new(1, sizeof *r), made++;
    for (int i = 1; i < REPLICAS; i++)
        if (load_of[i] < load_of[best]) best = i;
    load_of[best]++;
    r->kv  = (struct duo_kv){ .pins = best };                  /* borrowed: which replica */
    r->job = (struct duo_job){ .kv = &r->kv, .fresh = 50 + (int)(400 * duo_rng_unit(&rng)), .output = 20 + (int)(160 * duo_rng_unit(&rng)),
                               .logits = 1, .to_layer = LAYERS, .streams = true, .done = over, .owner = r };
    if (!duo_server_submit(server[best], &r->job)) abort();
    if (--left > 0) duo_clock_set(clock_, &next, duo_clock_now(clock_) - log1p(-duo_rng_unit(&rng)) / rate, arrive, NULL);
}

int main(int argc, char **argv)
{
    double iterations = 0, busy = 0, share = argc > 2 ? atof(argv[2]) : 0.8;
    static struct duo_gaps gaps;

    left = argc > 1 ? atol(argv[1]) : 1000000;
    rate = share * REPLICAS * SLOTS / (100 * (0.018 + 64 * 80 * 1.5e-6 + 3 * 250 * 80 * 1.5e-6));
    clock_ = duo_clock_new();
    for (int i = 0; i < REPLICAS; i++)
        server[i] = duo_server_new(&(struct duo_server_spec){ .cost = &cost, .clock = clock_, .slots = SLOTS, .budget = 2048, .kv_tokens = 4e5, .gaps = &gaps });
    duo_rng_init(&rng, 1, "bench", 0);
    clock_t began = clock();
    duo_clock_set(clock_, &next, 0, arrive, NULL);
    while (duo_clock_head(clock_) < INFINITY) duo_clock_ring(clock_);
    double cpu = (double)(clock() - began) / CLOCKS_PER_SEC;
    for (int i = 0; i < REPLICAS; i++) {
        struct duo_server_totals t;
        duo_server_totals(server[i], &t);
        iterations += t.iterations, busy += t.busy_seconds;
        duo_server_free(server[i]);
    }
    printf("%ld jobs, %.0f iterations, %llu events, %.2f s CPU; %.3f us an event; TTFT %.3f s, E2E %.2f s, busy %.2f, ITL p50 %.4f p99 %.4f s, %d in flight at most\n",
           done, iterations, (unsigned long long)duo_clock_events(clock_), cpu, cpu * 1e6 / (double)duo_clock_events(clock_), ttft / (double)done,
           e2e / (double)done, busy / REPLICAS / duo_clock_now(clock_), duo_gaps_quantile(&gaps, 0.5), duo_gaps_quantile(&gaps, 0.99), made);
    duo_clock_free(clock_);
    while (unused) {
        struct request *r = unused;
        unused = r->next_free;
        free(r);
    }
    return 0;
}
