/* world_net.c - a run's links, what their capacities do in time, and when they are out.
 *
 * (1) One link up and one down a cell, one up and one down WAN that all cells share.  A link without a limit is no
 *     link.  Capacity traces start at a random offset a cell where the scenario says so.
 * (2) A link is out while any of its outages is on. */
#include "sim/world.h"

#include <math.h>

static enum duo_status read_trace(const struct duo_line_spec *l, struct duo_capacity *t, struct duo_err *err)
{
    return l->trace ? duo_capacity_read(t, l->trace, l->format, 0, err) : DUO_OK;
}

static enum duo_status read_pings(const struct duo_rtt_spec *r, struct duo_rtt_trace *t, double *mean, struct duo_err *err)
{
    *mean = r->mean;
    if (!r->trace) return DUO_OK;
    DUO_TRY(duo_rtt_read(t, r->trace, err));
    *mean = t->mean;
    return DUO_OK;
}

enum duo_status duo_world_traces(struct duo_world *w, struct duo_err *err)
{
    const struct duo_scenario *s = w->scenario;

    DUO_TRY(read_trace(&s->cells.up, &w->up_trace, err));
    DUO_TRY(read_trace(&s->cells.down, &w->down_trace, err));
    DUO_TRY(read_trace(&s->wan.up, &w->wan_up_trace, err));
    DUO_TRY(read_trace(&s->wan.down, &w->wan_down_trace, err));
    DUO_TRY(read_pings(&s->cells.rtt, &w->cells_pings, &w->cells_rtt, err));
    return read_pings(&s->wan.rtt, &w->wan_pings, &w->wan_rtt, err);
}

static duo_link add_link(struct duo_world *w, const char *name, const struct duo_line_spec *l, const struct duo_capacity *t, uint64_t index)
{
    struct duo_ticker *k;
    double offset = 0;
    duo_link link;
    int i = 0;

    if (!l->trace) return duo_net_add_link(w->net, name, l->rate);
    if (l->random_offset) offset = t->period * duo_draw(w->spec->seed, name, index);
    while (i + 1 < t->n && t->at[i + 1] <= offset) i++;
    link = duo_net_add_link(w->net, name, t->rate[i]);
    k = &w->tickers[w->n_tickers++];
    *k = (struct duo_ticker){ .world = w, .trace = t, .link = link, .index = i, .base = -offset };
    return link;
}

static duo_route add_route(struct duo_world *w, duo_link a, duo_link b)
{
    duo_link links[2];
    int n = 0;

    if (a >= 0) links[n++] = a;
    if (b >= 0) links[n++] = b;
    return duo_net_add_route(w->net, links, n);
}

enum duo_status duo_world_links(struct duo_world *w, struct duo_err *err)
{
    const struct duo_scenario *s = w->scenario;
    const struct duo_wan_spec *wan = &s->wan;
    bool has_wan = isfinite(wan->up.rate) || isfinite(wan->down.rate) || wan->up.trace || wan->down.trace;
    duo_link up = -1, down = -1;
    char name[64];

    for (int i = 0; i < s->cells.n_outages; i++) has_wan |= s->cells.outages[i].wan;

    w->clock = duo_clock_new();
    DUO_TRY(duo_net_new(&w->net, w->spec->net, w->clock, s->transport.detect, err));
    w->tickers = duo_new((size_t)(2 * s->cells.count + 2), sizeof *w->tickers);
    if (has_wan) {
        up = add_link(w, "wan.up", &wan->up, &w->wan_up_trace, 0);
        down = add_link(w, "wan.down", &wan->down, &w->wan_down_trace, 0);
    }
    w->wan_up_link = up, w->wan_down_link = down;
    w->wan_up = add_route(w, up, -1), w->wan_down = add_route(w, down, -1);
    w->cells = duo_new((size_t)s->cells.count, sizeof *w->cells);
    for (int64_t i = 0; i < s->cells.count; i++) {
        struct duo_radio_cell *c = &w->cells[i];
        snprintf(name, sizeof name, "cell%lld.up", (long long)i);
        c->up_link = add_link(w, name, &s->cells.up, &w->up_trace, (uint64_t)i);
        snprintf(name, sizeof name, "cell%lld.down", (long long)i);
        c->down_link = add_link(w, name, &s->cells.down, &w->down_trace, (uint64_t)i);
        c->up = add_route(w, c->up_link, -1), c->down = add_route(w, c->down_link, -1);
        c->up_wan   = up   >= 0 ? add_route(w, c->up_link, up)     : c->up;
        c->down_wan = down >= 0 ? add_route(w, down, c->down_link) : c->down;
    }
    return duo_net_seal(w->net, err);
}

static void tick(void *arg)
{
    struct duo_ticker *k = arg;
    struct duo_world *w = k->world;
    const struct duo_capacity *t = k->trace;

    if (++k->index == t->n) k->index = 0, k->base += t->period;
    w->periodic++;
    duo_net_capacity(w->net, k->link, t->rate[k->index]);
    duo_clock_set(w->clock, &k->alarm, k->base + (k->index + 1 < t->n ? t->at[k->index + 1] : t->period), tick, k);
}

/* (2).  `cell` -1: the WAN. */
static bool is_out(const struct duo_world *w, int64_t cell)
{
    const struct duo_cells_spec *c = &w->scenario->cells;
    double now = duo_clock_now(w->clock);

    for (int i = 0; i < c->n_outages; i++) {
        const struct duo_outage *o = &c->outages[i];
        if (o->wan == (cell < 0) && (o->wan || o->cell < 0 || o->cell == cell) && o->from <= now && now < o->to) return true;
    }
    return false;
}

static void outage(void *arg)
{
    struct duo_outage_alarm *a = arg;
    struct duo_world *w = a->world;
    const struct duo_outage *o = a->outage;

    if (o->wan) {
        bool up = !is_out(w, -1);
        duo_net_updown(w->net, w->wan_up_link, up);
        duo_net_updown(w->net, w->wan_down_link, up);
    }
    for (int64_t i = 0; !o->wan && i < w->scenario->cells.count; i++)
        if (o->cell < 0 || o->cell == i) {
            bool up = !is_out(w, i);
            duo_net_updown(w->net, w->cells[i].up_link, up);
            duo_net_updown(w->net, w->cells[i].down_link, up);
        }
    if (a->over) return;
    a->over = true;
    if (isfinite(o->to)) duo_clock_set(w->clock, &a->alarm, o->to, outage, a);
}

void duo_world_links_start(struct duo_world *w)
{
    const struct duo_cells_spec *c = &w->scenario->cells;

    for (int i = 0; i < w->n_tickers; i++) {
        struct duo_ticker *k = &w->tickers[i];
        if (k->trace->n == 1) continue;
        duo_clock_set(w->clock, &k->alarm, k->base + (k->index + 1 < k->trace->n ? k->trace->at[k->index + 1] : k->trace->period), tick, k);
    }
    w->n_outages = c->n_outages;
    w->outages = duo_new((size_t)c->n_outages + 1, sizeof *w->outages);
    for (int i = 0; i < c->n_outages; i++) {
        w->outages[i] = (struct duo_outage_alarm){ .world = w, .outage = &c->outages[i] };
        duo_clock_set(w->clock, &w->outages[i].alarm, c->outages[i].from, outage, &w->outages[i]);
    }
}
