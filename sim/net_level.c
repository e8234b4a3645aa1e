/* net_level.c - the max-min fair levels of links that couple routes.
 *
 * A coupling link's plain routes, which have no other, lie on two sides: the capped run at their own capacity, the
 * bound share what is left:
 *     level = (capacity - used by the capped - taken by tangled routes bound elsewhere) / (sharers + open)
 * It is max-min fair when every capped route's share is at most the level and every bound one's at least that.  Moving
 * a capped route with a larger share, or a bound one with a smaller, raises the level either way, so that no route
 * moves more than twice; from one event to the next few move at all.
 *
 * Tangled routes and their links are filled in rising order of the links' levels.  While a tangled route is open, it
 * is counted as a sharer of all its links, so that levels are too low rather than too high: the least is right. */
#include <assert.h>
#include <math.h>

#include "sim/net_fluid.h"

/* Nearer than rounding can tell, nobody moves: else routes at the level would go to and fro. */
#define CLOSE   1e-13            /* of what is left */
#define ROUNDED 1e-15            /* of the capacity */

enum { OPEN = -2 };

/* --- sides ---------------------------------------------------------------------------------------------------- */

void duo_fluid_forget(struct duo_fluid *x, int32_t id)
{
    struct duo_fluid_route *r = &x->routes[id];
    struct duo_fluid_link  *l = &x->links[r->side_link];
    if (r->side == DUO_BOUND) {
        l->sharers -= r->held_n;
        duo_heap_drop(&l->bound, x->side_place, id);
    } else {
        l->capped_n -= r->held_n;
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
    } else {
        l->capped_n += r->n - r->held_n;
        l->used     += r->most - r->held_most;
        duo_heap_put(&l->capped, x->side_place, id, -r->share);
    }
    r->side      = side;
    r->side_link = link;
    r->held_n    = r->n;
    r->held_most = r->most;
    if (!r->moved) x->moved[x->n_moved++] = id;
    r->moved = true;
}

void duo_fluid_refresh(struct duo_fluid *x, int32_t id, int32_t link)
{
    enum duo_fluid_side side = x->routes[id].side;
    put_side(x, id, link, side == DUO_NO_SIDE ? DUO_BOUND : side);
}

static void cross(struct duo_fluid *x, int32_t id, int32_t link, enum duo_fluid_side side)
{
    duo_fluid_forget(x, id);
    put_side(x, id, link, side);
}

/* The link's level as things stand, plain routes on their right sides. */
static double balance(struct duo_fluid *x, int32_t link)
{
    struct duo_fluid_link *l = &x->links[link];
    for (;;) {
        int64_t n    = l->sharers + l->open;
        double  left = l->capacity - l->used - l->taken;
        double  room = CLOSE * fabs(left) + ROUNDED * l->capacity;
        if (l->bound.n && l->bound.at[1].key * (double)n < left - room)          cross(x, l->bound.at[1].id, link, DUO_CAPPED);
        else if (l->capped.n && -l->capped.at[1].key * (double)n > left + room)  cross(x, l->capped.at[1].id, link, DUO_BOUND);
        else return n ? left / (double)n : INFINITY;
    }
}

/* --- tangled links -------------------------------------------------------------------------------------------- */

/* All that hangs together with `link`, into part_links and part_routes. */
static void gather(struct duo_fluid *x, int32_t link)
{
    x->round++;
    x->n_part_links = x->n_part_routes = 0;
    x->part_links[x->n_part_links++] = link;
    x->links[link].round = x->round;
    for (int32_t k = 0; k < x->n_part_links; k++) {
        struct duo_fluid_link *l = &x->links[x->part_links[k]];
        l->taken = 0;
        l->open  = 0;
        for (struct duo_fluid_hop *h = l->tangled; h; h = h->after) {
            struct duo_fluid_route *r = &x->routes[h->route];
            l->open += r->n;
            if (r->round == x->round) continue;
            r->round = x->round;
            r->bound = OPEN;
            x->part_routes[x->n_part_routes++] = h->route;
            for (int32_t i = 0; i < r->n_hops; i++) {
                int32_t other = r->hops[i].link;
                if (!x->links[other].couples || x->links[other].round == x->round) continue;
                x->links[other].round = x->round;
                x->part_links[x->n_part_links++] = other;
            }
        }
    }
}

/* A tangled route's rate is known: its links have that much less for the others. */
static void settle_route(struct duo_fluid *x, struct duo_fluid_route *r, int32_t bound, double bytes_per_s)
{
    r->bound = bound;
    for (int32_t i = 0; i < r->n_hops; i++) {
        int32_t link = r->hops[i].link;
        struct duo_fluid_link *l = &x->links[link];
        if (!l->couples || link == bound) continue;
        l->taken += bytes_per_s;
        l->open  -= r->n;
        if (l->open == 0) duo_heap_drop(&x->shares, x->share_place, link);
    }
}

/* The link with the least level is next.  Open routes there that can't use it go at their own capacity; when there
 * are none, the others are bound by this link.  Levels of the links that remain only rise: a stale one, or a lower
 * bound, is seen when it is the least. */
static void fill(struct duo_fluid *x)
{
    double last = 0;
    for (int32_t k = 0; k < x->n_part_links; k++) {
        struct duo_fluid_link *l = &x->links[x->part_links[k]];
        duo_heap_put(&x->shares, x->share_place, x->part_links[k],
                     l->capacity / (double)(l->sharers + l->capped_n + l->open));
        l->solved = -1;
    }
    while (x->shares.n > 0) {
        int32_t link = x->shares.at[1].id;
        struct duo_fluid_link *l = &x->links[link];
        double level = fmax(last, balance(x, link));
        if (level > x->shares.at[1].key) {
            duo_heap_put(&x->shares, x->share_place, link, level);
            if (x->shares.at[1].id != link) continue;
        }
        int64_t before = l->open;
        for (struct duo_fluid_hop *h = l->tangled; h; h = h->after) {
            struct duo_fluid_route *r = &x->routes[h->route];
            if (r->bound == OPEN && r->share < level) settle_route(x, r, DUO_NONE, r->most);
        }
        if (l->open < before) continue;
        for (struct duo_fluid_hop *h = l->tangled; h; h = h->after) {
            struct duo_fluid_route *r = &x->routes[h->route];
            if (r->bound == OPEN) settle_route(x, r, link, level * (double)r->n);
        }
        l->solved = last = level;
        duo_heap_drop(&x->shares, x->share_place, link);
    }
}

/* --- both ----------------------------------------------------------------------------------------------------- */

/* Routes on a side get their dates; the others get theirs from fill. */
static void apply_moves(struct duo_fluid *x)
{
    for (int32_t k = 0; k < x->n_moved; k++) {
        int32_t id = x->moved[k];
        struct duo_fluid_route *r = &x->routes[id];
        r->moved = false;
        if (r->side == DUO_BOUND)       duo_fluid_join(x, id, r->side_link);
        else if (r->side == DUO_CAPPED) duo_fluid_own(x, id);
    }
    x->n_moved = 0;
}

void duo_fluid_solve(struct duo_fluid *x, int32_t link)
{
    if (!x->links[link].waiting) return;    /* solved with another of its component */
    gather(x, link);
    if (x->n_part_routes > 0) fill(x);
    else                      x->links[link].solved = -1;
    for (int32_t k = 0; k < x->n_part_links; k++) {
        struct duo_fluid_link *l = &x->links[x->part_links[k]];
        if (l->solved < 0) l->solved = balance(x, x->part_links[k]);    /* all its tangled routes are bound elsewhere */
        l->waiting = false;
    }
    apply_moves(x);
    for (int32_t k = 0; k < x->n_part_routes; k++) {
        int32_t id = x->part_routes[k];
        if (x->routes[id].bound == DUO_NONE) duo_fluid_own(x, id);
        else                                 duo_fluid_join(x, id, x->routes[id].bound);
    }
    for (int32_t k = 0; k < x->n_part_links; k++) duo_fluid_level(x, x->part_links[k], x->links[x->part_links[k]].solved);
}
