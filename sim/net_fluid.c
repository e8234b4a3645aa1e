/* net_fluid.c - flows as fluids: max-min fair rates, changed only where an event reaches.
 *
 * All flows of a route have the same rate, so a route keeps its *service*, the bytes that each of its flows has got
 * since the route was last idle; a flow ends when the service reaches its mark.  The route's flows lie in a heap by mark.
 *
 * What bounds a route is either its own least capacity, `most`, or a link that it shares.  A link couples its active
 * routes only when together they could ask for more than it has (the sum of their `most`); a link that has enough
 * is left alone, and a route without a coupling link is plain processor sharing.  All routes bound by the same link
 * run at its level, one rate a flow: they form its group, which has one service of its own and lies in the calendar of
 * ends with one date, so that a change of the level costs the same for 2 routes as for 1,000.
 *
 * Who is bound by its link and who by its own capacity is kept from event to event (net_level.c): only routes that
 * cross over are touched, and the few that have several coupling links and are solved by water-filling each time.
 *
 * Max-min fairness and water-filling: Bertsekas and Gallager, Data Networks, 2nd ed. 1992, 6.5.2. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/net_fluid.h"

/* --- heaps ---------------------------------------------------------------------------------------------------- */

static void settle(struct duo_heap *h, int32_t *place, int32_t i, struct duo_heap_item x)
{
    struct duo_heap_item *at = h->at;
    for (; i > 1 && x.key < at[i / 2].key; i /= 2) at[i] = at[i / 2], place[at[i].id] = i;
    for (int32_t k; (k = 2 * i) <= h->n; i = k) {
        if (k < h->n && at[k + 1].key < at[k].key) k++;
        if (x.key <= at[k].key) break;
        at[i] = at[k], place[at[i].id] = i;
    }
    at[i] = x;
    place[x.id] = i;
}

void duo_heap_put(struct duo_heap *h, int32_t *place, int32_t id, double key)
{
    int32_t i = place[id];
    if (i == 0) {
        if (h->n + 2 > h->room) {
            h->room = h->room ? 2 * h->room : 8;
            h->at   = duo_grow(h->at, (size_t)h->room, sizeof *h->at);
        }
        i = ++h->n;
    } else if (h->at[i].key == key) {
        return;
    }
    settle(h, place, i, (struct duo_heap_item){ key, id });
}

void duo_heap_drop(struct duo_heap *h, int32_t *place, int32_t id)
{
    int32_t i = place[id];
    assert(i > 0 && i <= h->n && h->at[i].id == id);
    place[id] = 0;
    struct duo_heap_item last = h->at[h->n--];
    if (i <= h->n) settle(h, place, i, last);
}

/* The same for a route's flows. */
static void settle_flow(struct duo_fluid_route *r, int32_t i, struct duo_fluid_mark x)
{
    struct duo_fluid_mark *at = r->at;
    for (; i > 1 && x.mark < at[i / 2].mark; i /= 2) at[i] = at[i / 2], at[i].flow->place = i;
    for (int32_t k; (k = 2 * i) <= r->n; i = k) {
        if (k < r->n && at[k + 1].mark < at[k].mark) k++;
        if (x.mark <= at[k].mark) break;
        at[i] = at[k], at[i].flow->place = i;
    }
    at[i] = x;
    x.flow->place = i;
}

static void add_flow(struct duo_fluid_route *r, struct duo_flow *f)
{
    if (r->n + 2 > r->room) {
        r->room = r->room ? 2 * r->room : 4;
        r->at   = duo_grow(r->at, (size_t)r->room, sizeof *r->at);
    }
    r->n++;
    settle_flow(r, r->n, (struct duo_fluid_mark){ f->mark, f });
}

static void drop_flow(struct duo_fluid_route *r, const struct duo_flow *f)
{
    int32_t i = f->place;
    assert(i > 0 && i <= r->n && r->at[i].flow == f);
    struct duo_fluid_mark last = r->at[r->n--];
    if (i <= r->n) settle_flow(r, i, last);
}

/* --- service and dates ---------------------------------------------------------------------------------------- */

static double group_service(const struct duo_fluid_link *l, double now)
{
    return l->service + (now - l->since) * l->level;
}

static double service(const struct duo_fluid *x, const struct duo_fluid_route *r, double now)
{
    if (r->group != DUO_NONE) return group_service(&x->links[r->group], now) + r->offset;
    return r->service + (now - r->since) * r->rate;
}

/* A route's service, brought to now before anything about it changes. */
static void bring(struct duo_fluid *x, struct duo_fluid_route *r)
{
    r->service = service(x, r, x->now);
    r->since   = x->now;
}

static void leave_group(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    struct duo_fluid_link  *l = &x->links[r->group];
    int32_t link_id = x->n_routes + r->group;
    duo_heap_drop(&l->ends, x->place, id);
    r->group = DUO_NONE;
    if (l->ends.n > 0) return;
    if (x->place[link_id]) duo_heap_drop(&x->calendar, x->place, link_id);
    l->service = l->level = 0;
    l->since   = x->now;
}

/* Out of the calendar, with rate 0. */
static void rest(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    bring(x, r);
    if (r->group != DUO_NONE) leave_group(x, id);
    else if (x->place[id])    duo_heap_drop(&x->calendar, x->place, id);
    r->rate = 0;
    if (r->n == 0) r->service = 0;    /* nothing refers to it: keep it small and exact */
}

void duo_fluid_own(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    if (r->group == DUO_NONE && r->rate == r->share && r->top == r->at[1].mark && x->place[id]) return;
    bring(x, r);
    if (r->group != DUO_NONE) leave_group(x, id);
    r->rate = r->share;
    r->top  = r->at[1].mark;
    duo_heap_put(&x->calendar, x->place, id, x->now + fmax(0, r->top - r->service) / r->rate);
}

void duo_fluid_join(struct duo_fluid *x, int32_t id, int32_t link)
{
    struct duo_fluid_route *r = &x->routes[id];
    struct duo_fluid_link  *l = &x->links[link];
    if (r->group != link) {
        rest(x, id);
        r->group  = link;
        r->offset = r->service - group_service(l, x->now);
    }
    duo_heap_put(&l->ends, x->place, id, r->at[1].mark - r->offset);
}

void duo_fluid_level(struct duo_fluid *x, int32_t link, double level)
{
    struct duo_fluid_link *l = &x->links[link];
    int32_t id = x->n_routes + link;
    if (l->ends.n == 0) return;
    double head = l->ends.at[1].key;
    if (level == l->level && head == l->head && x->place[id]) return;
    l->service = group_service(l, x->now);
    l->since   = x->now;
    l->level   = level;
    l->head    = head;
    duo_heap_put(&x->calendar, x->place, id, x->now + fmax(0, head - l->service) / level);
}

/* --- who couples whom ----------------------------------------------------------------------------------------- */

static void note_route(struct duo_fluid *x, int32_t id)
{
    if (x->routes[id].noted) return;
    x->routes[id].noted = true;
    x->noted[x->n_noted++] = id;
}

static void note_link(struct duo_fluid *x, int32_t link)
{
    if (x->links[link].noted) return;
    x->links[link].noted = true;
    x->noted_links[x->n_noted_links++] = link;
}

static void wait(struct duo_fluid *x, int32_t link)
{
    if (x->links[link].waiting) return;
    x->links[link].waiting = true;
    x->waiting[x->n_waiting++] = link;
}

static void link_hop(struct duo_fluid_hop **list, struct duo_fluid_hop *h)
{
    h->before = NULL;
    h->after  = *list;
    if (*list) (*list)->before = h;
    *list = h;
}

static void unlink_hop(struct duo_fluid_hop **list, struct duo_fluid_hop *h)
{
    if (h->before) h->before->after = h->after;
    else           *list = h->after;
    if (h->after) h->after->before = h->before;
}

/* A route's hops stand in their links' lists according to how many of the links couple. */
static void enlist(struct duo_fluid *x, struct duo_fluid_route *r)
{
    r->coupled = 0;
    for (int32_t i = 0; i < r->n_hops; i++) r->coupled += x->links[r->hops[i].link].couples;
    for (int32_t i = 0; i < r->n_hops; i++) {
        struct duo_fluid_link *l = &x->links[r->hops[i].link];
        link_hop(l->couples && r->coupled > 1 ? &l->tangled : &l->plain, &r->hops[i]);
    }
}

static void delist(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    if (r->side != DUO_NO_SIDE) duo_fluid_forget(x, id);
    for (int32_t i = 0; i < r->n_hops; i++) {
        struct duo_fluid_link *l = &x->links[r->hops[i].link];
        unlink_hop(l->couples && r->coupled > 1 ? &l->tangled : &l->plain, &r->hops[i]);
    }
}

static void count_in(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    for (int32_t i = 0; i < r->n_hops; i++) {
        struct duo_fluid_link *l = &x->links[r->hops[i].link];
        l->demand += r->most;
        l->n_active++;
        note_link(x, r->hops[i].link);
    }
    enlist(x, r);
    r->active = true;
}

static void count_out(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    delist(x, id);
    for (int32_t i = 0; i < r->n_hops; i++) {
        struct duo_fluid_link *l = &x->links[r->hops[i].link];
        l->demand = --l->n_active ? l->demand - r->most : 0;
        note_link(x, r->hops[i].link);
    }
    r->active = false;
}

/* The test leaves room for the rounding of the running sum; a route alone on a link is bound by `most`. */
static bool should_couple(const struct duo_fluid_link *l)
{
    return l->n_active > 1 && l->demand > l->capacity * (1 + 1e-12);
}

static void flip(struct duo_fluid *x, int32_t link)
{
    struct duo_fluid_link *l = &x->links[link];
    int32_t n = 0, *ids = x->part_routes;
    for (struct duo_fluid_hop *h = l->plain; h; h = h->after) ids[n++] = h->route;
    for (struct duo_fluid_hop *h = l->tangled; h; h = h->after) ids[n++] = h->route;
    for (int32_t i = 0; i < n; i++) delist(x, ids[i]);
    l->couples = !l->couples;
    for (int32_t i = 0; i < n; i++) {
        enlist(x, &x->routes[ids[i]]);
        note_route(x, ids[i]);
    }
}

/* Carry what was noted into rates and dates. */
static void commit(struct duo_fluid *x)
{
    for (int32_t k = 0; k < x->n_noted_links; k++) {
        int32_t link = x->noted_links[k];
        struct duo_fluid_link *l = &x->links[link];
        l->noted = false;
        if (should_couple(l) != l->couples) flip(x, link);
        if (l->couples) wait(x, link);
    }
    for (int32_t k = 0; k < x->n_noted; k++) {
        int32_t id = x->noted[k];
        struct duo_fluid_route *r = &x->routes[id];
        r->noted = false;
        if (!r->active) continue;
        r->share = r->most / (double)r->n;
        if (r->coupled == 0) duo_fluid_own(x, id);
        for (int32_t i = 0; r->coupled > 0 && i < r->n_hops; i++) {
            struct duo_fluid_link *l = &x->links[r->hops[i].link];
            if (!l->couples) continue;
            wait(x, r->hops[i].link);
            if (r->coupled == 1) duo_fluid_refresh(x, id, r->hops[i].link);
        }
    }
    for (int32_t k = 0; k < x->n_waiting; k++) duo_fluid_solve(x, x->waiting[k]);
    x->n_noted = x->n_noted_links = x->n_waiting = 0;
}

/* --- the carrier ---------------------------------------------------------------------------------------------- */

static enum duo_status seal(struct duo_net *net, struct duo_err *err)
{
    (void)err;
    struct duo_fluid *x = net->own = duo_new(1, sizeof *x);
    size_t nr = (size_t)net->n_routes, nl = (size_t)net->n_links, hops = 0;
    x->n_routes = net->n_routes;
    x->n_links  = net->n_links;
    x->routes = duo_new(nr, sizeof *x->routes);
    x->links  = duo_new(nl, sizeof *x->links);
    x->place       = duo_new(nr + nl, sizeof(int32_t));
    x->side_place  = duo_new(nr, sizeof(int32_t));
    x->share_place = duo_new(nl, sizeof(int32_t));
    x->noted       = duo_new(nr, sizeof(int32_t));
    x->part_routes = duo_new(nr, sizeof(int32_t));
    x->moved       = duo_new(nr, sizeof(int32_t));
    x->noted_links = duo_new(nl, sizeof(int32_t));
    x->part_links  = duo_new(nl, sizeof(int32_t));
    x->waiting     = duo_new(nl, sizeof(int32_t));
    for (size_t i = 0; i < nl; i++) x->links[i].capacity = net->links[i].capacity;
    for (size_t i = 0; i < nr; i++) hops += (size_t)net->routes[i].n_limits;
    struct duo_fluid_hop *h = x->hops = duo_new(hops, sizeof *h);
    for (int32_t i = 0; i < net->n_routes; i++) {
        struct duo_fluid_route *r = &x->routes[i];
        r->group  = DUO_NONE;
        r->hops   = h;
        r->n_hops = net->routes[i].n_limits;
        r->most   = INFINITY;
        for (int32_t k = 0; k < r->n_hops; k++) {
            *h++ = (struct duo_fluid_hop){ .link = net->routes[i].links[k], .route = i };
            r->most = fmin(r->most, net->links[net->routes[i].links[k]].capacity);
        }
    }
    return DUO_OK;
}

static void shut(struct duo_net *net)
{
    struct duo_fluid *x = net->own;
    for (int32_t i = 0; i < x->n_routes; i++) free(x->routes[i].at);
    for (int32_t i = 0; i < x->n_links; i++) {
        free(x->links[i].ends.at);
        free(x->links[i].bound.at);
        free(x->links[i].capped.at);
    }
    free(x->calendar.at), free(x->shares.at);
    free(x->place), free(x->side_place), free(x->share_place);
    free(x->noted), free(x->noted_links), free(x->waiting), free(x->part_routes), free(x->part_links), free(x->moved);
    free(x->hops), free(x->links), free(x->routes);
    free(x);
}

static struct duo_fluid *at_now(struct duo_net *net)
{
    struct duo_fluid *x = net->own;
    x->now = duo_clock_now(net->clock);
    return x;
}

static void start(struct duo_net *net, struct duo_flow *f)
{
    struct duo_fluid *x = at_now(net);
    struct duo_fluid_route *r = &x->routes[f->route];
    bring(x, r);
    f->mark = r->service + f->bytes;
    add_flow(r, f);
    if (duo_net_halted(net, f->route)) return;
    if (!r->active) count_in(x, f->route);
    note_route(x, f->route);
    commit(x);
}

static void take_out(struct duo_fluid *x, struct duo_flow *f)
{
    struct duo_fluid_route *r = &x->routes[f->route];
    bring(x, r);
    drop_flow(r, f);
    if (r->active && r->n > 0) {
        note_route(x, f->route);
        commit(x);
    } else if (r->active) {
        count_out(x, f->route);
        rest(x, f->route);
        commit(x);
    } else if (r->n == 0) {
        r->service = 0;
    }
}

static void stop(struct duo_net *net, struct duo_flow *f) { take_out(at_now(net), f); }

static double left(struct duo_net *net, const struct duo_flow *f)
{
    struct duo_fluid *x = net->own;
    return f->mark - service(x, &x->routes[f->route], duo_clock_now(net->clock));
}

static void halt(struct duo_net *net, duo_route id)
{
    struct duo_fluid *x = at_now(net);
    if (!x->routes[id].active) return;
    count_out(x, id);
    rest(x, id);
    commit(x);
}

static void go(struct duo_net *net, duo_route id)
{
    struct duo_fluid *x = at_now(net);
    if (x->routes[id].n == 0) return;
    bring(x, &x->routes[id]);
    count_in(x, id);
    note_route(x, id);
    commit(x);
}

static void capacity(struct duo_net *net, duo_link link, double before)
{
    (void)before;
    struct duo_fluid *x = at_now(net);
    x->links[link].capacity = net->links[link].capacity;
    note_link(x, link);
    for (int32_t k = 0; k < net->links[link].n_routes; k++) {
        int32_t id = net->links[link].routes[k];
        struct duo_fluid_route *r = &x->routes[id];
        double most = INFINITY;
        for (int32_t i = 0; i < r->n_hops; i++) most = fmin(most, net->links[r->hops[i].link].capacity);
        if (most == r->most) continue;
        for (int32_t i = 0; r->active && i < r->n_hops; i++) {
            x->links[r->hops[i].link].demand += most - r->most;
            note_link(x, r->hops[i].link);
        }
        r->most = most;
        if (r->active) note_route(x, id);
    }
    commit(x);
}

static void advance(struct duo_net *net, double limit)
{
    struct duo_fluid *x = net->own;
    if (x->calendar.n == 0 || x->calendar.at[1].key > limit + DUO_INSTANT) return;
    double date = fmin(x->calendar.at[1].key, limit);
    duo_clock_advance(net->clock, date);
    x->now = duo_clock_now(net->clock);
    while (x->calendar.n > 0 && x->calendar.at[1].key <= x->now + DUO_INSTANT) {
        int32_t id = x->calendar.at[1].id;
        if (id >= x->n_routes) id = x->links[id - x->n_routes].ends.at[1].id;
        struct duo_flow *f = x->routes[id].at[1].flow;
        take_out(x, f);
        duo_net_over(net, f);
    }
}

const struct duo_carrier duo_fluid = {
    .seal = seal, .close = shut, .start = start, .stop = stop, .left = left,
    .halt = halt, .go = go, .capacity = capacity, .advance = advance,
};
