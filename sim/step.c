/* step.c - a step's way: its input goes to its place, the work is done there, the result's word comes back.
 *
 * (1) The order goes from the seat to where the input is, and with the input from there to the place: one message
 *     when the seat has what is missing, or nothing is.  A step at the seat's own node needs none.
 * (2) At the place the step takes the replica with the longest resident beginning of its input (kv.c); what is
 *     missing is run.  A verification runs the draft and the token before it, for their logits.
 * (3) The word for a device seat comes with the tail of what is streamed to it (stream.c).  Any other word is a
 *     message of its own.
 * (4) A failure of the way to the place or back is known at the seat after the detection time.
 * (5) A cancel reaches the place as a message.  Until it does all goes on and is paid as waste; the same holds for
 *     what is too late. */
#include "sim/request.h"

#include "models/answers/path.h"
#include "sim/device.h"
#include "sim/money.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int duo_seat_node(const struct duo_world *w) { return w->seat == DUO_SEAT_DEVICE ? DUO_DEVICE : DUO_GATEWAY; }

static bool tells(enum duo_step_kind k) { return k != DUO_STEP_SHOW && k != DUO_STEP_ANSWER; }
static duo_text input_of(const struct duo_step_record *s) { return s->draft ? s->draft : s->from; }

struct duo_step_record *duo_step_new(struct duo_request *r, enum duo_step_kind kind, int place)
{
    struct duo_world *w = r->world;
    struct duo_step_record *s = w->spare_steps, **end = &r->steps, *last = NULL;

    if (s) {
        w->spare_steps = s->next;
        memset(s, 0, sizeof *s);
    } else {
        s = duo_new(1, sizeof *s);
        duo_world_keep(w, s);
    }
    while (*end) last = *end, end = &(*end)->next;
    s->request = r, s->previous = last, s->kind = kind, s->place = place;
    s->asked_at = duo_clock_now(w->clock);
    *end = s;
    if (tells(kind)) s->id = ++r->last_id, r->n_live++, r->row.steps++;
    return s;
}

void duo_step_close(struct duo_step_record *s)
{
    struct duo_request *r = s->request;

    if (s->holds || !s->told || s->working || s->speech || duo_parts_working(s) || s->tail_left || s->order || s->chunk || s->tail || s->word ||
        s->recall || s->notice || (s->kind == DUO_STEP_SCORE && s->alarm.place)) return;
    duo_clock_cancel(r->world->clock, &s->alarm);
    if (s->parts) duo_parts_free(s);
    if (s->previous) s->previous->next = s->next;
    else             r->steps = s->next;
    if (s->next) s->next->previous = s->previous;
    s->next = r->world->spare_steps;
    r->world->spare_steps = s;
    duo_request_close(r);
}

void duo_step_release(struct duo_step_record *s)
{
    s->holds--;
    duo_step_close(s);
}

void duo_step_pay(struct duo_step_record *s, const struct duo_job *j, int place, bool wasted)
{
    struct duo_request *r = s->request;
    double joules = j->joules;
    int thought;

    if (place == DUO_DEVICE) {
        r->row.joules_device += joules;
        if (!isnan(joules)) duo_device_book(r->world, r->row.device, joules);
        r->row.tokens_device += j->written;
    } else {
        r->row.joules_cloud += joules;
        r->row.tokens_cloud += j->written;
    }
    if (wasted && !isnan(joules)) r->row.wasted_joules += joules;
    thought = j->written < j->hidden ? j->written : j->hidden;
    r->row.tokens_thinking += thought;
    r->written += j->written - (wasted ? 0 : thought);     /* thinking for an answer is no waste */
    duo_money_work(r, place, j);
}

static void leave_server(struct duo_step_record *s)
{
    struct duo_request *r = s->request;

    s->working = false;
    duo_work_left(r, s->place, s->replica);
    if (s->kv) s->kv->users--;
}

void duo_step_shown(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    struct duo_text_path path = s->written.path;
    int seen = s->job.written - s->job.hidden, tokens = s->split ? r->screen_tokens : duo_text_tokens(r, s->from) + (seen > 0 ? seen : 0);
    duo_text t;

    if (!s->show || !s->begun || r->shown_tokens >= tokens) return;
    duo_path_cut(&path, tokens);
    t = duo_text_new(r, &path, s->from);
    duo_text_put(r, t, DUO_SITE_DEVICE);
    duo_request_promise(r, t);
    if (r->screen_tokens < tokens) r->screen_tokens = tokens;
}

static void pay_score(struct duo_step_record *s, double seconds, bool wasted)
{
    const struct duo_facts *f = &duo_place_cost(s->request->world, s->request, s->place)->facts;
    struct duo_job job = { .seconds = seconds, .joules = seconds > 0 ? seconds * f->busy_watts : 0 };

    duo_step_pay(s, &job, s->place, wasted);
    if (s->place == DUO_DEVICE && !isnan(job.joules)) duo_device_drain(s->request->world, s->request->class, s->request->row.device, job.joules);
}

/* What was thought is in no text: the KV behind the prompt is of no use to anybody. */
void duo_step_forget(struct duo_step_record *s, struct duo_residence *k)
{
    int keep = k->extra + s->request->prompt_tokens;

    if (k->kv.tokens > keep) duo_kv_cut(&k->kv, keep);
    duo_path_cut(&k->path, 0);
}

void duo_step_stop(struct duo_step_record *s)
{
    struct duo_world *w = s->request->world;

    if (s->kind == DUO_STEP_SCORE && s->alarm.place) pay_score(s, duo_clock_now(w->clock) - s->job.started_at, true);
    duo_clock_cancel(w->clock, &s->alarm);
    if (s->split) duo_parts_stop(s);
    duo_speech_stop(s);
    if (s->working) {
        duo_work_cancel(s->request, s->place, s->replica, &s->job);
        if (s->kv && s->kv->kv.home) {                     /* what was run stays; where its text ends is known */
            struct duo_text_path path = s->kind == DUO_STEP_WRITE ? s->written.path : s->request->texts[input_of(s)].path;
            duo_path_cut(&path, s->kv->kv.tokens - s->kv->extra - s->request->prompt_tokens);
            s->kv->path = path;
        }
        if (s->job.hidden) duo_step_forget(s, s->kv);
        leave_server(s);
        duo_step_pay(s, &s->job, s->place, true);
    }
    if (s->order) duo_transport_cancel(w, s->order), s->order = NULL;
    if (s->chunk) duo_transport_cancel(w, s->chunk), s->chunk = NULL;
    if (s->tail)  duo_transport_cancel(w, s->tail),  s->tail  = NULL;
    if (s->word)  duo_transport_cancel(w, s->word),  s->word  = NULL;
    if (s->notice) duo_transport_cancel(w, s->notice), s->notice = NULL;
    s->tail_left = false;
}

static void tell(struct duo_step_record *s, struct duo_event *e)
{
    struct duo_request *r = s->request;

    if (s->told) return;
    s->told = true;
    if (s->kind != DUO_STEP_SCORE) duo_clock_cancel(r->world->clock, &s->alarm);       /* patience, or the wait */
    if (!tells(s->kind)) return;
    r->n_live--;
    e->step = s->id, e->at = s->parts ? s->parts->parts[s->parts->n_parts - 1].at : s->place;
    duo_request_tell(r, e);
}

void duo_step_fail(struct duo_step_record *s, enum duo_failure why)
{
    struct duo_request *r = s->request;
    struct duo_event e = { .kind = DUO_FAILED, .why = why, .score = NAN };
    bool moves_answer = s->kind == DUO_STEP_ANSWER || s->kind == DUO_STEP_SHOW;

    duo_step_stop(s);
    duo_step_shown(s);
    s->failed = true;
    if (moves_answer && !r->settled) {
        s->told = true;
        duo_request_end(r, 1, "the answer could not be delivered");
    } else
        tell(s, &e);
    duo_step_close(s);
}

/* ---- the word back to the seat */

static void deliver(struct duo_step_record *s, bool ok)
{
    if (ok && s->kv) s->kv->told = s->resident;
    if (!ok) { s->event = (struct duo_event){ .kind = DUO_FAILED, .why = DUO_UNREACHABLE, .score = NAN }; }
    else if (s->kind == DUO_STEP_VERIFY && s->result) {    /* the seat's site has the draft, the word brings the rest */
        enum duo_site site = duo_node_site(s->request->world, duo_seat_node(s->request->world));
        if (s->request->texts[s->draft].sites & 1u << site) duo_text_put(s->request, s->result, site);
    }
    tell(s, &s->event);
    duo_step_close(s);
}

static void word_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->word = NULL;
    s->holds++;
    deliver(s, ok);
    duo_step_release(s);
}

void duo_step_finish(struct duo_step_record *s, int node)
{
    struct duo_world *w = s->request->world;
    int seat = duo_seat_node(w);
    double payload = s->kind == DUO_STEP_VERIFY ? w->places[DUO_CLOUD].cost->facts.id_bytes : s->kind == DUO_STEP_SEND ? 0 : 16;

    if (s->kv) s->resident = duo_kv_tokens(s->kv);         /* what the word will tell */
    if (s->told) { duo_step_close(s); return; }
    if (s->abandoned) { s->told = true; duo_step_close(s); return; }
    if (node == seat || duo_transport_delay(w, node, seat) <= 0) deliver(s, true);
    else s->word = duo_transport_send(w, s->request, node, seat, duo_framed(w, payload), false, word_arrived, s);
}

/* ---- the first token */

static void notice_arrived(void *arg, bool ok)             /* "the first token is there": for patience */
{
    struct duo_step_record *s = arg;

    s->notice = NULL;
    s->holds++;
    if (ok) duo_clock_cancel(s->request->world->clock, &s->alarm);
    duo_step_release(s);
}

/* Its first token was written at `node`: patience ends when the seat knows, by a stream that comes to it or by a notice. */
void duo_step_begun(struct duo_step_record *s, int node)
{
    struct duo_world *w = s->request->world;
    int seat = duo_seat_node(w);

    s->begun = true;
    if (!s->alarm.place) return;
    if (duo_transport_delay(w, node, seat) <= 0) duo_clock_cancel(w->clock, &s->alarm);
    else if (!(s->show && seat == DUO_DEVICE) || s->split)
        s->notice = duo_transport_send(w, s->request, node, seat, duo_framed(w, 0), false, notice_arrived, s);
}

static void job_first(struct duo_job *j)
{
    struct duo_step_record *s = j->owner;

    if (s->abandoned) return;
    s->holds++;
    duo_step_begun(s, s->place);
    if (s->show) duo_step_stream(s, s->place);
    duo_step_release(s);
}

/* ---- the work */

void duo_step_written(struct duo_step_record *s, int node)
{
    struct duo_request *r = s->request;
    struct duo_certainty c = s->written.certainty;
    const struct duo_text_path *path = &s->written.path;

    s->result = duo_text_new(r, path, s->from);
    duo_text_put(r, s->result, duo_node_site(r->world, node));
    s->event = (struct duo_event){ .kind = DUO_WRITTEN, .text = s->result, .tokens = s->written.tokens, .ended = path->ended,
        .score = s->written.agreement,
        .confidence = { .mean = c.mean, .min = c.min, .last = c.last, .margin = c.margin, .entropy = c.entropy } };
}

static void verified(struct duo_step_record *s)
{
    struct duo_request *r = s->request;

    s->result = duo_text_new(r, &s->verified.path, s->from);
    duo_text_put(r, s->result, duo_node_site(r->world, s->place));
    r->row.rounds++;
    r->row.tokens_cloud += s->place > 0 ? s->verified.accepted + 1 : 0;
    r->written++;                                          /* the verifier's own token */
    s->event = (struct duo_event){ .kind = DUO_VERIFIED, .text = s->result, .tokens = s->verified.accepted,
        .ended = s->verified.path.ended, .score = NAN };
}

static void job_ended(struct duo_step_record *s, struct duo_job *j)
{
    struct duo_request *r = s->request;

    leave_server(s);
    duo_step_pay(s, j, s->place, s->abandoned);
    if (s->place == DUO_DEVICE && r->world->devices[r->row.device].dead) { duo_step_fail(s, DUO_NO_POWER); return; }
    if (j->failure) { duo_step_refuse(s, s->place, (enum duo_failure)j->failure); return; }
    s->kv->path = s->kind == DUO_STEP_WRITE ? s->written.path : r->texts[s->draft].path;
    if (r->world->places[s->place].api) {
        s->kv->kept = j->cached + j->fresh;
        s->kv->kept_until = duo_clock_now(r->world->clock) + r->world->places[s->place].spec->cache;
    }
    if (j->hidden) duo_step_forget(s, s->kv);
    if (s->abandoned) { duo_step_stop(s); return; }        /* (5): nobody waits for its stream any more */
    if (s->kind == DUO_STEP_WRITE) duo_step_written(s, s->place);
    else                           verified(s);
    if (s->show) duo_request_promise(r, s->result);
    if (s->show && duo_node_site(r->world, s->place) == DUO_SITE_DEVICE)
        duo_request_screen(r, duo_path_tokens(&s->written.path), true);
    else if (s->show) {
        if (s->tail && s->tail_left) duo_transport_release(r->world, s->tail);
        if (duo_seat_node(r->world) == DUO_DEVICE) {
            if (!s->chunk && !s->tail_left) duo_step_streamed(s);
            return;
        }
    }
    duo_step_finish(s, s->place);
}

static void job_done(struct duo_job *j)
{
    struct duo_step_record *s = j->owner;

    s->holds++;
    job_ended(s, j);
    duo_step_release(s);
}

/* The place can't: it says so in a message. */
void duo_step_refuse(struct duo_step_record *s, int node, enum duo_failure why)
{
    s->event = (struct duo_event){ .kind = DUO_FAILED, .why = why, .score = NAN };
    s->failed = true;
    duo_step_finish(s, node);
}

/* Positions of the input, and how many of them are at the replica already; picks the replica. */
static void submit(struct duo_step_record *s, int input, int recompute, int hidden, int output, int logits)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    const struct duo_cost *cost = duo_place_cost(w, r, s->place);
    const struct duo_text_path *path = &r->texts[input_of(s)].path;
    struct duo_encoding enc = { 0 };
    int cached, total;

    s->kv = duo_kv_find(r, s->place, path, 0, cost->facts.layers, &cached);                  /* (2) */
    s->replica = s->kv ? s->kv->replica : duo_pick_replica(r, s->place);
    if (!s->kv) {
        s->kv = duo_kv_make(r, s->place, s->replica, 0, cost->facts.layers);
        if (r->query.attachment) {
            enc = cost->kind->encode(cost, (enum duo_attachment_kind)r->query.attachment, r->query.attachment_bytes);
            s->kv->extra = enc.tokens;
        }
    }
    total = s->kv->extra + r->prompt_tokens + input;
    if (cached > total - recompute) cached = total - recompute;
    if (cached < 0) cached = 0;
    if (total + hidden + output > cost->facts.context) { duo_step_refuse(s, s->place, DUO_REFUSED); return; }
    if (s->place == DUO_DEVICE) {
        double loading = duo_device_loading(w, r->class, r->row.device);
        enc.seconds += loading, enc.joules += loading > 0 ? loading * cost->facts.busy_watts : 0;
    }
    s->kv->users++;
    s->job = (struct duo_job){ .kv = &s->kv->kv, .cached = cached, .fresh = total - cached, .output = hidden + output, .hidden = hidden, .logits = logits,
        .from_layer = 0, .to_layer = cost->facts.layers, .before = enc.seconds, .before_joules = enc.joules,
        .priority = r->class->spec->priority, .ids = r->ids.ids, .n_ids = s->kv->extra ? 0 : r->ids.n, .streams = s->show, .first = output ? job_first : NULL, .done = job_done, .owner = s };
    s->working = true;
    if (duo_work_submit(r, s->place, s->replica, &s->job)) return;
    s->working = false;
    s->kv->users--;
    duo_step_refuse(s, s->place, DUO_NO_MEMORY);
}

int duo_attachment_tokens(const struct duo_request *r, int place)
{
    const struct duo_cost *c = duo_place_cost(r->world, r, place);

    return r->query.attachment ? c->kind->encode(c, (enum duo_attachment_kind)r->query.attachment, r->query.attachment_bytes).tokens : 0;
}

static void work_write(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    const struct duo_order *work = &s->work;
    struct duo_ask ask = { .voice = duo_place_voice(r->world, r, s->place), .from = &r->texts[s->from].path, .tokens = work->tokens,
        .stop_below = work->stop_below, .temperature = work->temperature, .samples = work->samples, .sample = s->id,
        .plain = !(r->world->policy->needs & DUO_CONFIDENCE) };
    int room;

    duo_ask_write(r, &ask, &s->written);
    room = duo_place_cost(r->world, r, s->place)->facts.context - r->prompt_tokens - duo_text_tokens(r, s->from) - duo_attachment_tokens(r, s->place) - s->written.thinking;
    if (room < 1) { duo_step_refuse(s, s->place, DUO_REFUSED); return; }
    if (s->written.tokens > room) {                        /* it stops where the context ends */
        ask.tokens = room;
        duo_ask_write(r, &ask, &s->written);
    }
    if (s->written.tokens == 0) { duo_step_written(s, s->place); duo_step_finish(s, s->place); return; }
    submit(s, duo_text_tokens(r, s->from), 1, s->written.thinking, s->written.tokens, 1);
}

static void work_verify(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    int draft = duo_text_tokens(r, s->draft), fresh = draft - duo_text_tokens(r, s->from) + 1;

    duo_ask_verify(r, duo_place_voice(r->world, r, s->place), &r->texts[s->from].path, &r->texts[s->draft].path, &s->verified);
    submit(s, draft, fresh, 0, 0, fresh);
}

static void score_done(void *arg)
{
    struct duo_step_record *s = arg;
    struct duo_request *r = s->request;

    s->holds++;
    pay_score(s, s->job.before, s->abandoned);
    s->event = (struct duo_event){ .kind = DUO_SCORED, .text = s->from, .score = duo_ask_score(r, s->scorer) };
    duo_step_finish(s, s->place);
    duo_step_release(s);
}

static void moved(struct duo_step_record *s)               /* a send, a show or the answer has arrived */
{
    struct duo_request *r = s->request;

    if (s->kind == DUO_STEP_SEND) {
        s->event = (struct duo_event){ .kind = DUO_SENT, .text = s->from, .score = NAN };
        duo_step_finish(s, s->place);
        return;
    }
    s->told = true;
    if (!s->abandoned) duo_request_screen(r, duo_text_tokens(r, s->from), false);
    duo_step_close(s);
}

static void begin_work(struct duo_step_record *s)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;

    if (s->place == DUO_DEVICE && w->devices[r->row.device].dead) { duo_step_fail(s, DUO_NO_POWER); return; }
    switch (s->kind) {
    case DUO_STEP_WRITE:  if (s->parts) duo_parts_begin(s); else work_write(s); break;
    case DUO_STEP_VERIFY: work_verify(s); break;
    case DUO_STEP_SCORE:
        s->job.started_at = duo_clock_now(w->clock);
        if (s->job.before > 0) duo_clock_set(w->clock, &s->alarm, duo_clock_now(w->clock) + s->job.before, score_done, s);
        else                   score_done(s);
        break;
    default:              moved(s);
    }
}

void duo_step_arrived(struct duo_step_record *s)
{
    duo_text_put(s->request, input_of(s), duo_node_site(s->request->world, s->place));
    begin_work(s);
}

/* ---- the way to the place */

static void input_arrived_now(struct duo_step_record *s, bool ok)
{
    if (!ok) {                                             /* (4) */
        if (s->told) duo_step_close(s);
        else         duo_step_fail(s, DUO_UNREACHABLE);
        return;
    }
    duo_step_arrived(s);                                   /* also when called off: the recall comes after it (5) */
}

static void input_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->order = NULL;
    s->holds++;
    input_arrived_now(s, ok);
    duo_step_release(s);
}

static void order_at_holder_now(struct duo_step_record *s, bool ok)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    double bytes;
    int holder;

    if (!ok) { input_arrived_now(s, ok); return; }
    bytes = duo_text_missing(r, input_of(s), duo_node_site(w, s->place));
    holder = duo_text_holder(r, input_of(s), s->place);
    if (bytes <= 0 || holder == s->place) input_arrived_now(s, true);
    else s->order = duo_transport_send(w, r, holder, s->place, duo_framed(w, bytes), false, input_arrived, s);
}

static void order_at_holder(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->order = NULL;
    s->holds++;
    order_at_holder_now(s, ok);
    duo_step_release(s);
}

static void too_late(void *arg)                            /* patience is over */
{
    struct duo_step_record *s = arg;
    struct duo_event e = { .kind = DUO_FAILED, .why = DUO_LATE, .score = NAN };

    s->holds++;
    tell(s, &e);
    duo_step_cancel(s, false);
    duo_step_release(s);
}

void duo_step_start(struct duo_step_record *s)             /* (1) */
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    int seat = duo_seat_node(w), holder;
    double bytes = duo_text_missing(r, input_of(s), duo_node_site(w, s->place));

    s->holds++;
    if (s->kind == DUO_STEP_WRITE && s->work.patience > 0)
        duo_clock_set(w->clock, &s->alarm, fmax(s->asked_at, r->row.arrived) + s->work.patience, too_late, s);
    if (r->spoken && duo_speech_listen(s)) { duo_step_release(s); return; }
    holder = bytes > 0 ? duo_text_holder(r, input_of(s), seat) : s->place;
    if (bytes > 0 && duo_node_site(w, holder) != duo_node_site(w, seat))
        s->order = duo_transport_send(w, r, seat, holder, duo_framed(w, 0), false, order_at_holder, s);
    else if (duo_node_site(w, seat) != duo_node_site(w, s->place) || duo_transport_delay(w, seat, s->place) > 0)
        s->order = duo_transport_send(w, r, seat, s->place, duo_framed(w, bytes), false, input_arrived, s);
    else
        input_arrived_now(s, true);
    duo_step_release(s);
}

/* ---- the end before the end */

static void recall_arrived(void *arg, bool ok)
{
    struct duo_step_record *s = arg;

    s->recall = NULL;
    s->holds++;
    if (ok) duo_step_stop(s);
    duo_step_release(s);
}

void duo_step_cancel(struct duo_step_record *s, bool now)
{
    struct duo_request *r = s->request;
    struct duo_world *w = r->world;
    int seat = duo_seat_node(w);

    if (s->abandoned || (s->told && !s->working && !s->speech && !duo_parts_working(s) && !s->order && !(s->kind == DUO_STEP_SCORE && s->alarm.place))) return;   /* nothing left to stop */
    s->holds++;
    s->abandoned = true;
    if (!s->told) {
        s->told = true;
        if (tells(s->kind)) r->n_live--;
    }
    if (s->working) s->job.written = duo_work_written(r, s->place, s->replica, &s->job);
    if (!s->chunk) duo_step_shown(s);
    if (s->kind != DUO_STEP_SCORE) duo_clock_cancel(w->clock, &s->alarm);
    if (now || s->waits || s->kind == DUO_STEP_WAIT || duo_transport_delay(w, seat, s->place) <= 0) {
        duo_step_stop(s);
    } else
        s->recall = duo_transport_send(w, r, seat, s->place, duo_framed(w, 0), false, recall_arrived, s);
    duo_step_release(s);
}
