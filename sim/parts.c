/* parts.c - one model over several places: layer splits, early exits, pipelines.
 *
 * (1) Part i runs the layers [to_layer of part i - 1, to_layer) at its place, token by token.  A token whose exit
 *     head is surer than `exit_above` ends at its part; any other goes on as a hidden state.
 * (2) A part that has not seen a position gets its hidden state with the next token that comes: what ended early
 *     in between is caught up, and its bytes are paid.
 * (3) The id of each new token goes back to the first part's place, which needs it for the next one.
 * (4) Hand-overs between places of one site cost no bytes.
 * (5) Every part keeps its own KV, for its layers only. */
#include "sim/request.h"

#include "models/answers/path.h"
#include "sim/device.h"

#include <math.h>
#include <stdlib.h>

struct part { int place, replica, from_layer, to_layer, seen; double exit_above; struct duo_residence *kv; };

struct duo_split {
    struct part part[DUO_MAX_PARTS];
    int    n, at;                  /* the part that works or is handed to */
    int    start;                  /* positions before the first new token: attachment, prompt, text */
    int    made;                   /* new tokens so far */
    int    hidden;                 /* the first so many of them are thinking */
    int    upto;                   /* positions to run now */
    double before, before_joules;  /* of an encoder, with the first run of part 0 */
    bool   working;
};

static void run(struct duo_step_record *);

static void leave(struct duo_step_record *s)
{
    struct duo_split *x = s->split;
    struct part *p = &x->part[x->at];

    x->working = false;
    duo_work_left(s->request, p->place, p->replica);
    p->kv->users--;
}

static void keep(struct duo_step_record *s, struct part *p)
{
    struct duo_text_path path = s->written.path;

    if (!p->kv) return;
    duo_path_cut(&path, p->seen - p->kv->extra - s->request->prompt_tokens);
    p->kv->path = path;
}

static void on_screen(struct duo_step_record *s)
{
    if (!s->show || s->abandoned || s->split->made <= s->split->hidden) return;
    duo_request_screen(s->request, duo_text_tokens(s->request, s->from) + s->split->made - s->split->hidden, false);
}

static void id_arrived_now(struct duo_step_record *s, bool ok)                 /* (3) */
{
    struct duo_request *r = s->request;

    if (!ok) { duo_step_fail(s, DUO_UNREACHABLE); return; }
    if (duo_node_site(r->world, s->split->part[0].place) == DUO_SITE_DEVICE) on_screen(s);
    s->split->at = 0;
    run(s);
}

static void id_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->order = NULL;
    s->holds++;
    id_arrived_now(s, ok);
    duo_step_release(s);
}

static void state_arrived_now(struct duo_step_record *s, bool ok)
{
    if (!ok) duo_step_fail(s, DUO_UNREACHABLE);
    else     run(s);
}

static void state_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->order = NULL;
    s->holds++;
    state_arrived_now(s, ok);
    duo_step_release(s);
}

static void last_arrived_now(struct duo_step_record *s, bool ok)               /* the last token, on its way to the device's screen */
{
    if (!ok) { duo_step_fail(s, DUO_UNREACHABLE); return; }
    on_screen(s);
    duo_text_put(s->request, s->result, DUO_SITE_DEVICE);
    duo_step_finish(s, duo_seat_node(s->request->world) == DUO_DEVICE ? DUO_DEVICE : s->split->part[s->split->at].place);
}

static void last_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->order = NULL;
    s->holds++;
    last_arrived_now(s, ok);
    duo_step_release(s);
}

/* Token number `made` was written at the present part. */
static void token(struct duo_step_record *s)
{
    struct duo_split *x = s->split;
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    int place = x->part[x->at].place;
    enum duo_site site = duo_node_site(w, place);
    double id = duo_streamed(w, 1, w->places[DUO_CLOUD].cost->facts.id_bytes);

    if (x->made++ < x->hidden) r->row.tokens_thinking++, r->written += s->abandoned;
    else                       r->written++;
    if (place == DUO_DEVICE) r->row.tokens_device++;
    else                     r->row.tokens_cloud++;
    if (x->made == x->hidden + 1) duo_step_begun(s, place);
    if (site == DUO_SITE_DEVICE) on_screen(s);
    if (x->made < x->hidden + s->written.tokens) {
        if (site == duo_node_site(w, x->part[0].place) && duo_transport_delay(w, place, x->part[0].place) <= 0) { x->at = 0; run(s); }
        else s->order = duo_transport_send(w, r, place, x->part[0].place, id, false, id_arrived, s);
        return;
    }
    for (int i = 0; i < x->n; i++) keep(s, &x->part[i]);
    for (int i = 0; x->hidden && i < x->n; i++) duo_step_forget(s, x->part[i].kv);
    duo_step_written(s, place);
    if (s->show && !s->abandoned) duo_request_promise(r, s->result);
    if (s->show && !s->abandoned && site != DUO_SITE_DEVICE)
        s->order = duo_transport_send(w, r, place, DUO_DEVICE, duo_framed(w, id), false, last_arrived, s);
    else
        duo_step_finish(s, place);
}

static void part_ended(struct duo_step_record *s, struct duo_job *j)
{
    struct duo_split *x = s->split;
    struct part *p = &x->part[x->at];
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    int layers = duo_place_cost(w, r, p->place)->facts.layers, pending;
    struct part *next;
    int position = duo_text_tokens(r, s->from) + (x->made < x->hidden ? x->made : x->made - x->hidden);

    p->seen = x->upto;
    leave(s);
    duo_step_pay(s, j, p->place, s->abandoned);
    if (p->place == DUO_DEVICE && w->devices[r->row.device].dead) { duo_step_fail(s, DUO_NO_POWER); return; }
    if (x->at == x->n - 1 ||
        (p->exit_above > 0 && duo_ask_exits(r, &s->written.path, duo_place_voice(w, r, p->place), position, p->to_layer, layers, p->exit_above))) {
        token(s);                                          /* (1) */
        return;
    }
    x->at++;
    next = &x->part[x->at];
    if (next->seen > next->kv->kv.tokens) next->seen = next->kv->kv.tokens;      /* evicted meanwhile */
    pending = x->upto - next->seen;                        /* (2) */
    if (duo_node_site(w, p->place) == duo_node_site(w, x->part[x->at].place) && duo_transport_delay(w, p->place, x->part[x->at].place) <= 0)
        run(s);                                            /* (4) */
    else
        s->order = duo_transport_send(w, r, p->place, x->part[x->at].place,
                                      duo_streamed(w, 1, pending * duo_place_cost(w, r, p->place)->facts.hidden_bytes), false, state_arrived, s);
}

static void part_done(struct duo_job *j)
{
    struct duo_step_record *s = j->owner;

    s->holds++;
    part_ended(s, j);
    duo_step_release(s);
}

static void run(struct duo_step_record *s)
{
    struct duo_split *x = s->split;
    struct part *p = &x->part[x->at];
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    bool head = x->at == x->n - 1 || p->exit_above > 0;

    if (p->place == DUO_DEVICE && w->devices[r->row.device].dead) { duo_step_fail(s, DUO_NO_POWER); return; }
    x->upto = x->start + x->made;
    s->job = (struct duo_job){ .kv = &p->kv->kv, .cached = p->seen < p->kv->kv.tokens ? p->seen : p->kv->kv.tokens,
        .logits = head, .priority = r->class->spec->priority, .from_layer = p->from_layer, .to_layer = p->to_layer, .done = part_done, .owner = s };
    s->job.before = x->before, s->job.before_joules = x->before_joules;
    if (p->place == DUO_DEVICE) {
        double loading = duo_device_loading(w, r->class, r->row.device);
        s->job.before += loading, s->job.before_joules += loading > 0 ? loading * r->class->cost->facts.busy_watts : 0;
    }
    x->before = x->before_joules = 0;
    s->job.fresh = x->upto - s->job.cached;                /* more than what came when its KV was evicted meanwhile */
    p->kv->users++;
    x->working = true;
    if (duo_work_submit(r, p->place, p->replica, &s->job)) return;
    x->working = false;
    p->kv->users--;
    duo_step_refuse(s, p->place, DUO_NO_MEMORY);
}

void duo_parts_begin(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    const struct duo_work *work = s->parts;
    struct duo_ask ask = { .voice = duo_place_voice(w, r, work->parts[work->n_parts - 1].at), .from = &r->texts[s->from].path,
        .tokens = work->tokens, .stop_below = work->stop_below, .temperature = work->temperature, .samples = 1, .sample = s->id,
        .plain = !(w->policy->needs & DUO_CONFIDENCE) };
    struct duo_split *x = s->split = duo_new(1, sizeof *x);
    int layer = 0, extra = 0, room;

    x->n = work->n_parts;
    if (r->query.attachment) {                             /* its tokens pass all layers; the encoder runs at the first part */
        const struct duo_cost *c = duo_place_cost(w, r, s->place);
        struct duo_encoding e = c->kind->encode(c, (enum duo_attachment_kind)r->query.attachment, r->query.attachment_bytes);
        extra = e.tokens, x->before = e.seconds, x->before_joules = e.joules;
    }
    for (int i = 0; i < x->n; i++) {
        struct part *p = &x->part[i];
        const struct duo_part *asked = &work->parts[i];
        int cached;
        *p = (struct part){ .place = asked->at, .from_layer = layer, .exit_above = asked->exit_above };
        p->to_layer = asked->to_layer ? asked->to_layer : duo_place_cost(w, r, p->place)->facts.layers;
        layer = p->to_layer;
        if (p->exit_above > 0 && ask.exit_layer == 0) ask.exit_layer = p->to_layer, ask.exit_above = p->exit_above, ask.layers = duo_place_cost(w, r, p->place)->facts.layers;
        p->kv = duo_kv_find(r, p->place, &r->texts[s->from].path, p->from_layer, p->to_layer, &cached);    /* (5) */
        p->replica = p->kv ? p->kv->replica : duo_pick_replica(r, p->place);
        if (!p->kv) p->kv = duo_kv_make(r, p->place, p->replica, p->from_layer, p->to_layer), p->kv->extra = extra;
        p->seen = cached;
        if (i == 0 && cached > 0) x->before = x->before_joules = 0;        /* encoded before */
    }
    duo_ask_write(r, &ask, &s->written);
    x->start = x->part[0].kv->extra + r->prompt_tokens + duo_text_tokens(r, s->from);
    for (int i = 0; i < x->n; i++)
        if (x->part[i].seen >= x->start) x->part[i].seen = x->start - 1;
    x->hidden = s->written.thinking;
    room = duo_place_cost(w, r, s->place)->facts.context - x->start - x->hidden;
    if (room < 1) { duo_step_refuse(s, s->place, DUO_REFUSED); return; }
    if (s->written.tokens > room) {
        ask.tokens = room;
        duo_ask_write(r, &ask, &s->written);
    }
    if (s->written.tokens == 0) { duo_step_written(s, s->place); duo_step_finish(s, s->place); return; }
    run(s);
}

void duo_parts_stop(struct duo_step_record *s)
{
    struct duo_split *x = s->split;
    struct part *p = &x->part[x->at];

    s->job.written = x->made;
    if (!x->working) return;
    duo_work_cancel(s->request, p->place, p->replica, &s->job);
    s->job.written = 0;
    leave(s);
    duo_step_pay(s, &s->job, p->place, true);
    for (int i = 0; i < x->n; i++) {
        if (x->part[i].kv->kv.home && x->part[i].seen > x->part[i].kv->kv.tokens) x->part[i].seen = x->part[i].kv->kv.tokens;
        keep(s, &x->part[i]);
        if (x->hidden) duo_step_forget(s, x->part[i].kv);
    }
    s->job.written = x->made;
}

bool duo_parts_working(const struct duo_step_record *s) { return s->split && s->split->working; }
void duo_parts_free(struct duo_step_record *s)
{
    free(s->split);
    free(s->parts);
    s->split = NULL, s->parts = NULL;
}
