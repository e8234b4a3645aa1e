/* net_level.c - the max-min fair level of links that couple routes. */
#include <assert.h>
#include <math.h>

#include "sim/net_fluid.h"

/* Shares nearer than this to the level are at it, so that rounding moves nobody to and fro. */
#define CLOSE 1e-13

/* --- one link whose routes have no other coupling link ----------------------------------------------------------
 *
 * Capped routes run at their own capacity, the bound ones share what is left: level = (capacity - used) / sharers.
 * It is max-min fair when every capped route's share is at most the level, every bound one's at least that.  Moving
 * a capped route with a larger share, or a bound one with a smaller, raises the level either way, so that no route
 * moves more than twice. */

static void take_side(struct duo_fluid *x, int32_t id, struct duo_fluid_link *l)
{
    struct duo_fluid_route *r = &x->routes[id];
    if (r->side == DUO_BOUND) {
        l->sharers -= r->held_n;
        duo_heap_drop(&l->bound, x->side_place, id);
    } else {
        duo_heap_drop(&l->capped, x->side_place, id);
        l->used = l->capped.n ? l->used - r->held_most : 0;
    }
    r->side = DUO_NO_SIDE;
}

static void put_side(struct duo_fluid *x, int32_t id, int32_t link, enum duo_fluid_side side)
{
    struct duo_fluid_route *r = &x->routes[id];
    struct duo_fluid_link  *l = &x->links[link];
    if (r->side == DUO_NO_SIDE) r->held_n = 0, r->held_most = 0;
    if (side == DUO_BOUND) {
        l->sharers += r->n - r->held_n;
        duo_heap_put(&l->bound, x->side_place, id, r->share);
        duo_fluid_join(x, id, link);
    } else {
        l->used += r->most - r->held_most;
        duo_heap_put(&l->capped, x->side_place, id, -r->share);
        duo_fluid_own(x, id);
    }
    r->side      = side;
    r->held_n    = r->n;
    r->held_most = r->most;
}

void duo_fluid_refresh(struct duo_fluid *x, int32_t id, int32_t link)
{
    enum duo_fluid_side side = x->routes[id].side;
    put_side(x, id, link, side == DUO_NO_SIDE ? DUO_BOUND : side);
}

void duo_fluid_forget(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    for (int32_t i = 0; i < r->n_hops; i++)
        if (x->links[r->hops[i].link].alone && x->links[r->hops[i].link].couples) {
            take_side(x, id, &x->links[r->hops[i].link]);
            return;
        }
    assert(false);
}

static void empty_side(struct duo_fluid *x, struct duo_heap *h)
{
    for (int32_t i = 1; i <= h->n; i++) {
        x->side_place[h->at[i].id] = 0;
        x->routes[h->at[i].id].side = DUO_NO_SIDE;
    }
    h->n = 0;
}

void duo_fluid_dissolve(struct duo_fluid *x, int32_t link)
{
    struct duo_fluid_link *l = &x->links[link];
    empty_side(x, &l->bound);
    empty_side(x, &l->capped);
    l->used    = 0;
    l->sharers = 0;
    l->alone   = false;
}

static void solve_alone(struct duo_fluid *x, int32_t link)
{
    struct duo_fluid_link *l = &x->links[link];
    if (!l->alone) {
        l->alone = true;
        for (struct duo_fluid_hop *h = l->active; h; h = h->after)
            put_side(x, h->route, link, x->routes[h->route].group == link ? DUO_BOUND : DUO_CAPPED);
    }
    for (;;) {
        double level = l->sharers ? (l->capacity - l->used) / (double)l->sharers : -1;
        if (l->bound.n && l->bound.at[1].key < level * (1 - CLOSE)) {
            int32_t id = l->bound.at[1].id;
            take_side(x, id, l);
            put_side(x, id, link, DUO_CAPPED);
        } else if (l->capped.n && -l->capped.at[1].key > level * (1 + CLOSE)) {
            int32_t id = l->capped.at[1].id;
            take_side(x, id, l);
            put_side(x, id, link, DUO_BOUND);
        } else {
            duo_fluid_level(x, link, level);
            return;
        }
    }
}

/* --- a component of links tangled by routes with several of them ------------------------------------------------ */

/* All that hangs together with `link`, into part_links and part_routes. */
static void gather(struct duo_fluid *x, int32_t link)
{
    x->round++;
    x->n_part_links = x->n_part_routes = 0;
    x->part_links[x->n_part_links++] = link;
    x->links[link].round = x->round;
    for (int32_t k = 0; k < x->n_part_links; k++) {
        struct duo_fluid_link *l = &x->links[x->part_links[k]];
        if (l->alone) duo_fluid_dissolve(x, x->part_links[k]);
        l->left  = l->capacity;
        l->count = 0;
        for (struct duo_fluid_hop *h = l->active; h; h = h->after) {
            struct duo_fluid_route *r = &x->routes[h->route];
            l->count += r->n;
            if (r->round == x->round) continue;
            r->round = x->round;
            r->bound = -2;    /* not known yet */
            x->part_routes[x->n_part_routes++] = h->route;
            for (int32_t i = 0; r->coupled > 1 && i < r->n_hops; i++) {
                int32_t other = r->hops[i].link;
                if (!x->links[other].couples || x->links[other].round == x->round) continue;
                x->links[other].round = x->round;
                x->part_links[x->n_part_links++] = other;
            }
        }
    }
}

/* A route's rate is known: its links have that much less for the others. */
static void settle_route(struct duo_fluid *x, struct duo_fluid_route *r, int32_t bound, double bytes_per_s)
{
    r->bound = bound;
    for (int32_t i = 0; i < r->n_hops; i++) {
        struct duo_fluid_link *l = &x->links[r->hops[i].link];
        if (!l->couples) continue;
        l->left  -= bytes_per_s;
        l->count -= r->n;
        if (l->count == 0) duo_heap_drop(&x->shares, x->share_place, r->hops[i].link);
    }
}

/* The link with the least share is next.  Routes there that can't use it go at their own capacity; when none are
 * left, the others are bound by this link.  Shares of the links that remain only rise: a stale one is seen when it
 * is the least. */
static void fill(struct duo_fluid *x)
{
    double last = 0;
    for (int32_t k = 0; k < x->n_part_links; k++) {
        struct duo_fluid_link *l = &x->links[x->part_links[k]];
        duo_heap_put(&x->shares, x->share_place, x->part_links[k], l->left / (double)l->count);
    }
    while (x->shares.n > 0) {
        int32_t link = x->shares.at[1].id;
        struct duo_fluid_link *l = &x->links[link];
        double share = fmax(last, l->left / (double)l->count);
        if (share > x->shares.at[1].key) {
            duo_heap_put(&x->shares, x->share_place, link, share);
            if (x->shares.at[1].id != link) continue;
        }
        int64_t before = l->count;
        for (struct duo_fluid_hop *h = l->active; h; h = h->after) {
            struct duo_fluid_route *r = &x->routes[h->route];
            if (r->bound == -2 && r->share < share) settle_route(x, r, DUO_NONE, r->most);
        }
        if (l->count < before) continue;
        for (struct duo_fluid_hop *h = l->active; h; h = h->after) {
            struct duo_fluid_route *r = &x->routes[h->route];
            if (r->bound == -2) settle_route(x, r, link, share * (double)r->n);
        }
        l->left = last = share;    /* its level, from here on */
    }
}

static void solve_tangle(struct duo_fluid *x, int32_t link)
{
    gather(x, link);
    fill(x);
    for (int32_t k = 0; k < x->n_part_routes; k++) {
        int32_t id = x->part_routes[k];
        if (x->routes[id].bound == DUO_NONE) duo_fluid_own(x, id);
        else                                 duo_fluid_join(x, id, x->routes[id].bound);
    }
    for (int32_t k = 0; k < x->n_part_links; k++) {
        struct duo_fluid_link *l = &x->links[x->part_links[k]];
        duo_fluid_level(x, x->part_links[k], l->left);
        l->waiting = false;
    }
}

void duo_fluid_solve(struct duo_fluid *x, int32_t link)
{
    struct duo_fluid_link *l = &x->links[link];
    if (!l->waiting) return;    /* solved with another of its component */
    l->waiting = false;
    if (l->tangled) solve_tangle(x, link);
    else            solve_alone(x, link);
}
