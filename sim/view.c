/* view.c - from the truth to what a seat may know.
 *
 * (1) A place publishes its figures every `status` seconds; a seat sees the newest report that has had time to
 *     reach it, with its age.  Its own place it sees as it is.
 * (2) The device's link is known as its last transfers met it, with the age of the last.
 * (3) What is cached where is known as of the last word from there.
 * (4) The battery and the radio's signal are known on the device only: elsewhere NAN (1 on mains), and "up".
 * Everything else that a view holds is the request's own, or was declared. */
#include "sim/device.h"
#include "sim/request.h"
#include "sim/server_api.h"

#include <math.h>

void duo_world_publish(struct duo_world *w)
{
    double now = duo_clock_now(w->clock);

    for (int p = 1; p < w->n_places; p++) {
        struct duo_world_place *place = &w->places[p];
        struct duo_published *report = &place->reports[place->n_reports++ % DUO_PUBLISHED];
        struct duo_server_figures f;
        double rate = 0, wait = INFINITY;
        int rated = 0;
        if (place->api) duo_api_figures(place->api, &f), rate = f.decode_rate, rated = 1, wait = f.wait;
        for (int i = 0; i < place->n_replicas; i++) {
            if (place->replicas[i].state != DUO_REPLICA_UP) continue;
            duo_server_figures(place->replicas[i].server, &f);
            if (!isnan(f.decode_rate)) rate += f.decode_rate, rated++;
            if (f.wait < wait) wait = f.wait;
        }
        *report = (struct duo_published){ .at = now, .decode_rate = rated ? rate / rated : NAN, .wait = wait };
    }
}

static const struct duo_published *newest(const struct duo_world_place *p, double before)     /* (1) */
{
    int kept = p->n_reports < DUO_PUBLISHED ? p->n_reports : DUO_PUBLISHED;

    for (int i = 1; i <= kept; i++) {
        const struct duo_published *r = &p->reports[(p->n_reports - i) % DUO_PUBLISHED];
        if (r->at <= before) return r;
    }
    return NULL;
}

void duo_view_fill(struct duo_request *r, struct duo_view *v, struct duo_place_view *places)
{
    const struct duo_world *w = r->world;
    const struct duo_device *d = &w->devices[r->row.device];
    const struct duo_device_spec *c = r->class->spec;
    double now = duo_clock_now(w->clock);
    int seat = duo_seat_node(w);

    *v = (struct duo_view){ .size = sizeof *v, .now = now, .prompt_tokens = r->spoken ? duo_speech_tokens(r) : r->prompt_tokens,
        .max_tokens = w->scenario->max_tokens ? w->scenario->max_tokens : r->query.max_tokens,
        .session = r->query.session, .turn = r->query.turn,
        .deadline = isinf(w->scenario->slo_e2e) ? INFINITY : r->row.arrived + w->scenario->slo_e2e - now,
        .battery = isinf(c->battery) ? 1 : seat != DUO_DEVICE ? NAN : duo_device_level(w, r->class, r->row.device),                     /* (4) */
        .link_up = seat != DUO_DEVICE || duo_net_up(w->net, w->cells[r->row.cell].up),
        .uplink = d->uplink > 0 ? 8.0 * (double)d->uplink : NAN, .downlink = d->downlink > 0 ? 8.0 * (double)d->downlink : NAN,
        .rtt = d->rtt > 0 ? (double)d->rtt : NAN, .link_age = d->touched ? fmax(0, now - (double)d->contact) : NAN,     /* (2) */
        .n_features = w->answers->n_features, .features = r->query.features, .n_places = w->n_places, .places = places };
    for (int p = 0; p < w->n_places; p++) {
        const struct duo_facts *f = &duo_place_cost(w, r, p)->facts;
        places[p] = (struct duo_place_view){ .model = f->model, .layers = f->layers, .context = f->context,
            .cached = duo_kv_told(r, p), .decode_rate = NAN, .wait = NAN, .price = f->dollars_out, .age = NAN };     /* (3) */
        if (p == DUO_DEVICE && seat == DUO_DEVICE) {
            struct duo_server_figures fig = { .decode_rate = NAN };
            if (d->server) duo_server_figures(d->server, &fig);
            places[p].decode_rate = fig.decode_rate, places[p].wait = d->server ? fig.wait : 0, places[p].age = 0;
        } else if (p > 0) {
            const struct duo_published *report = newest(&w->places[p], now - duo_transport_delay(w, p, seat));
            if (report) places[p].decode_rate = report->decode_rate, places[p].wait = report->wait, places[p].age = now - report->at;
        }
    }
}
