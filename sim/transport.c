/* transport.c - see transport.h. */
#include "sim/transport.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

#include "sim/device.h"
#include "sim/request.h"

struct way { enum duo_site from, to; bool cell, wan; };    /* crosses a cell; one of them is behind the WAN */

struct duo_message {
    struct duo_world   *world;
    struct duo_request *request;
    struct duo_message *next_spare;
    struct duo_alarm    alarm;
    struct duo_flow    *flow;
    duo_arrival_fn     *fn;
    void               *arg;
    double              bytes, began;      /* of the flow */
    double              moved, mark;       /* by the radio, which it has to itself or shares */
    double              delay, wait;       /* propagation; of a window that grows */
    uint64_t            number;            /* of its draws */
    struct duo_message *ahead, *behind;    /* in the device's queue */
    duo_route           route;
    int                 from, to;
    struct way          way;
    bool                held, held_back;   /* now; from the beginning */
    bool                carried, local, on_air, numbered, queued, waiting;
};

static struct duo_message *take(struct duo_world *w)
{
    struct duo_message *m = w->spare_messages;

    if (!m) {
        enum { BLOCK = 64 };
        m = duo_new(BLOCK, sizeof *m);
        m[0].next_spare = NULL, m[0].local = true;         /* the first of a block carries it: freed at the end */
        for (int i = BLOCK - 1; i > 0; i--) m[i].next_spare = w->spare_messages, w->spare_messages = &m[i];
        duo_world_keep(w, m);
        m = w->spare_messages;
    }
    w->spare_messages = m->next_spare;
    *m = (struct duo_message){ .world = w };
    return m;
}

static void give(struct duo_message *m)
{
    m->next_spare = m->world->spare_messages;
    m->world->spare_messages = m;
}

/* ---- the way (1) */

static struct way way_of(const struct duo_world *w, int from, int to)
{
    struct way x = { duo_node_site(w, from), duo_node_site(w, to), false, false };

    x.cell = x.from != x.to && (x.from == DUO_SITE_DEVICE || x.to == DUO_SITE_DEVICE);
    x.wan = (x.from <= DUO_SITE_EDGE) != (x.to <= DUO_SITE_EDGE);
    return x;
}

static double places_delay(const struct duo_world *w, int from, int to)
{
    return from == to ? 0 : (from > 0 ? w->places[from].delay : 0) + (to > 0 ? w->places[to].delay : 0);
}

double duo_transport_delay(const struct duo_world *w, int from, int to)
{
    struct way x = way_of(w, from, to);

    return places_delay(w, from, to) + (x.cell ? w->cells_rtt / 2 : 0) + (x.wan ? w->wan_rtt / 2 : 0);
}

static duo_route route_of(const struct duo_world *w, const struct duo_request *r, struct way x)
{
    enum duo_site a = x.from, b = x.to;
    const struct duo_radio_cell *c = &w->cells[r->row.cell];

    if (a == DUO_SITE_DEVICE) return b == DUO_SITE_EDGE ? c->up   : c->up_wan;
    if (b == DUO_SITE_DEVICE) return a == DUO_SITE_EDGE ? c->down : c->down_wan;
    if (a == DUO_SITE_EDGE)   return w->wan_up;
    if (b == DUO_SITE_EDGE)   return w->wan_down;
    return -1;                                             /* cloud and API: no link of ours between them */
}

static bool by_radio(const struct duo_message *m) { return !m->local && (m->from == DUO_DEVICE || m->to == DUO_DEVICE); }

static void pay_radio(struct duo_message *m, double joules)
{
    m->request->row.joules_radio += joules;
    if (!isnan(joules)) duo_device_spend(m->world, m->request->row.device, joules);
}

static void off_air(struct duo_message *m)                 /* (6) */
{
    struct duo_world *w = m->world;
    bool up = m->from == DUO_DEVICE;

    if (!m->on_air) return;
    m->on_air = false;
    pay_radio(m, duo_radio_end(&w->radio, &w->devices[m->request->row.device].radio, duo_clock_now(w->clock), m->mark, up ? m->moved : 0, up ? 0 : m->moved));
}

static void charge(struct duo_message *m, double bytes, bool whole)
{
    struct duo_world *w = m->world;
    struct duo_request *r = m->request;
    struct duo_device *d = &w->devices[r->row.device];
    double now = duo_clock_now(w->clock);

    if (!by_radio(m)) return;
    if (m->from == DUO_DEVICE) r->row.bytes_up   += bytes;         /* (5) */
    else                       r->row.bytes_down += bytes;
    m->moved += bytes;
    if (!m->held || !whole) off_air(m);
    if (now > d->contact) d->contact = now;
    if (whole && now > m->began && bytes > 0) {            /* what the device saw of its link */
        if (m->from == DUO_DEVICE) d->uplink   = (float)(bytes / (now - m->began));
        else                       d->downlink = (float)(bytes / (now - m->began));
        d->rtt = (float)(2 * m->delay);
    }
}

static void arrive(void *arg)
{
    struct duo_message *m = arg;
    duo_arrival_fn *fn = m->fn;
    void *a = m->arg;

    give(m);
    fn(a, true);
}

static void begin(void *);

static void begin(void *);

/* Draws of a message: one number for all of them. */
static uint64_t number_of(struct duo_message *m)
{
    if (!m->numbered) m->number = ((uint64_t)m->request->row.id << 20) + m->request->n_messages++;
    m->numbered = true;
    return m->number;
}

static double draw(struct duo_message *m, const char *stream) { return duo_draw(m->world->spec->seed, stream, number_of(m)); }

static bool is_fixed(const struct duo_rtt_spec *rtt) { return rtt->law.kind == DUO_FIXED && !rtt->trace; }

static double round_trip(struct duo_message *m, const struct duo_rtt_spec *rtt, const struct duo_rtt_trace *trace, const char *stream)
{
    struct duo_world *w = m->world;
    double at = duo_clock_now(w->clock);

    if (rtt->trace) {
        if (rtt->random_offset) at += trace->period * duo_draw(w->spec->seed, stream, (uint64_t)m->request->row.cell);
        return duo_rtt_at(trace, at);
    }
    if (rtt->law.kind == DUO_UNIFORM) return rtt->law.a + (rtt->law.b - rtt->law.a) * draw(m, stream);
    double spread = sqrt(log1p(rtt->law.b * rtt->law.b));
    return rtt->law.a * exp(spread * (gsl_cdf_ugaussian_Pinv((draw(m, stream) + 0x1p-54)) - spread / 2));
}

/* What the message will take beyond its flow, but for jitter and losses. */
static double delay_of(struct duo_message *m)
{
    const struct duo_world *w = m->world;
    const struct duo_scenario *s = w->scenario;
    double d = places_delay(w, m->from, m->to);

    if (m->way.cell) d += (is_fixed(&s->cells.rtt) ? w->cells_rtt : round_trip(m, &s->cells.rtt, &w->cells_pings, "rtt")) / 2;
    if (m->way.wan)  d += (is_fixed(&s->wan.rtt) ? w->wan_rtt : round_trip(m, &s->wan.rtt, &w->wan_pings, "wan rtt")) / 2;
    return d;
}

/* Losses on the way of `bytes`, for which the sender waits. */
static double losses(struct duo_message *m, double bytes)
{
    const struct duo_scenario *s = m->world->scenario;
    double cell = m->way.cell ? s->cells.loss : 0, wan = m->way.wan ? s->wan.loss : 0, p = cell + wan - cell * wan;

    if (p <= 0) return 0;
    return duo_connection_loss(fmax(1, ceil(bytes / s->transport.segment)), p, 2 * m->delay, s->transport.timeout, draw(m, "loss"), draw(m, "last loss"));
}

static void fly(struct duo_message *m)                     /* (1) */
{
    struct duo_world *w = m->world;
    double more = m->wait;

    if (!m->local) {
        if (w->scenario->cells.jitter > 0 && (m->from == DUO_DEVICE || m->to == DUO_DEVICE))
            more -= w->scenario->cells.jitter * log1p(-draw(m, "jitter"));
        more += losses(m, m->held_back ? w->scenario->transport.token : m->bytes);
    }
    duo_clock_set(w->clock, &m->alarm, duo_clock_now(w->clock) + m->delay + more, arrive, m);
}

/* ---- the connection (3) */

/* A window that has not grown to the link's rate yet: s that the flow would have taken longer (7). */
static double slow_start(struct duo_message *m)
{
    struct duo_world *w = m->world;
    const struct duo_transport_spec *t = &w->scenario->transport;
    struct duo_device *d = &w->devices[m->request->row.device];
    uint8_t *grown = &d->grown[m->from != DUO_DEVICE];
    double first = t->window * t->segment, wait;

    if (!by_radio(m)) return 0;
    if (m->began - d->contact > t->timeout) d->grown[0] = d->grown[1] = 0;
    wait = duo_connection_wait(m->bytes, m->bytes / (duo_clock_now(w->clock) - m->began), 2 * m->delay, ldexp(first, *grown));
    *grown = (uint8_t)duo_connection_grown(m->bytes, first, *grown);
    return wait;
}

/* Seconds until the connection is open; a message that comes meanwhile waits for the same one. */
static double open_connection(struct duo_world *w, struct duo_device *d, enum duo_site site, double now, double trip)
{
    const struct duo_transport_spec *t = &w->scenario->transport;
    uint8_t open = (uint8_t)(1u << site), known = (uint8_t)(open << DUO_SITES);

    if (now - d->contact > t->idle) d->warm = (uint8_t)(d->warm >> DUO_SITES << DUO_SITES);
    if (!(d->warm & open)) {
        d->contact = fmax(now, d->contact) + (d->warm & known ? t->trips_again : t->trips) * trip;
        d->warm |= open | known;
        d->grown[0] = d->grown[1] = 0;
    }
    return fmax(0, d->contact - now);
}

/* ---- a device's own queue (8) */

static void queue(struct duo_message *m)
{
    struct duo_world *w = m->world;
    struct duo_message **last;

    if (!w->uplinks || m->from != DUO_DEVICE) return;
    last = &w->uplinks[m->request->row.device];
    m->queued = true;
    m->ahead = *last;
    if (m->ahead) m->ahead->behind = m;
    *last = m;
}

/* The one behind it, if that may begin now. */
static struct duo_message *unqueue(struct duo_message *m)
{
    struct duo_message *behind = m->behind;

    m->queued = false;
    if (behind)   behind->ahead = m->ahead;
    else          m->world->uplinks[m->request->row.device] = m->ahead;
    if (m->ahead) m->ahead->behind = behind;
    return behind && !behind->ahead && behind->waiting ? behind : NULL;
}

/* ---- the flow */

static void flow_ended(void *arg, enum duo_flow_end end, double carried)
{
    struct duo_message *m = arg, *behind = m->queued ? unqueue(m) : NULL;

    m->flow = NULL;
    if (end == DUO_FLOW_UNREACHABLE) {
        duo_arrival_fn *fn = m->fn;
        void *a = m->arg;
        charge(m, carried, false);
        give(m);
        fn(a, false);
    } else {
        if (!m->held_back && m->world->scenario->transport.window) m->wait = slow_start(m);
        charge(m, m->bytes, true);
        m->carried = true;
        if (!m->held) fly(m);
    }
    if (behind) begin(behind);
}

/* Is the radio ready?  Else the message begins when it is. */
static bool on_air(struct duo_message *m)
{
    struct duo_world *w = m->world;
    struct duo_radio_state *radio = &w->devices[m->request->row.device].radio;
    double now = duo_clock_now(w->clock), joules, wait = duo_radio_wake(&w->radio, radio, now, &joules);

    if (wait > 0) {
        pay_radio(m, joules);
        duo_clock_set(w->clock, &m->alarm, now + wait, begin, m);
        return false;
    }
    joules = duo_radio_begin(&w->radio, radio, now, &m->mark);
    if (joules < 0) pay_radio(m, joules);
    return m->on_air = true;
}

static void begin(void *arg)
{
    struct duo_message *m = arg;
    struct duo_world *w = m->world;

    m->waiting = m->ahead != NULL;
    if (m->waiting) return;
    if (by_radio(m) && !m->on_air && !on_air(m)) return;
    m->began = duo_clock_now(w->clock);
    m->flow = duo_net_start(w->net, m->route, m->bytes, flow_ended, m);
    if (w->spec->stop_above > 0 && duo_net_stats(w->net).active > w->spec->stop_above) w->too_many = w->stop = true;
}

struct duo_message *duo_transport_send(struct duo_world *w, struct duo_request *r, int from, int to, double bytes,
                                       bool held, duo_arrival_fn *fn, void *arg)
{
    const struct duo_transport_spec *t = &w->scenario->transport;
    struct duo_message *m = take(w);
    double now = duo_clock_now(w->clock), wait = 0, joules;

    m->request = r, m->fn = fn, m->arg = arg, m->from = from, m->to = to, m->held = m->held_back = held;
    m->way = way_of(w, from, to);
    m->local = m->way.from == m->way.to;
    m->delay = delay_of(m);
    if (!m->local) m->route = route_of(w, r, m->way);
    if (m->local || m->route < 0) {                        /* (2) */
        m->carried = true;
        if (!held) fly(m);
        return m;
    }
    m->bytes = bytes;
    if (by_radio(m)) {
        struct duo_device *d = &w->devices[r->row.device];
        if (from == DUO_DEVICE) {
            wait = duo_radio_wake(&w->radio, &d->radio, now, &joules);
            if (joules > 0) pay_radio(m, joules);
            if (t->trips > 0 || t->trips_again > 0) wait += open_connection(w, d, m->way.to, now + wait, 2 * m->delay);
        }
        d->touched = true;
        queue(m);
    }
    if (wait > 0) duo_clock_set(w->clock, &m->alarm, now + wait, begin, m);
    else          begin(m);
    return m;
}

void duo_transport_release(struct duo_world *w, struct duo_message *m)       /* (4) */
{
    assert(m->held);
    m->held = false;
    if (!m->carried) return;
    if (m->local || m->route < 0 || (duo_net_up(w->net, m->route) && duo_net_rate(w->net, m->route) > 0)) {
        off_air(m);
        fly(m);
        return;
    }
    m->carried = false;                                    /* the link is dead just now: the last token waits for it */
    m->bytes = w->scenario->transport.token;
    begin(m);
}

void duo_transport_cancel(struct duo_world *w, struct duo_message *m)
{
    struct duo_message *behind = m->queued ? unqueue(m) : NULL;

    duo_clock_cancel(w->clock, &m->alarm);
    if (m->flow) charge(m, duo_net_cancel(w->net, m->flow), false);
    off_air(m);
    give(m);
    if (behind) begin(behind);
}
