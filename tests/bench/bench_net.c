/* bench_net.c - how fast flows are carried: bench_net [LOAD [fluid|simgrid [REQUESTS]]], or all of them in turn.
 * Prints, asserts nothing.
 *
 *   cells    1,000 cells that share nothing, three flows a request one after the other, about 120 in flight
 *   wan      1,000 cells behind one saturated WAN link a direction, two flows a request; 100,000 requests reach
 *            some 8,000 flows in flight
 *   mixed    as wan, but every other request goes to its cell's edge: cell and WAN links are tangled
 *   traced   as cells, and every cell's capacity changes each 0.1 s */
#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/rng.h"
#include "sim/clock.h"
#include "sim/net.h"

#include <gsl/gsl_randist.h>

enum { CELLS = 1000 };
#define CELL 20e6                 /* B/s */
#define WAN  100e6

struct request { struct duo_alarm alarm; int cell, left, edge; double bytes; };

static struct duo_net   *net;
static struct duo_clock *clock_;
static struct duo_rng    rng;
static duo_route  up[CELLS], down[CELLS], up_edge[CELLS];
static duo_link   cell_up[CELLS];
static struct request *requests;
static long   n_requests, next_request, ended;
static double between, spent;
static bool   mixed, traced;
static struct duo_alarm arrival, tick;

static void over(void *arg, enum duo_flow_end end, double carried)
{
    struct request *r = arg;
    (void)end, (void)carried;
    if (--r->left > 0) duo_net_start(net, r->left % 2 ? down[r->cell] : up[r->cell], r->bytes, over, r);
    else               ended++, spent += duo_clock_now(clock_);
}

static void arrive(void *arg)
{
    struct request *r = &requests[next_request++];
    r->cell  = (int)(duo_rng_unit(&rng) * CELLS);
    r->bytes = gsl_ran_exponential(&rng.gsl, 1e6);
    r->edge  = mixed && next_request % 2;
    if (r->edge) r->left = 1;
    spent -= duo_clock_now(clock_);
    duo_net_start(net, r->edge ? up_edge[r->cell] : up[r->cell], r->bytes, over, r);
    if (next_request < n_requests)
        duo_clock_set(clock_, &arrival, duo_clock_now(clock_) + gsl_ran_exponential(&rng.gsl, between), arrive, arg);
}

static void change(void *arg)
{
    for (int i = 0; i < CELLS; i++) duo_net_capacity(net, cell_up[i], CELL * (0.5 + duo_rng_unit(&rng)));
    if (ended < n_requests) duo_clock_set(clock_, &tick, duo_clock_now(clock_) + 0.1, change, arg);
}

static int one(const char *load, bool simgrid, long n)
{
    bool wan;
    mixed  = load[0] == 'm';
    traced = load[0] == 't';
    wan    = load[0] == 'w' || mixed;
    n_requests = n ? n : wan ? 100000 : 1000000;
    between    = wan ? 1e6 / WAN / 1.08 / (mixed ? 2 : 1) : 1 / 800.0;
    requests   = calloc((size_t)n_requests, sizeof *requests);
    for (long i = 0; i < n_requests; i++) requests[i].left = wan ? 2 : 3;
    duo_rng_init(&rng, 1, "bench", 0);

    struct duo_err err = { 0 };
    clock_ = duo_clock_new();
    if (duo_net_new(&net, simgrid ? DUO_NET_SIMGRID : DUO_NET_FLUID, clock_, 1, &err) != DUO_OK) {
        duo_err_print(stderr, &err, false);
        return 2;
    }
    duo_link wan_up = duo_net_add_link(net, "wan up", wan ? WAN : INFINITY);
    duo_link wan_down = duo_net_add_link(net, "wan down", wan ? WAN : INFINITY);
    for (int i = 0; i < CELLS; i++) {
        cell_up[i] = duo_net_add_link(net, "up", CELL);
        duo_link cell_down = duo_net_add_link(net, "down", CELL);
        up[i]      = duo_net_add_route(net, (duo_link[]){ cell_up[i], wan_up }, 2);
        down[i]    = duo_net_add_route(net, (duo_link[]){ cell_down, wan_down }, 2);
        up_edge[i] = duo_net_add_route(net, &cell_up[i], 1);
    }
    if (duo_net_seal(net, &err) != DUO_OK) return 2;
    duo_clock_set(clock_, &arrival, 0, arrive, NULL);
    if (traced) duo_clock_set(clock_, &tick, 0, change, NULL);
    clock_t start = clock();
    duo_net_run(net, INFINITY, NULL);
    double s = (double)(clock() - start) / CLOCKS_PER_SEC;
    struct duo_net_stats stats = duo_net_stats(net);
    printf("%-7s %-7s %8ld requests, %8llu flows, at most %5d at once: %7.2f s, %6.2f us a flow; mean %.10g s, end %.10g s\n",
           load, simgrid ? "simgrid" : "fluid", ended, (unsigned long long)stats.flows, stats.peak, s, 1e6 * s / (double)stats.flows,
           spent / (double)ended, duo_clock_now(clock_));
    duo_net_free(net);
    duo_clock_free(clock_);
    free(requests);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct { const char *load; bool simgrid; long n; } all[] = {
        { "cells", false, 0 }, { "wan", false, 0 }, { "mixed", false, 0 }, { "traced", false, 0 },
        { "cells", true, 100000 }, { "wan", true, 10000 }, { "mixed", true, 10000 }, { "traced", true, 100000 },
    };
    if (argc > 1) return one(argv[1], argc > 2 && argv[2][0] == 's', argc > 3 ? atol(argv[3]) : 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {    /* SimGrid: one network a process */
        int status = 0;
        if (all[i].simgrid && !duo_net_has_simgrid()) continue;
        pid_t child = fork();
        if (child == 0) exit(one(all[i].load, all[i].simgrid, all[i].n));
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 3;
    }
    return 0;
}
