/* speech.c - prompts that are spoken: `arrivals: { speech: 3/s }`.
 *
 * (1) A request begins when its user begins to speak.  Of its prompt the part that no earlier turn had comes at so many
 *     tokens a second.  It counts as arrived, in all that is measured from there, when the last one is spoken.
 * (2) `prefill: at_end`: the policy hears of it then.  `prefill: as_spoken`: a seat on the device hears of it when the
 *     speech begins (view.prompt_tokens: what was spoken so far); a gateway's, as at_end.
 * (3) A write that goes on from the prompt at a place of our own takes in what was spoken, piece by piece: a message
 *     each, one at a time, and a job each, one at a time, that leaves its KV there; the last one writes.
 * (4) All other steps, and prompts with an attachment, wait for the end of the speech.  So does patience. */
#include "sim/device.h"
#include "sim/request.h"

#include <math.h>
#include <stdlib.h>

struct duo_speech {
    struct duo_alarm alarm;
    double bytes;                  /* of the whole prompt, missing at the place when the step began */
    int    sent, heard, coming;    /* tokens: on their way or there; there; of the message in flight */
};

bool duo_speech_on(const struct duo_request *r) { return r->spoken > 0 && duo_clock_now(r->world->clock) < r->row.arrived; }

int duo_speech_tokens(const struct duo_request *r)
{
    double rate = r->world->scenario->arrivals.speech, left = r->row.arrived - duo_clock_now(r->world->clock);
    int unspoken = left > 0 ? (int)ceil(left * rate) : 0;

    return r->prompt_tokens - (unspoken < r->spoken ? unspoken : r->spoken);
}

/* ---- the request */

static void is_over(void *arg)
{
    struct duo_request *r = arg;
    struct duo_step_record *s, *next;

    r->holds++;
    if (!r->heard) r->heard = true, duo_request_heard(r);                                      /* (2) */
    for (s = r->steps; s; s = next) {                                                          /* (4) */
        next = s->next;
        if (!s->waits) continue;
        s->waits = false;
        if (!s->abandoned) duo_step_start(s);
    }
    r->holds--;
    duo_request_close(r);
}

void duo_speech_begin(struct duo_request *r)
{
    struct duo_world *w = r->world;
    const struct duo_arrivals_spec *a = &w->scenario->arrivals;

    r->spoken = r->prompt_tokens - r->query.shared;
    if (r->spoken < 1) r->spoken = 0;
    r->row.arrived += r->spoken / a->speech;                                                   /* (1) */
    r->heard = !r->spoken || (a->as_spoken && w->seat == DUO_SEAT_DEVICE);
    if (r->spoken) duo_clock_set(w->clock, &r->speech_alarm, r->row.arrived, is_over, r);
    if (r->heard) duo_request_heard(r);
}

/* ---- a step that listens (3) */

static void send_piece(struct duo_step_record *);

static void said(struct duo_step_record *s, int tokens)
{
    s->speech->heard += tokens;
    duo_speech_run(s);
}

static void piece_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->order = NULL;
    s->holds++;
    if (!s->speech) { duo_step_release(s); return; }
    if (!ok) {
        if (s->told) duo_speech_stop(s);
        else         duo_step_fail(s, DUO_UNREACHABLE);
    } else {
        said(s, s->speech->coming);
        if (s->speech && !duo_speech_on(s->request)) send_piece(s);        /* what was spoken while it was on its way */
    }
    duo_step_release(s);
}

/* What was spoken since the last piece sets out. */
static void send_piece(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    struct duo_speech *x = s->speech;
    int tokens = duo_speech_tokens(r) - x->sent;

    if (s->order || tokens < 1) return;
    x->sent += tokens;
    if (duo_node_site(w, s->place) == DUO_SITE_DEVICE) { said(s, tokens); return; }
    x->coming = tokens;
    s->order = duo_transport_send(w, r, DUO_DEVICE, s->place, duo_framed(w, x->bytes * tokens / r->prompt_tokens), false, piece_arrived, s);
}

static void next_piece(void *arg)
{
    struct duo_step_record *s = arg;
    const struct duo_request *r = s->request;
    struct duo_clock *clock = r->world->clock;
    double now = duo_clock_now(clock), next = now + r->world->scenario->arrivals.piece;

    s->holds++;
    if (now < r->row.arrived) duo_clock_set(clock, &s->speech->alarm, fmin(next, r->row.arrived), next_piece, s);
    send_piece(s);
    duo_step_release(s);
}

bool duo_speech_listen(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;

    if (!duo_speech_on(r)) return false;
    if (s->kind != DUO_STEP_WRITE || s->parts || s->from != 1 || r->query.attachment || w->places[s->place].api) {
        s->waits = true;                                                                       /* (4) */
        return true;
    }
    s->speech = duo_new(1, sizeof *s->speech);
    s->speech->bytes = duo_text_missing(r, 1, duo_node_site(w, s->place));
    s->written.path = r->texts[1].path;                    /* what is known of its text until it writes */
    next_piece(s);
    return true;
}

void duo_speech_stop(struct duo_step_record *s)
{
    if (!s->speech) return;
    duo_clock_cancel(s->request->world->clock, &s->speech->alarm);
    free(s->speech);
    s->speech = NULL;
}

static void piece_run(struct duo_job *j)
{
    struct duo_step_record *s = j->owner;
    struct duo_request *r = s->request;

    s->holds++;
    s->working = false;
    duo_work_left(r, s->place, s->replica);
    s->kv->users--;
    s->kv->path = r->texts[1].path;
    duo_step_pay(s, j, s->place, s->abandoned);
    if (s->place == DUO_DEVICE && r->world->devices[r->row.device].dead) duo_step_fail(s, DUO_NO_POWER);
    else if (s->speech)                                                  duo_speech_run(s);
    duo_step_release(s);
}

/* What is there and was not run yet. */
void duo_speech_run(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    const struct duo_cost *cost = duo_place_cost(w, r, s->place);
    struct duo_text_path empty = r->texts[1].path;
    int heard = s->speech->heard, cached;
    double loading;

    if (s->working) return;
    if (s->place == DUO_DEVICE && w->devices[r->row.device].dead) { duo_step_fail(s, DUO_NO_POWER); return; }
    if (heard == r->prompt_tokens) {                       /* all of it: an ordinary write */
        duo_speech_stop(s);
        duo_step_arrived(s);
        return;
    }
    s->kv = duo_kv_find(r, s->place, &empty, 0, cost->facts.layers, &cached);
    if (heard <= cached) return;
    s->replica = s->kv ? s->kv->replica : duo_pick_replica(r, s->place);
    if (!s->kv) s->kv = duo_kv_make(r, s->place, s->replica, 0, cost->facts.layers);
    s->kv->users++;
    loading = s->place == DUO_DEVICE ? duo_device_loading(w, r->class, r->row.device) : 0;
    s->job = (struct duo_job){ .kv = &s->kv->kv, .cached = cached, .fresh = heard - cached, .to_layer = cost->facts.layers, .before = loading,
        .before_joules = loading > 0 ? loading * cost->facts.busy_watts : 0, .done = piece_run, .owner = s };
    s->working = true;
    if (duo_work_submit(r, s->place, s->replica, &s->job)) return;
    s->working = false;
    s->kv->users--;
    duo_speech_stop(s);
    duo_step_refuse(s, s->place, DUO_NO_MEMORY);
}
