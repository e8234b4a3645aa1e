/* net.c - flows over shared links: what both carriers have in common. */
#include "sim/net.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/net_inside.h"

enum { BLOCK = 1024 };           /* flows allocated at once */

/* --- making --------------------------------------------------------------------------------------------------- */

bool duo_net_has_simgrid(void)
{
#ifdef DUO_HAVE_SIMGRID
    return true;
#else
    return false;
#endif
}

const char *duo_net_version(enum duo_net_kind kind)
{
#ifdef DUO_HAVE_SIMGRID
    if (kind != DUO_NET_FLUID) return duo_simgrid_version();
#endif
    return kind == DUO_NET_SIMGRID ? "none" : "fluid";
}

static const struct duo_carrier *choose(enum duo_net_kind kind, struct duo_err *err)
{
    if (kind == DUO_NET_FLUID) return &duo_fluid;
#ifdef DUO_HAVE_SIMGRID
    if (!duo_simgrid_taken()) return &duo_simgrid;
    if (kind == DUO_NET_AUTO) return &duo_fluid;
    duo_fail(err, DUO_RUN_FAILED, "SimGrid can carry one network a process, and this process has had its own");
    return NULL;
#else
    if (kind == DUO_NET_AUTO) return &duo_fluid;
    duo_fail(err, DUO_BAD_INPUT, "this duosim was built without SimGrid; use the fluid network");
    return NULL;
#endif
}

enum duo_status duo_net_new(struct duo_net **out, enum duo_net_kind kind, struct duo_clock *clock, double detect,
                            struct duo_err *err)
{
    *out = NULL;
    const struct duo_carrier *carrier = choose(kind, err);
    if (!carrier) return duo_net_has_simgrid() ? DUO_RUN_FAILED : DUO_BAD_INPUT;
    assert(detect >= 0);
    struct duo_net *net = duo_new(1, sizeof *net);
    net->carrier = carrier;
    net->clock   = clock;
    net->detect  = detect;
    *out = net;
    return DUO_OK;
}

void duo_net_free(struct duo_net *net)
{
    if (!net) return;
    if (net->own) net->carrier->close(net);
    for (int32_t i = 0; i < net->n_links; i++) {
        free(net->links[i].name);
        free(net->links[i].routes);
    }
    for (int32_t i = 0; i < net->n_routes; i++) free(net->routes[i].links);
    for (int32_t i = 0; i < net->n_blocks; i++) {
        for (int32_t k = 0; k < BLOCK; k++) duo_clock_cancel(net->clock, &net->blocks[i][k].alarm);
        free(net->blocks[i]);
    }
    free(net->blocks);
    free(net->over);
    free(net->links);
    free(net->routes);
    free(net);
}

duo_link duo_net_add_link(struct duo_net *net, const char *name, double capacity)
{
    assert(!net->sealed && capacity >= 0);
    if ((net->n_links & (net->n_links - 1)) == 0)
        net->links = duo_grow(net->links, net->n_links ? 2 * (size_t)net->n_links : 1, sizeof *net->links);
    net->links[net->n_links] = (struct duo_net_link){
        .name = duo_copy(name), .capacity = capacity, .up = true, .limits = !isinf(capacity) };
    return net->n_links++;
}

duo_route duo_net_add_route(struct duo_net *net, const duo_link *links, int n)
{
    assert(!net->sealed && n >= 0);
    if ((net->n_routes & (net->n_routes - 1)) == 0)
        net->routes = duo_grow(net->routes, net->n_routes ? 2 * (size_t)net->n_routes : 1, sizeof *net->routes);
    struct duo_net_route *r = &net->routes[net->n_routes];
    *r = (struct duo_net_route){ .links = duo_new((size_t)n, sizeof *links), .n = n };
    for (int pass = 0, k = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++)
            if (net->links[links[i]].limits == (pass == 0)) {
                r->links[k++] = links[i];
                r->n_limits += pass == 0;
            }
    for (int i = 0; i < n; i++) {
        struct duo_net_link *l = &net->links[r->links[i]];
        if ((l->n_routes & (l->n_routes - 1)) == 0)
            l->routes = duo_grow(l->routes, l->n_routes ? 2 * (size_t)l->n_routes : 1, sizeof *l->routes);
        assert(l->n_routes == 0 || l->routes[l->n_routes - 1] != net->n_routes);    /* no link twice on a route */
        l->routes[l->n_routes++] = net->n_routes;
        r->empty += l->capacity <= 0;
    }
    return net->n_routes++;
}

enum duo_status duo_net_seal(struct duo_net *net, struct duo_err *err)
{
    assert(!net->sealed);
    net->sealed = true;
    return net->carrier->seal(net, err);
}

/* --- flows ---------------------------------------------------------------------------------------------------- */

static struct duo_flow *take(struct duo_net *net)
{
    if (!net->spare) {
        if ((net->n_blocks & (net->n_blocks - 1)) == 0)
            net->blocks = duo_grow(net->blocks, net->n_blocks ? 2 * (size_t)net->n_blocks : 1, sizeof *net->blocks);
        struct duo_flow *block = net->blocks[net->n_blocks++] = duo_new(BLOCK, sizeof *block);
        for (int i = BLOCK; i-- > 0;) {
            block[i].after = net->spare;
            net->spare     = &block[i];
        }
    }
    struct duo_flow *f = net->spare;
    net->spare = f->after;
    return f;
}

static void attach(struct duo_net *net, struct duo_flow *f)
{
    struct duo_net_route *r = &net->routes[f->route];
    f->state  = DUO_FLOW_CARRIED;
    f->before = r->last;
    f->after  = NULL;
    if (r->last) r->last->after = f;
    else         r->first = f;
    r->last = f;
}

static void detach(struct duo_net *net, struct duo_flow *f)
{
    struct duo_net_route *r = &net->routes[f->route];
    if (f->before) f->before->after = f->after;
    else           r->first = f->after;
    if (f->after) f->after->before = f->before;
    else          r->last = f->before;
}

static double left(struct duo_net *net, const struct duo_flow *f)
{
    if (f->state != DUO_FLOW_CARRIED) return 0;
    if (f->empty) return f->bytes;
    double x = net->carrier->left(net, f);
    return x < 0 ? 0 : x > f->bytes ? f->bytes : x;
}

/* The flow is gone; its bytes stand in the links' books. */
static void leave(struct duo_net *net, struct duo_flow *f, double carried)
{
    const struct duo_net_route *r = &net->routes[f->route];
    for (int32_t i = 0; i < r->n; i++) net->links[r->links[i]].carried += carried;
    duo_clock_cancel(net->clock, &f->alarm);
    f->after   = net->spare;
    net->spare = f;
    net->stats.active--;
}

static void tell(struct duo_net *net, struct duo_flow *f, double carried, enum duo_flow_end end)
{
    duo_flow_fn *fn = f->fn;
    void *arg = f->arg;
    leave(net, f, carried);
    fn(arg, end, carried);
}

static void end_at_once(void *flow)
{
    struct duo_flow *f = flow;
    tell(f->net, f, f->bytes, DUO_FLOW_DONE);
}

static void end_unreachable(void *flow)
{
    struct duo_flow *f = flow;
    struct duo_net  *net = f->net;
    double carried = f->bytes - left(net, f);
    if (!f->empty) net->carrier->stop(net, f);
    detach(net, f);
    tell(net, f, carried, DUO_FLOW_UNREACHABLE);
}

/* Requirement (6), which waits for a route that is down. */
static void at_once(struct duo_net *net, struct duo_flow *f)
{
    f->state = DUO_FLOW_AT_ONCE;
    duo_clock_set(net->clock, &f->alarm, duo_clock_now(net->clock), end_at_once, f);
}

static void watch(struct duo_net *net, struct duo_flow *f)
{
    duo_clock_set(net->clock, &f->alarm, duo_clock_now(net->clock) + net->detect, end_unreachable, f);
}

struct duo_flow *duo_net_start(struct duo_net *net, duo_route route, double bytes, duo_flow_fn *fn, void *arg)
{
    assert(net->sealed && route >= 0 && route < net->n_routes && bytes >= 0 && bytes < DUO_FLOW_MOST && fn);
    const struct duo_net_route *r = &net->routes[route];
    struct duo_flow *f = take(net);
    f->number = net->stats.flows++;
    f->route  = route;
    f->bytes  = bytes;
    f->fn     = fn;
    f->arg    = arg;
    f->net    = net;
    f->comm   = NULL;
    f->empty  = bytes <= 0 || r->n_limits == 0;
    if (++net->stats.active > net->stats.peak) net->stats.peak = net->stats.active;

    if (f->empty && r->down == 0) {
        at_once(net, f);
        return f;
    }
    attach(net, f);
    if (!f->empty)   net->carrier->start(net, f);
    if (r->down > 0) watch(net, f);
    return f;
}

double duo_net_cancel(struct duo_net *net, struct duo_flow *f)
{
    double carried = f->state == DUO_FLOW_AT_ONCE ? 0 : f->bytes - left(net, f);
    if (f->state == DUO_FLOW_CARRIED) {
        if (!f->empty) net->carrier->stop(net, f);
        detach(net, f);
    } else if (f->state == DUO_FLOW_OVER) {
        for (int32_t i = net->told; i < net->n_over; i++)
            if (net->over[i] == f) net->over[i] = NULL;
    }
    leave(net, f, carried);
    return carried;
}

double duo_net_carried(struct duo_net *net, const struct duo_flow *f)
{
    return f->state == DUO_FLOW_AT_ONCE ? 0 : f->bytes - left(net, f);
}

/* --- links that change ---------------------------------------------------------------------------------------- */

void duo_net_capacity(struct duo_net *net, duo_link link, double capacity)
{
    struct duo_net_link *l = &net->links[link];
    double before = l->capacity;
    assert(net->sealed && capacity >= 0);
    assert(l->limits ? !isinf(capacity) : isinf(capacity));
    if (capacity == before || !l->limits) return;
    if (capacity == 0)
        for (int32_t i = 0; i < l->n_routes; i++) {
            struct duo_net_route *r = &net->routes[l->routes[i]];
            if (!duo_net_halted(net, l->routes[i])) net->carrier->halt(net, l->routes[i]);
            r->empty++;
        }
    l->capacity = capacity;
    if (capacity > 0) net->carrier->capacity(net, link, before);
    if (before == 0)
        for (int32_t i = 0; i < l->n_routes; i++) {
            net->routes[l->routes[i]].empty--;
            if (!duo_net_halted(net, l->routes[i])) net->carrier->go(net, l->routes[i]);
        }
}

static int by_number(const void *a, const void *b)
{
    const struct duo_flow *x = *(struct duo_flow *const *)a, *y = *(struct duo_flow *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Requirement (3): those that lose their way now are watched, in order of their numbers. */
static void go_down(struct duo_net *net, struct duo_net_link *l)
{
    struct duo_flow **lost = NULL;
    size_t n = 0, room = 0;
    for (int32_t i = 0; i < l->n_routes; i++) {
        struct duo_net_route *r = &net->routes[l->routes[i]];
        if (!duo_net_halted(net, l->routes[i])) net->carrier->halt(net, l->routes[i]);
        if (r->down++ > 0) continue;
        for (struct duo_flow *f = r->first; f; f = f->after) {
            if (n == room) lost = duo_grow(lost, room = room ? 2 * room : 16, sizeof(struct duo_flow *));
            lost[n++] = f;
        }
    }
    if (n) qsort(lost, n, sizeof *lost, by_number);
    for (size_t i = 0; i < n; i++) watch(net, lost[i]);
    free(lost);
}

static void come_up(struct duo_net *net, struct duo_net_link *l)
{
    for (int32_t i = 0; i < l->n_routes; i++) {
        struct duo_net_route *r = &net->routes[l->routes[i]];
        if (--r->down > 0) continue;
        for (struct duo_flow *f = r->first, *after; f; f = after) {
            after = f->after;
            duo_clock_cancel(net->clock, &f->alarm);
            if (!f->empty) continue;
            detach(net, f);
            at_once(net, f);
        }
        if (r->empty == 0) net->carrier->go(net, l->routes[i]);
    }
}

void duo_net_updown(struct duo_net *net, duo_link link, bool up)
{
    struct duo_net_link *l = &net->links[link];
    assert(net->sealed);
    if (l->up == up) return;
    l->up = up;
    if (up) come_up(net, l);
    else    go_down(net, l);
}

double duo_net_rate(const struct duo_net *net, duo_route route)
{
    const struct duo_net_route *r = &net->routes[route];
    double least = INFINITY;
    for (int32_t i = 0; i < r->n; i++) least = fmin(least, net->links[r->links[i]].capacity);
    return r->down > 0 ? 0 : least;
}

bool   duo_net_up(const struct duo_net *net, duo_route route) { return net->routes[route].down == 0; }
double duo_net_link_bytes(const struct duo_net *net, duo_link link) { return net->links[link].carried; }

/* --- running -------------------------------------------------------------------------------------------------- */

/* A carrier's flow is at its end: it waits to be told, in order of its number. */
void duo_net_over(struct duo_net *net, struct duo_flow *f)
{
    detach(net, f);
    f->state = DUO_FLOW_OVER;
    if (net->n_over == net->over_room) {
        net->over_room = net->over_room ? 2 * net->over_room : 16;
        net->over = duo_grow(net->over, (size_t)net->over_room, sizeof(struct duo_flow *));
    }
    int32_t i = net->n_over++;
    for (; i > 0 && net->over[i - 1]->number > f->number; i--) net->over[i] = net->over[i - 1];
    net->over[i] = f;
}

/* Requirements (4) and (5). */
void duo_net_run(struct duo_net *net, double until, const bool *stop)
{
    assert(net->sealed && !isnan(until));
    while (!(stop && *stop)) {
        if (net->told == net->n_over) {
            net->told = net->n_over = 0;
            net->carrier->advance(net, fmin(duo_clock_head(net->clock), until));
        }
        double head = duo_clock_head(net->clock);
        if (net->told < net->n_over) {
            struct duo_flow *f = net->over[net->told++];
            if (f) tell(net, f, f->bytes, DUO_FLOW_DONE);
        } else if (head <= until && head < INFINITY) {
            duo_clock_ring(net->clock);
        } else {
            if (until < INFINITY && (head < INFINITY || net->stats.active > 0)) duo_clock_advance(net->clock, until);
            return;
        }
    }
}

struct duo_net_stats duo_net_stats(const struct duo_net *net) { return net->stats; }
