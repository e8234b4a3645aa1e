/* transport.c - see transport.h. */
#include "sim/transport.h"

#include <assert.h>
#include <math.h>

#include "sim/request.h"

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
    double              delay;
    duo_route           route;
    int                 from, to;
    bool                held, carried, local, on_air;
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

double duo_transport_delay(const struct duo_world *w, int from, int to)
{
    const struct duo_scenario *s = w->scenario;
    enum duo_site a = duo_node_site(w, from), b = duo_node_site(w, to);
    double d = 0;

    if (from == to) return 0;
    if (from > 0) d += w->places[from].delay;
    if (to   > 0) d += w->places[to].delay;
    if (a != b && (a == DUO_SITE_DEVICE || b == DUO_SITE_DEVICE)) d += s->cells.rtt / 2;
    if ((a <= DUO_SITE_EDGE) != (b <= DUO_SITE_EDGE)) d += s->wan.rtt / 2;      /* one of them behind the WAN */
    return d;
}

static duo_route route_of(const struct duo_world *w, const struct duo_request *r, int from, int to)
{
    enum duo_site a = duo_node_site(w, from), b = duo_node_site(w, to);
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

static void fly(struct duo_message *m)                     /* (1) */
{
    struct duo_world *w = m->world;
    double jitter = 0;

    if (w->scenario->cells.jitter > 0 && !m->local && (m->from == DUO_DEVICE || m->to == DUO_DEVICE))
        jitter = -w->scenario->cells.jitter * log1p(-duo_draw(w->spec->seed, "jitter", ((uint64_t)m->request->row.id << 20) + m->request->n_messages++));
    duo_clock_set(w->clock, &m->alarm, duo_clock_now(w->clock) + m->delay + jitter, arrive, m);
}

static void flow_ended(void *arg, enum duo_flow_end end, double carried)
{
    struct duo_message *m = arg;

    m->flow = NULL;
    if (end == DUO_FLOW_UNREACHABLE) {
        duo_arrival_fn *fn = m->fn;
        void *a = m->arg;
        charge(m, carried, false);
        give(m);
        fn(a, false);
        return;
    }
    charge(m, m->bytes, true);
    m->carried = true;
    if (!m->held) fly(m);
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

    if (by_radio(m) && !m->on_air && !on_air(m)) return;
    m->began = duo_clock_now(w->clock);
    m->flow = duo_net_start(w->net, m->route, m->bytes, flow_ended, m);
    if (w->spec->stop_above > 0 && duo_net_stats(w->net).active > w->spec->stop_above) w->too_many = w->stop = true;
}

/* (3): seconds until the connection is open; a message that comes meanwhile waits for the same one. */
static double open_connection(const struct duo_world *w, struct duo_device *d, enum duo_site site, double now, double trip)
{
    const struct duo_transport_spec *t = &w->scenario->transport;

    if (now - d->contact > t->idle) d->warm = 0;
    if (!(d->warm & 1u << site)) {
        d->warm |= (uint8_t)(1u << site);
        d->contact = fmax(now, d->contact) + t->trips * trip;
    }
    return fmax(0, d->contact - now);
}

struct duo_message *duo_transport_send(struct duo_world *w, struct duo_request *r, int from, int to, double bytes,
                                       bool held, duo_arrival_fn *fn, void *arg)
{
    const struct duo_transport_spec *t = &w->scenario->transport;
    struct duo_message *m = take(w);
    double now = duo_clock_now(w->clock), wait = 0;

    m->request = r, m->fn = fn, m->arg = arg, m->from = from, m->to = to, m->held = held;
    m->delay = duo_transport_delay(w, from, to);
    m->local = duo_node_site(w, from) == duo_node_site(w, to);
    if (!m->local) m->route = route_of(w, r, from, to);
    if (m->local || m->route < 0) {                        /* (2) */
        m->carried = true;
        if (!held) fly(m);
        return m;
    }
    m->bytes = bytes;
    if (from == DUO_DEVICE || to == DUO_DEVICE) {
        struct duo_device *d = &w->devices[r->row.device];
        if (from == DUO_DEVICE) {
            double joules;
            wait = duo_radio_wake(&w->radio, &d->radio, now, &joules);
            if (joules > 0) pay_radio(m, joules);
            if (t->trips > 0) wait += open_connection(w, d, duo_node_site(w, to), now + wait, 2 * m->delay);
        }
        d->touched = true;
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
    duo_clock_cancel(w->clock, &m->alarm);
    if (m->flow) charge(m, duo_net_cancel(w->net, m->flow), false);
    off_air(m);
    give(m);
}
