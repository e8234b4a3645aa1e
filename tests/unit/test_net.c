/* test_net.c - requirements (1)-(6) of sim/net.h on both carriers: dates worked out by hand, then random cases in
 * which they must agree. */
#include <stdint.h>

#include "sim/base/rng.h"
#include "tests/check.h"
#include "tests/unit/net_case.h"

#define MB 1e6
#define LINKS(...)  .links = { __VA_ARGS__ }, .n_links = (int)(sizeof((double[]){ __VA_ARGS__ }) / sizeof(double))
#define ROUTES(n, ...) .routes = { __VA_ARGS__ }, .n_routes = n

/* `want`: the ends in order; carried is checked for cancels. */
static const struct { struct net_case c; struct case_end want[12]; int n; } rows[] = {
    { { "one flow", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 1, 0, 2 * MB } } },
      { { 0, WAS_DONE, 3, 0 } }, 1 },
    { { "two share, one leaves", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 0, 0, 1 * MB }, { START, 0.5, 0, 1 * MB } } },
      { { 0, WAS_DONE, 1.5, 0 }, { 1, WAS_DONE, 2, 0 } }, 2 },
    { { "max-min: access 100, 50, 2 on a WAN of 10: 4, 4, 2 MB/s", 1, 0, LINKS(100 * MB, 50 * MB, 2 * MB, 10 * MB),
        ROUTES(3, { 1, 4 }, { 2, 4 }, { 3, 4 }), { { START, 0, 0, 8 * MB }, { START, 0, 1, 8.8 * MB }, { START, 0, 2, 5 * MB } } },
      /* 4 MB/s till 2 s; then route 1 has 8: 0.8 MB in 0.1 s; route 2 stays at 2 */
      { { 0, WAS_DONE, 2, 0 }, { 1, WAS_DONE, 2.1, 0 }, { 2, WAS_DONE, 2.5, 0 } }, 3 },
    { { "two bottlenecks in a row (parking lot)", 1, 0, LINKS(2 * MB, 6 * MB), ROUTES(3, { 1 }, { 2 }, { 1, 2 }),
        { { START, 0, 0, 3 * MB }, { START, 0, 1, 10 * MB }, { START, 0, 2, 2 * MB } } },
      /* long and first have 1, second 5: second ends at 2 with long; first then has 2 */
      { { 1, WAS_DONE, 2, 0 }, { 2, WAS_DONE, 2, 0 }, { 0, WAS_DONE, 2.5, 0 } }, 3 },
    { { "capacity up in mid-flow", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 0, 0, 3 * MB }, { CAPACITY, 1, 0, 4 * MB } } },
      { { 0, WAS_DONE, 1.5, 0 } }, 1 },
    { { "capacity down in mid-flow", 1, 0, LINKS(4 * MB), ROUTES(1, { 1 }), { { START, 0, 0, 5 * MB }, { CAPACITY, 1, 0, .5 * MB } } },
      { { 0, WAS_DONE, 3, 0 } }, 1 },
    { { "square wave of 0.5 and 2 MB/s, 2.5 MB from 0.01 s", 1, 0, LINKS(.5 * MB), ROUTES(1, { 1 }),
        { { START, 0.01, 0, 2.5 * MB }, { CAPACITY, 1.01, 0, 2 * MB }, { CAPACITY, 2.01, 0, .5 * MB } } },
      { { 0, WAS_DONE, 2.01, 0 } }, 1 },
    { { "up twice: the second rise needs no restart", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }),
        { { START, 0, 0, 8 * MB }, { CAPACITY, 1, 0, 2 * MB }, { START, 2, 0, 1 * MB }, { CAPACITY, 3, 0, 4 * MB } } },
      /* 1, 3; then 1 + 1 each: flow 1 ends at 3 exactly when the rise comes; 4 left at 4 MB/s */
      { { 1, WAS_DONE, 3, 0 }, { 0, WAS_DONE, 4, 0 } }, 2 },
    { { "parked at 0 for seconds", 1, 0, LINKS(1 * MB, 5 * MB), ROUTES(2, { 1, 2 }, { 2 }),
        { { START, 0, 0, 2 * MB }, { CAPACITY, 1, 0, 0 }, { START, 2, 0, 1 * MB }, { START, 2, 1, 5 * MB }, { CAPACITY, 5, 0, 1 * MB } } },
      { { 2, WAS_DONE, 3, 0 }, { 0, WAS_DONE, 7, 0 }, { 1, WAS_DONE, 7, 0 } }, 3 },
    { { "declared at 0", 1, 0, LINKS(0), ROUTES(1, { 1 }), { { START, 1, 0, 2 * MB }, { CAPACITY, 4, 0, 2 * MB } } },
      { { 0, WAS_DONE, 5, 0 } }, 1 },
    { { "down shorter than detect", 2, 0, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 0, 0, 2 * MB }, { DOWN, 1, 0, 0 }, { UP, 2.5, 0, 0 } } },
      { { 0, WAS_DONE, 3.5, 0 } }, 1 },
    { { "down longer than detect", 2, 0, LINKS(1 * MB), ROUTES(1, { 1 }),
        { { START, 0, 0, 2 * MB }, { DOWN, 1, 0, 0 }, { START, 1.5, 0, 0 }, { UP, 3.25, 0, 0 }, { START, 4, 0, 1 * MB } } },
      { { 0, WAS_UNREACHABLE, 3, 0 }, { 1, WAS_DONE, 3.25, 0 }, { 2, WAS_DONE, 5, 0 } }, 3 },
    { { "started on a down link", 2, 0, LINKS(1 * MB), ROUTES(1, { 1 }),
        { { DOWN, 0, 0, 0 }, { START, 1, 0, 1 * MB }, { START, 2, 0, 1 * MB }, { START, 2, 0, 0 }, { UP, 3.5, 0, 0 } } },
      { { 0, WAS_UNREACHABLE, 3, 0 }, { 2, WAS_DONE, 3.5, 0 }, { 1, WAS_DONE, 4.5, 0 } }, 3 },
    { { "two links down, overlapping: detect runs from the first", 2, 0, LINKS(1 * MB, 1 * MB), ROUTES(1, { 1, 2 }),
        { { START, 0, 0, 2 * MB }, { DOWN, 1, 0, 0 }, { DOWN, 1.5, 1, 0 }, { UP, 2, 0, 0 }, { UP, 3.5, 1, 0 } } },
      { { 0, WAS_UNREACHABLE, 3, 0 } }, 1 },
    { { "down while at 0", 2, 0, LINKS(1 * MB), ROUTES(1, { 1 }),
        { { START, 0, 0, 2 * MB }, { CAPACITY, 1, 0, 0 }, { DOWN, 2, 0, 0 }, { UP, 3, 0, 0 }, { CAPACITY, 9, 0, 1 * MB } } },
      { { 0, WAS_DONE, 10, 0 } }, 1 },
    { { "cancelled half-way", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 0, 0, 2 * MB }, { START, 0, 0, 3 * MB }, { CANCEL, 2, 0, 0 } } },
      { { 0, WAS_CANCELLED, 2, 1 * MB }, { 1, WAS_DONE, 4, 0 } }, 2 },
    { { "cancelled while parked, and before it ends at once", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }),
        { { START, 0, 0, 2 * MB }, { CAPACITY, 1, 0, 0 }, { START, 1, 0, 1 * MB }, { CANCEL, 2, 0, 0 }, { CANCEL, 2, 1, 0 },
          { START, 3, 0, 0 }, { CANCEL, 3, 2, 0 } } },
      { { 0, WAS_CANCELLED, 2, 1 * MB }, { 1, WAS_CANCELLED, 2, 0 }, { 2, WAS_CANCELLED, 3, 0 } }, 3 },
    { { "0 bytes, and less than one", 1, 0, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 1, 0, 0 }, { START, 2, 0, 0.5 } } },
      { { 0, WAS_DONE, 1, 0 }, { 1, WAS_DONE, 2.0000005, 0 } }, 2 },
    { { "at one instant: flows by number, then alarms by sequence", 1, 0, LINKS(1 * MB, 1 * MB, 1 * MB), ROUTES(3, { 1 }, { 2 }, { 3 }),
        { { MARK, 2, 0, 0 }, { START, 0, 2, 2 * MB }, { START, 0.5, 0, 1.5 * MB }, { START, 1, 1, 1 * MB }, { MARK, 2, 1, 0 }, { START, 2, 0, 0 },
          { MARK, 2 + 0.4e-9, 2, 0 } } },
      { { 0, WAS_DONE, 2, 0 }, { 1, WAS_DONE, 2, 0 }, { 2, WAS_DONE, 2, 0 }, { 1000, WAS_MARK, 2, 0 }, { 1001, WAS_MARK, 2, 0 },
        { 3, WAS_DONE, 2, 0 }, { 1002, WAS_MARK, 2, 0 } }, 7 },
    { { "a link without a limit is not in the way, but can be down", 1, 0, LINKS(INFINITY, 1 * MB), ROUTES(3, { 1, 2 }, { 1 }, { 0 }),
        { { START, 0, 0, 1 * MB }, { START, 0.25, 1, 9e9 }, { START, 0.25, 2, 9e9 }, { DOWN, 0.5, 0, 0 }, { START, 0.6, 1, 5 }, { UP, 1.25, 0, 0 } } },
      { { 1, WAS_DONE, 0.25, 0 }, { 2, WAS_DONE, 0.25, 0 }, { 3, WAS_DONE, 1.25, 0 }, { 0, WAS_DONE, 1.75, 0 } }, 4 },
    { { "very unlike neighbours: 100 B/s beside 1 GB/s", 1, 0, LINKS(1e9, 100, 1e9), ROUTES(2, { 1, 3 }, { 2, 3 }),
        { { START, 0, 1, 1000 }, { START, 0, 0, 5e9 } } },
      /* 1e9 - 100 B/s: 5.0000005 s */
      { { 1, WAS_DONE, 5.00000050000005, 0 }, { 0, WAS_DONE, 10, 0 } }, 2 },
    { { "until", 1, 3, LINKS(1 * MB), ROUTES(1, { 1 }), { { START, 0, 0, 1 * MB }, { START, 0, 0, 9 * MB }, { MARK, 3, 0, 0 }, { MARK, 4, 1, 0 } } },
      { { 0, WAS_DONE, 2, 0 }, { 1000, WAS_MARK, 3, 0 } }, 2 },
};

static const char *const carriers[] = { "fluid", "simgrid" };

static void compare(const char *name, const char *carrier, const struct case_result *got, const struct case_end *want, int n)
{
    int failed = check_failed;
    CHECK_INT(got->n, n);
    for (int k = 0; k < n && k < got->n; k++) {
        CHECK_INT(got->ends[k].flow, want[k].flow);
        CHECK_INT(got->ends[k].how, want[k].how);
        CHECK_NEAR(got->ends[k].at, want[k].at, 1e-9);
        if (want[k].how == WAS_CANCELLED) CHECK_NEAR(got->ends[k].carried, want[k].carried, 1e-3);
    }
    if (check_failed > failed) printf("  in \"%s\" on %s\n", name, carrier);
}

static void test_cases(void)
{
    static struct case_result got;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < (duo_net_has_simgrid() ? 2 : 1); k++) {
            if (k == 0) case_run(&rows[i].c, DUO_NET_FLUID, &got);
            else        CHECK(case_run_simgrid(&rows[i].c, &got));
            compare(rows[i].c.name, carriers[k], &got, rows[i].want, rows[i].n);
            if (rows[i].c.until > 0) CHECK_NEAR(got.now, rows[i].c.until, 0);
            else                     CHECK_INT(got.stats.active, 0);
        }
}

static void test_books(void)
{
    static const struct net_case c = { "books", 1, 0, LINKS(1 * MB, 2 * MB, INFINITY), ROUTES(2, { 1, 3 }, { 1, 2 }),
        { { START, 0, 0, 1 * MB }, { START, 0, 1, 2 * MB }, { CANCEL, 1, 1, 0 }, { START, 2, 1, 1 * MB }, { DOWN, 2.5, 1, 0 } } };
    static struct case_result got;
    for (int k = 0; k < (duo_net_has_simgrid() ? 2 : 1); k++) {
        if (k == 0) case_run(&c, DUO_NET_FLUID, &got);
        else        CHECK(case_run_simgrid(&c, &got));
        /* 1 MB ended, 0.5 MB of a cancelled one, 0.5 MB of an unreachable one */
        CHECK_NEAR(got.link_bytes[0], 2 * MB, 1e-2);
        CHECK_NEAR(got.link_bytes[1], 1 * MB, 1e-2);
        CHECK_NEAR(got.link_bytes[2], 1 * MB, 1e-2);
        CHECK_INT(got.stats.flows, 3);
        CHECK_INT(got.stats.peak, 2);
        CHECK_INT(got.stats.active, 0);
    }
}

static int pick(struct duo_rng *r, int n) { return (int)(duo_rng_unit(r) * n); }

/* Capacities over three decades, some alike; flows over four; half of the dates on a grid, so that ties are common. */
static double some_capacity(struct duo_rng *r)
{
    return pick(r, 3) ? 1e5 * pow(10, 3 * duo_rng_unit(r)) : 1e6 * (1 + pick(r, 3));
}

static void random_case(struct net_case *c, uint64_t seed)
{
    struct duo_rng r;
    duo_rng_init(&r, 11, "net", seed);
    memset(c, 0, sizeof *c);
    c->name     = "random";
    c->detect   = 0.7;
    c->n_links  = 1 + pick(&r, CASE_LINKS);
    c->n_routes = 1 + pick(&r, CASE_ROUTES);
    for (int i = 0; i < c->n_links; i++) c->links[i] = pick(&r, 12) ? some_capacity(&r) : INFINITY;
    for (int i = 0; i < c->n_routes; i++) {
        int n = 1 + pick(&r, 4), k = 0;
        for (int tries = 0; tries < 8 && k < n; tries++) {
            int link = pick(&r, 3) ? 1 + pick(&r, c->n_links) : 1, twice = 0;    /* link 1 is on most routes */
            for (int q = 0; q < k; q++) twice |= c->routes[i][q] == link;
            if (!twice) c->routes[i][k++] = link;
        }
    }
    int events = 10 + pick(&r, CASE_EVENTS - 11 - 2 * CASE_LINKS), flows = 0, k = 0;
    double date = 0;
    for (; k < events; k++) {
        struct case_event *e = &c->events[k];
        if (pick(&r, 3)) date += pick(&r, 2) ? 0.25 * pick(&r, 3) : 0.3 * duo_rng_unit(&r);
        *e = (struct case_event){ .at = date, .what = pick(&r, c->n_links) };
        int what = pick(&r, 20);
        if (what < 2 && flows) e->kind = CANCEL, e->what = pick(&r, flows);
        else if (what < 6 && !isinf(c->links[e->what])) e->kind = CAPACITY, e->value = pick(&r, 5) ? some_capacity(&r) : 0;
        else if (what < 7) e->kind = DOWN;
        else if (what < 9) e->kind = UP;
        else {
            e->kind  = START;
            e->what  = pick(&r, c->n_routes);
            e->value = pick(&r, 3) ? 1e3 * pow(10, 4 * duo_rng_unit(&r)) : 1e5 * pick(&r, 10);
            flows++;
        }
    }
    for (int i = 0; i < c->n_links; i++) {    /* all can end */
        c->events[k++] = (struct case_event){ UP, date + 3, i, 0 };
        if (!isinf(c->links[i])) c->events[k++] = (struct case_event){ CAPACITY, date + 4, i, some_capacity(&r) };
    }
}

static void test_random(void)
{
    static struct net_case c;
    static struct case_result fluid, simgrid;
    int cases = 500, wrong = 0, ends = 0, ties = 0;
    double worst = 0;
    if (!duo_net_has_simgrid()) {
        CHECK_SKIP("built without SimGrid");
        return;
    }
    for (int i = 0; i < cases; i++) {
        random_case(&c, (uint64_t)i);
        case_run(&c, DUO_NET_FLUID, &fluid);
        bool same = case_run_simgrid(&c, &simgrid) && fluid.n == simgrid.n && fluid.n > 0;
        for (int k = 0; same && k < fluid.n; k++) {
            const struct case_end *a = &fluid.ends[k], *b = &simgrid.ends[k];
            double off = fabs(a->at - b->at) / fmax(1, a->at);
            worst = fmax(worst, off);
            same  = a->flow == b->flow && a->how == b->how && off <= 1e-9 && fabs(a->carried - b->carried) <= 1e-9 * 1e7;
            if (!same) printf("case %d, end %d: flow %d how %d at %.12g carried %.12g; simgrid %d %d %.12g %.12g\n", i, k,
                              a->flow, a->how, a->at, a->carried, b->flow, b->how, b->at, b->carried);
            ties += k > 0 && a->at == a[-1].at;
        }
        for (int l = 0; same && l < c.n_links; l++)
            same = fabs(fluid.link_bytes[l] - simgrid.link_bytes[l]) <= 1e-9 * fmax(1e7, fluid.link_bytes[l]);
        wrong += !same;
        ends  += fluid.n;
    }
    printf("%d random cases, %d ends, %d at the same date as another; worst difference %.2g\n", cases, ends, ties, worst);
    CHECK_INT(wrong, 0);
    CHECK(ends > 20 * cases / 2);
    CHECK(ties > 100);
}

/* 4,000 flows of 24 cells to their edge, over one of two WANs or both; overloaded at first; capacities change. */
enum { BIG_CELLS = 24, BIG_FLOWS = 4000 };
static struct big { double at[BIG_FLOWS]; int order[BIG_FLOWS], n, peak; } big[2];
static struct big_run {
    struct duo_net   *net;
    struct duo_clock *clock;
    struct duo_rng    rng;
    struct duo_alarm  arrival, tick;
    int               came, numbers[BIG_FLOWS];
    struct big       *out;
} b;

static void big_over(void *arg, enum duo_flow_end end, double carried)
{
    int number = *(int *)arg;
    (void)end, (void)carried;
    b.out->at[number] = duo_clock_now(b.clock);
    b.out->order[b.out->n++] = number;
}

static void big_arrive(void *arg)
{
    b.numbers[b.came] = b.came;
    double bytes = 1e4 * pow(10, 2 * duo_rng_unit(&b.rng));
    duo_net_start(b.net, pick(&b.rng, BIG_CELLS * 4), bytes, big_over, &b.numbers[b.came]);
    if (++b.came < BIG_FLOWS)
        duo_clock_set(b.clock, &b.arrival, duo_clock_now(b.clock) + duo_rng_unit(&b.rng) / (b.came < BIG_FLOWS / 3 ? 120 : 40), big_arrive, arg);
}

static void big_change(void *arg)
{
    duo_link link = pick(&b.rng, BIG_CELLS + 2);
    duo_net_capacity(b.net, link, (link < 2 ? 5e6 : 1e6) * (pick(&b.rng, 3) ? 0.5 + duo_rng_unit(&b.rng) : 1));
    if (b.out->n < BIG_FLOWS) duo_clock_set(b.clock, &b.tick, duo_clock_now(b.clock) + 0.2, big_change, arg);
}

static void big_run(enum duo_net_kind kind, struct big *out)
{
    struct duo_err err = { 0 };
    memset(&b, 0, sizeof b);
    b.out   = out;
    b.clock = duo_clock_new();
    duo_rng_init(&b.rng, 6, "big", 0);
    if (duo_net_new(&b.net, kind, b.clock, 1, &err) != DUO_OK) return;
    for (int i = 0; i < BIG_CELLS + 2; i++) duo_net_add_link(b.net, "", i < 2 ? 5e6 : 1e6);
    for (int i = 0; i < BIG_CELLS * 4; i++) {
        duo_link links[3] = { 2 + i / 4, i & 1 ? 0 : 1, 1 };
        duo_net_add_route(b.net, links, i % 4 == 0 ? 1 : i % 4 == 3 ? 3 : 2);
    }
    if (duo_net_seal(b.net, &err) != DUO_OK) return;
    duo_clock_set(b.clock, &b.arrival, 0, big_arrive, NULL);
    duo_clock_set(b.clock, &b.tick, 0, big_change, NULL);
    duo_net_run(b.net, INFINITY, NULL);
    out->peak = duo_net_stats(b.net).peak;
    duo_net_free(b.net);
    duo_clock_free(b.clock);
}

static void test_big(void)
{
    big_run(DUO_NET_FLUID, &big[0]);
    CHECK_INT(big[0].n, BIG_FLOWS);
    CHECK(big[0].peak > 200);
    if (!duo_net_has_simgrid()) return;
    int fd[2], status = -1;
    CHECK(pipe(fd) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        FILE *f = fdopen(fd[1], "wb");
        big_run(DUO_NET_SIMGRID, &big[1]);
        _exit(!f || fwrite(&big[1], sizeof big[1], 1, f) != 1 || fclose(f) != 0);
    }
    close(fd[1]);
    FILE *f = fdopen(fd[0], "rb");
    CHECK(f && fread(&big[1], sizeof big[1], 1, f) == 1);
    if (f) fclose(f);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    double worst = 0;
    for (int i = 0; i < BIG_FLOWS; i++) worst = fmax(worst, fabs(big[0].at[i] - big[1].at[i]) / fmax(1, big[0].at[i]));
    printf("%d flows, %d at once: worst difference %.2g\n", BIG_FLOWS, big[0].peak, worst);
    CHECK(worst <= 1e-9);
    CHECK(memcmp(big[0].order, big[1].order, sizeof big[0].order) == 0);
    CHECK_INT(big[1].n, BIG_FLOWS);
    CHECK_INT(big[1].peak, big[0].peak);
}

/* What a callback may do: start, cancel one that ends at the same instant, stop the run. */
static struct duo_net  *net;
static struct duo_flow *other;
static int  order[8], n_order;
static bool stop;
static void over(void *arg, enum duo_flow_end end, double carried) { (void)end, (void)carried; order[n_order++] = *(int *)arg; }
static void over_and_more(void *arg, enum duo_flow_end end, double carried)
{
    static int three = 3;
    over(arg, end, carried);
    CHECK_NEAR(duo_net_carried(net, other), 1 * MB, 0);
    CHECK_NEAR(duo_net_cancel(net, other), 1 * MB, 0);
    duo_net_start(net, 0, 1 * MB, over, &three);
}
static void over_and_stop(void *arg, enum duo_flow_end end, double carried) { over(arg, end, carried), stop = true; }

static void test_inside_callbacks(enum duo_net_kind kind)
{
    static int one = 1, two = 2, four = 4;
    struct duo_err err = { 0 };
    struct duo_clock *clock = duo_clock_new();
    CHECK_INT(duo_net_new(&net, kind, clock, 1, &err), DUO_OK);
    duo_link link = duo_net_add_link(net, "l", 1 * MB);
    duo_net_add_route(net, &link, 1);
    CHECK_INT(duo_net_seal(net, &err), DUO_OK);
    n_order = 0, stop = false;
    duo_net_start(net, 0, 1 * MB, over_and_more, &one);
    other = duo_net_start(net, 0, 1 * MB, over, &two);
    duo_net_start(net, 0, 1 * MB, over_and_stop, &four);
    CHECK_NEAR(duo_net_rate(net, 0), 1 * MB, 0);
    duo_net_run(net, INFINITY, &stop);
    CHECK_INT(n_order, 2);
    CHECK_INT(order[1], 4);
    CHECK_NEAR(duo_clock_now(clock), 3, 1e-9);
    CHECK_INT(duo_net_stats(net).active, 1);
    duo_net_run(net, INFINITY, NULL);
    CHECK_INT(order[2], 3);
    CHECK_NEAR(duo_clock_now(clock), 4, 1e-9);
    duo_net_updown(net, link, false);
    CHECK(!duo_net_up(net, 0));
    CHECK_NEAR(duo_net_rate(net, 0), 0, 0);
    struct duo_net *second;
    if (kind == DUO_NET_SIMGRID) {    /* its engine is a singleton */
        CHECK_INT(duo_net_new(&second, DUO_NET_SIMGRID, clock, 1, &err), DUO_RUN_FAILED);
        CHECK_HAS(err.text, "one network a process");
    }
    duo_net_start(net, 0, 1 * MB, over, &one);    /* freed while a flow is parked and its alarm is set */
    duo_net_free(net);
    CHECK(isinf(duo_clock_head(clock)));
    duo_clock_free(clock);
}

int main(void)
{
    test_cases();
    test_books();
    test_random();
    test_big();
    test_inside_callbacks(DUO_NET_FLUID);
    if (duo_net_has_simgrid()) {
        test_inside_callbacks(DUO_NET_SIMGRID);    /* last: this process has no second one */
        CHECK_HAS(duo_net_version(DUO_NET_SIMGRID), "simgrid");
    } else {
        struct duo_err err = { 0 };
        CHECK_INT(duo_net_new(&net, DUO_NET_SIMGRID, NULL, 1, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, "without SimGrid");
    }
    CHECK_TEXT(duo_net_version(DUO_NET_FLUID), "fluid");
    return check_done();
}
