/* law_sharing.c - what theory says of flows that share: sojourn times under processor sharing, and that no byte is
 * lost or made.  On the fluid model; test_net.c shows that SimGrid gives the same dates. */
#include <gsl/gsl_randist.h>
#include <stdlib.h>

#include "sim/base/rng.h"
#include "sim/clock.h"
#include "sim/net.h"
#include "tests/check.h"

/* --- M/M/1-PS and M/D/1-PS ------------------------------------------------------------------------------------
 * Kleinrock, "Time-shared systems: a theoretical treatment", J. ACM 14(2), 1967, and Queueing Systems II, 1976, 4.4:
 * a flow of x bytes stays x / (C (1 - rho)) on average, whatever the distribution of sizes; the number present is
 * geometric, P(n) = (1 - rho) rho^n. */

enum { CUSTOMERS = 600000, BATCHES = 30, MOST = 8 };
#define C    1e6
#define MEAN 1e5

struct customer { double since, bytes; };

static struct queue {
    struct duo_net   *net;
    struct duo_clock *clock;
    struct duo_rng    rng;
    struct duo_alarm  arrival;
    struct customer  *customers;
    long   came, gone;
    int    now;
    bool   fixed;
    double rho, batch[BATCHES], small, small_bytes, large, large_bytes, present[MOST], since;
} q;

static void count(void)
{
    double now = duo_clock_now(q.clock);
    if (q.now < MOST) q.present[q.now] += now - q.since;
    q.since = now;
}

static void gone(void *arg, enum duo_flow_end end, double carried)
{
    struct customer *c = arg;
    double stay = duo_clock_now(q.clock) - c->since;
    (void)end, (void)carried;
    count();
    q.now--, q.gone++;
    q.batch[(c - q.customers) / (CUSTOMERS / BATCHES)] += stay / (CUSTOMERS / BATCHES);
    if (c->bytes < MEAN / 2) q.small += stay, q.small_bytes += c->bytes;
    else                     q.large += stay, q.large_bytes += c->bytes;
}

static void arrive(void *arg)
{
    struct customer *c = &q.customers[q.came++];
    c->since = duo_clock_now(q.clock);
    c->bytes = q.fixed ? MEAN : gsl_ran_exponential(&q.rng.gsl, MEAN);
    count();
    q.now++;
    duo_net_start(q.net, 0, c->bytes, gone, c);
    if (q.came < CUSTOMERS)
        duo_clock_set(q.clock, &q.arrival, c->since + gsl_ran_exponential(&q.rng.gsl, MEAN / C / q.rho), arrive, arg);
}

static void test_queue(double rho, bool fixed)
{
    struct duo_err err = { 0 };
    memset(&q, 0, sizeof q);
    q.rho = rho, q.fixed = fixed;
    q.clock = duo_clock_new();
    q.customers = calloc(CUSTOMERS, sizeof *q.customers);
    duo_rng_init(&q.rng, 3, "queue", (uint64_t)(rho * 100) + fixed);
    CHECK_INT(duo_net_new(&q.net, DUO_NET_FLUID, q.clock, 1, &err), DUO_OK);
    duo_link link = duo_net_add_link(q.net, "link", C);
    duo_net_add_route(q.net, &link, 1);
    CHECK_INT(duo_net_seal(q.net, &err), DUO_OK);
    duo_clock_set(q.clock, &q.arrival, 0, arrive, NULL);
    duo_net_run(q.net, INFINITY, NULL);
    CHECK_INT(q.gone, CUSTOMERS);

    double mean = 0, spread = 0, want = MEAN / C / (1 - rho), total = 0;
    for (int b = 0; b < BATCHES; b++) mean += q.batch[b] / BATCHES;
    for (int b = 0; b < BATCHES; b++) spread += (q.batch[b] - mean) * (q.batch[b] - mean);
    double error = sqrt(spread / (BATCHES - 1) / BATCHES);
    printf("rho %g, %s sizes: mean sojourn %.6g +- %.2g s, theory %.6g s\n", rho, fixed ? "equal" : "exponential", mean, error, want);
    CHECK_NEAR(mean, want, 4 * error);
    CHECK(error < 0.02 * want);
    if (!fixed) {    /* proportional to the size: small and large flows are slowed down alike */
        CHECK_NEAR(q.small / q.small_bytes * C * (1 - rho), 1, 0.05);
        CHECK_NEAR(q.large / q.large_bytes * C * (1 - rho), 1, 0.05);
    }
    for (int n = 0; n < MOST; n++) total += q.present[n] / duo_clock_now(q.clock);
    for (int n = 0; n < MOST; n++)
        CHECK_NEAR(q.present[n] / duo_clock_now(q.clock), (1 - rho) * pow(rho, n), 0.03 * (1 - rho) * pow(rho, n) + 0.002);
    CHECK(total < 1);
    duo_net_free(q.net);
    duo_clock_free(q.clock);
    free(q.customers);
}

/* --- conservation ---------------------------------------------------------------------------------------------
 * 40 cells behind one WAN and beside their edges, all always asked for more than they have; capacities change, flows
 * are cancelled.  A link that is always wanted carries exactly the integral of its capacity, and what enters by the
 * cells leaves by the WAN and the edges. */

enum { CELLS = 40, AHEAD = 3 };

static struct {
    struct duo_net   *net;
    struct duo_clock *clock;
    struct duo_rng    rng;
    struct duo_alarm  tick;
    duo_link  wan, cell[CELLS], edge;
    duo_route wan_route[CELLS], edge_route[CELLS];
    struct slot { duo_route route; struct duo_flow *flow; } slots[CELLS][2][AHEAD];
    double capacity, since, could, cancelled;
    bool   stop;
    long   ticks;
} k;

static void again(void *arg, enum duo_flow_end end, double carried);

static void begin(struct slot *s)
{
    s->flow = duo_net_start(k.net, s->route, gsl_ran_exponential(&k.rng.gsl, 1e6), again, s);
}

static void again(void *arg, enum duo_flow_end end, double carried)
{
    (void)end, (void)carried;
    begin(arg);
}

static void disturb(void *arg)
{
    double now = duo_clock_now(k.clock);
    k.could += k.capacity * (now - k.since);
    k.since  = now;
    if (++k.ticks == 4000) {
        k.stop = true;
        return;
    }
    switch ((int)(duo_rng_unit(&k.rng) * 4)) {
    case 0:
        k.capacity = duo_rng_unit(&k.rng) < 0.1 ? 0 : 1e7 * (0.5 + duo_rng_unit(&k.rng));
        duo_net_capacity(k.net, k.wan, k.capacity);
        break;
    case 1: {
        struct slot *s = &k.slots[(int)(duo_rng_unit(&k.rng) * CELLS)][0][0];
        k.cancelled += duo_net_cancel(k.net, s->flow);
        begin(s);
        break;
    }
    default:
        duo_net_capacity(k.net, k.cell[(int)(duo_rng_unit(&k.rng) * CELLS)], 1e6 * (1 + duo_rng_unit(&k.rng)));
    }
    duo_clock_set(k.clock, &k.tick, now + 0.05 * duo_rng_unit(&k.rng), disturb, arg);
}

static void test_conservation(void)
{
    struct duo_err err = { 0 };
    duo_rng_init(&k.rng, 4, "bytes", 0);
    k.clock = duo_clock_new();
    CHECK_INT(duo_net_new(&k.net, DUO_NET_FLUID, k.clock, 1, &err), DUO_OK);
    k.wan  = duo_net_add_link(k.net, "wan", k.capacity = 1e7);
    k.edge = duo_net_add_link(k.net, "edge", INFINITY);
    for (int i = 0; i < CELLS; i++) {
        k.cell[i]       = duo_net_add_link(k.net, "cell", 1e6);
        k.wan_route[i]  = duo_net_add_route(k.net, (duo_link[]){ k.cell[i], k.wan }, 2);
        k.edge_route[i] = duo_net_add_route(k.net, (duo_link[]){ k.cell[i], k.edge }, 2);
    }
    CHECK_INT(duo_net_seal(k.net, &err), DUO_OK);
    for (int i = 0; i < CELLS; i++)
        for (int e = 0; e < 2; e++)
            for (int a = 0; a < AHEAD; a++) {
                k.slots[i][e][a].route = e ? k.edge_route[i] : k.wan_route[i];
                begin(&k.slots[i][e][a]);
            }
    duo_clock_set(k.clock, &k.tick, 0.01, disturb, NULL);
    duo_net_run(k.net, INFINITY, &k.stop);

    double under_way[2] = { 0 }, cells = 0;
    for (int i = 0; i < CELLS; i++) {
        cells += duo_net_link_bytes(k.net, k.cell[i]);
        for (int e = 0; e < 2; e++)
            for (int a = 0; a < AHEAD; a++) under_way[e] += duo_net_carried(k.net, k.slots[i][e][a].flow);
    }
    double wan = duo_net_link_bytes(k.net, k.wan), edge = duo_net_link_bytes(k.net, k.edge);
    printf("WAN: %.6f MB carried, %.6f MB under way, %.6f MB possible\n", wan / 1e6, under_way[0] / 1e6, k.could / 1e6);
    CHECK_NEAR((wan + under_way[0]) / k.could, 1, 1e-10);
    CHECK_NEAR(cells / (wan + edge), 1, 1e-12);
    CHECK(k.cancelled > 0 && edge > 0);
    duo_net_free(k.net);
    duo_clock_free(k.clock);
}

int main(void)
{
    test_queue(0.5, false);
    test_queue(0.8, false);
    test_queue(0.5, true);
    test_conservation();
    return check_done();
}
