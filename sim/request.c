/* request.c - a request from its arrival to its row.
 *
 * (1) The seat hears of a request when it arrives on the device; a gateway seat, when the prompt has reached it.
 * (2) Events wait in the request's inbox; the policy is called with one at a time, after its think time.
 * (3) A policy that asks for something impossible, takes back what was shown, loops, or stops with nothing in
 *     flight and no end, fails its run by name.
 * (4) The answer counts when its last token is on the screen; what is still in flight then is cancelled, and the
 *     row is written when the last of it has been paid.
 * (5) A quality that nobody recorded fails the request, with the reason; answers that have no qualities at all
 *     leave it unknown.
 * (6) On a device without power every request fails.
 * (7) All seconds count from the arrival; of a spoken request that is the end of the speech (speech.c). */
#include "sim/device.h"
#include "sim/money.h"
#include "sim/pipe.h"
#include "sim/request.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void process(struct duo_request *);

/* ---- arrival */

static struct duo_request *take(struct duo_world *w)
{
    struct duo_request *r = w->spare_requests, kept;

    if (!r) {
        r = duo_new(1, sizeof *r);
        duo_world_keep(w, r);
        if (w->policy->request_size) r->block = duo_new(1, w->policy->request_size);
        return r;
    }
    w->spare_requests = r->next;
    kept = *r;
    *r = (struct duo_request){ .texts = kept.texts, .room_texts = kept.room_texts, .inbox = kept.inbox,
                               .room_inbox = kept.room_inbox, .block = kept.block };
    if (r->block) memset(r->block, 0, w->policy->request_size);
    return r;
}

static struct duo_session *session_of(struct duo_world *w, int id)
{
    struct duo_session **slot = &w->sessions[(unsigned)id % (unsigned)w->n_session_slots], *s;

    for (s = *slot; s; s = s->next)
        if (s->id == id) return s;
    s = duo_new(1, sizeof *s);
    s->id = id, s->next = *slot;
    if (w->policy->session_size) s->block = duo_new(1, w->policy->session_size);
    return *slot = s;
}

static void session_drop(struct duo_world *w, struct duo_session *s)
{
    struct duo_session **slot = &w->sessions[(unsigned)s->id % (unsigned)w->n_session_slots];

    while (*slot != s) slot = &(*slot)->next;
    *slot = s->next;
    duo_pipe_session_over(w->pipe, s->id);
    duo_kv_forget(w, &s->residences);
    free(s->block);
    free(s);
}

static void place_on_device(struct duo_world *w, struct duo_request *r)
{
    /* a session stays on its device */
    uint64_t key = r->query.session >= 0 ? (uint64_t)r->query.session : (uint64_t)r->row.id;
    double u = duo_draw(w->spec->seed, "class", key);
    int c = 0;

    while (c < w->n_classes - 1 && u >= w->class_edge[c]) c++;
    r->class = &w->classes[c];
    r->row.class = c;
    r->row.device = r->class->first + (int64_t)(duo_draw(w->spec->seed, "device", key) * (double)r->class->count);
    r->row.cell = r->row.device % w->scenario->cells.count;
}

static void reached_gateway(void *arg, bool ok)
{
    struct duo_request *r = arg;
    struct duo_event e = { .kind = DUO_ARRIVED, .text = 1, .score = NAN };

    r->n_live--;
    r->delivering = false;
    if (r->settled) { duo_request_close(r); return; }
    if (!ok) { duo_request_end(r, 1, "the prompt did not reach the gateway"); return; }
    duo_text_put(r, 1, DUO_SITE_CLOUD);
    duo_request_tell(r, &e);
}

void duo_request_arrive(struct duo_world *w, const struct duo_arrival *a, int query, struct duo_session *session)
{
    struct duo_request *r = take(w);
    struct duo_text_path empty = { .query = query };
    const struct duo_answers *answers = w->answers;
    struct duo_device *d;
    const char *why;
    (void)why;

    r->world = w;
    answers->kind->query(answers, query, &r->query);
    r->previous = w->newest;
    if (w->newest) w->newest->next = r;
    else           w->requests = r;
    w->newest = r;
    w->live++;
    r->row = (struct duo_row_request){ .id = w->arrived++, .query = query, .session = r->query.session < 0 ? DUO_NONE : r->query.session,
        .turn = r->query.session < 0 ? DUO_NONE : r->query.turn, .arrived = duo_clock_now(w->clock), .reason = DUO_NONE,
        .answer_tokens = DUO_NONE, .quality = NAN, .quality_weak = NAN, .quality_strong = NAN, .ttft = NAN, .tpot = NAN, .e2e = NAN };
    if (r->query.turn > 0) r->query.attachment = 0, r->query.attachment_bytes = 0;      /* it came with the first turn */
    r->prompt_tokens = r->query.prompt_tokens;
    r->row.prompt_tokens = r->prompt_tokens;
    if (w->prompt_ids && r->query.turn == 0) r->ids = w->prompt_ids[query % w->n_prompt_ids];
    (void)a;
    place_on_device(w, r);
    if (r->query.session >= 0) {
        r->session = session ? session : session_of(w, r->query.session);
        r->session->live++;
    }
    duo_text_new(r, &empty, 0);                            /* handle 0: none */
    duo_text_new(r, &empty, 0);                            /* handle 1: the prompt */
    duo_text_put(r, 1, DUO_SITE_DEVICE);
    r->first_at = r->screen_at = NAN;
    d = &w->devices[r->row.device];
    duo_device_join(w, r->class, r->row.device);
    if (d->dead) { duo_request_end(r, 1, "the device's battery is empty"); return; }       /* (6) */
    if (w->scenario->arrivals.speech > 0) duo_speech_begin(r);
    else                                  duo_request_heard(r);
}

void duo_request_heard(struct duo_request *r)              /* (1) */
{
    struct duo_world *w = r->world;
    struct duo_event e = { .kind = DUO_ARRIVED, .text = 1, .score = NAN };

    if (w->seat == DUO_SEAT_DEVICE) { duo_request_tell(r, &e); return; }
    r->n_live++;
    r->delivering = true;
    duo_transport_send(w, r, DUO_DEVICE, DUO_GATEWAY, duo_framed(w, r->query.prompt_bytes + r->query.attachment_bytes),
                       false, reached_gateway, r);
}

/* ---- the policy's turn (2) */

void duo_request_tell(struct duo_request *r, const struct duo_event *e)
{
    if (r->over) return;
    if (r->world->devices[r->row.device].dead) { duo_request_end(r, 1, "the device's battery is empty"); return; }   /* (6) */
    if (r->n_inbox == r->room_inbox) {
        r->room_inbox = r->room_inbox ? 2 * r->room_inbox : 2;
        r->inbox = duo_grow(r->inbox, (size_t)r->room_inbox, sizeof *r->inbox);
    }
    r->inbox[r->n_inbox++] = *e;
    if (!r->in_turn && !r->thinking) process(r);
}

/* Does a stream or a show that is still in flight bring so many tokens to the screen? */
static bool on_its_way(const struct duo_request *r, int tokens)
{
    for (const struct duo_step_record *s = r->steps; s; s = s->next) {
        bool moves = s->kind == DUO_STEP_SHOW || s->kind == DUO_STEP_ANSWER;
        if (moves && !s->told && duo_text_tokens(r, s->from) >= tokens) return true;
        if (s->show && s->told && s->result && !s->abandoned && (s->chunk || s->tail_left) && duo_text_begins(r, s->result, r->answer)) return true;
    }
    return false;
}

static void conclude(struct duo_request *r)                /* the policy has answered */
{
    struct duo_world *w = r->world;
    struct duo_step_record *s, *next;
    int tokens = duo_text_tokens(r, r->answer);

    for (s = r->steps; s; s = next) {                      /* (4); a stream that brings the answer goes on */
        next = s->next;
        if (!(s->told && s->show && !s->failed) && s->kind != DUO_STEP_SHOW && s->kind != DUO_STEP_ANSWER) duo_step_cancel(s, false);
    }
    if (r->settled) return;
    if (r->screen_tokens >= tokens) { duo_request_end(r, 0, NULL); return; }
    if (on_its_way(r, tokens)) return;
    s = duo_step_new(r, DUO_STEP_ANSWER, DUO_DEVICE);
    s->from = r->answer;
    (void)w;
    duo_step_start(s);
}

static void call(struct duo_request *r, const struct duo_event *e)
{
    struct duo_world *w = r->world;
    struct duo_watch *watch = w->spec->watch;
    struct duo_place_view places[DUO_MAX_PLACES];
    struct duo_view view;
    struct duo_turn turn = { .view = &view, .event = *e, .prompt = 1, .config = w->config, .request = r->block,
        .session = r->session ? r->session->block : NULL, .engine = (struct duo_engine *)r };

    turn.seat = w->seat == DUO_SEAT_GATEWAY ? w->gateway_seat : w->devices[r->row.device].seat;
    if (w->policy->seat_size && !turn.seat) {
        turn.seat = w->devices[r->row.device].seat = duo_new(1, w->policy->seat_size);
        duo_world_keep(w, turn.seat);
    }
    duo_view_fill(r, &view, places);
    w->devices[r->row.device].met = true;
    r->in_turn = true;
    if (watch) watch->calls++, watch->in_policy = 1;
    w->policy->next(&turn);
    if (watch) watch->in_policy = 0;
    r->in_turn = false;
}

static void thought(void *arg)
{
    struct duo_request *r = arg;
    struct duo_event e = r->inbox[0];

    r->thinking = false;
    memmove(r->inbox, r->inbox + 1, (size_t)--r->n_inbox * sizeof *r->inbox);
    r->holds++;
    call(r, &e);
    r->holds--;
    process(r);
}

static void turns(struct duo_request *r)
{
    struct duo_world *w = r->world;

    while (!w->stop) {
        struct duo_event e;
        if (r->over) {
            if (r->answer && !r->settled) conclude(r);
            return;
        }
        if (!r->n_inbox) break;
        if (w->policy->think > 0) {
            const struct duo_facts *f = &r->class->cost->facts;
            if (w->seat == DUO_SEAT_DEVICE && !isnan(f->busy_watts)) {
                r->row.joules_device += w->policy->think * f->busy_watts;
                duo_device_spend(w, r->row.device, w->policy->think * f->busy_watts);
            }
            r->thinking = true;
            duo_clock_set(w->clock, &r->think_alarm, duo_clock_now(w->clock) + w->policy->think, thought, r);
            return;
        }
        e = r->inbox[0];
        memmove(r->inbox, r->inbox + 1, (size_t)--r->n_inbox * sizeof *r->inbox);
        call(r, &e);
    }
    if (!w->stop && !r->over && r->n_live == 0)
        duo_world_fail(w, "asked for nothing and gave no answer (request %lld)", (long long)r->row.id);     /* (3) */
}

static void process(struct duo_request *r)
{
    r->holds++;
    turns(r);
    r->holds--;
    duo_request_close(r);
}

/* ---- what the user sees */

void duo_request_promise(struct duo_request *r, duo_text t)
{
    if (r->shown && !duo_text_begins(r, t, r->shown)) {
        duo_world_fail(r->world, "takes back what it has shown (request %lld)", (long long)r->row.id);
        return;
    }
    r->shown = t;
    r->shown_tokens = duo_text_tokens(r, t);
}

void duo_request_screen(struct duo_request *r, int tokens, bool counted)
{
    struct duo_world *w = r->world;
    double now = duo_clock_now(w->clock);

    if (r->settled) return;
    if (tokens > r->screen_tokens) {
        if (isnan(r->first_at)) r->first_at = now;
        else if (!counted) duo_gaps_add(&w->gaps, now - r->screen_at, 1);
        r->screen_at = now;
        r->screen_tokens = tokens;
    }
    if (r->over && r->answer && r->screen_tokens >= duo_text_tokens(r, r->answer)) duo_request_end(r, 0, NULL);
}

/* ---- the end */

static void grade(struct duo_request *r, int *status, const char **why)
{
    struct duo_world *w = r->world;
    const char *reason = "quality not known";

    if (!(w->answers->caps & DUO_CAP_OUTCOME)) return;     /* (5) */
    r->row.quality = duo_ask_grade(r, &r->texts[r->answer].path, &reason);
    if (isnan(r->row.quality)) *status = 1, *why = reason;
}

void duo_request_end(struct duo_request *r, int status, const char *why)
{
    struct duo_world *w = r->world;
    double now = duo_clock_now(w->clock);
    struct duo_step_record *s, *next;
    int tokens;

    if (r->settled) return;
    r->holds++;
    r->over = r->settled = true;
    r->n_inbox = 0;
    if (r->thinking) duo_clock_cancel(w->clock, &r->think_alarm), r->thinking = false;
    duo_clock_cancel(w->clock, &r->speech_alarm);
    if (status == 0) {
        grade(r, &status, &why);
        tokens = duo_text_tokens(r, r->answer);
        if (status == 0) {
            r->row.answer_tokens = tokens;
            r->row.e2e = now - r->row.arrived;
            r->row.ttft = isnan(r->first_at) ? r->row.e2e : r->first_at - r->row.arrived;
            if (tokens > 1 && r->row.ttft < r->row.e2e) r->row.tpot = (r->row.e2e - r->row.ttft) / (tokens - 1);
        }
    }
    r->row.status = status;
    if (status == 1) r->row.reason = duo_world_reason(w, why ? why : "failed");
    for (s = r->steps; s; s = next) {
        next = s->next;
        duo_step_cancel(s, w->devices[r->row.device].dead);
    }
    r->holds--;
    duo_request_close(r);
}

/* Truth for the analysis: what the device alone and the cloud alone would have reached. */
double duo_request_alone(const struct duo_request *r, int place)
{
    const struct duo_answers *a = r->world->answers;
    int voice = duo_place_voice(r->world, r, place);
    struct duo_text_path path = { .query = r->query.index, .n = 1, .ended = true };
    const char *why;

    if (voice < 0 || !(a->caps & DUO_CAP_OUTCOME)) return NAN;
    path.segment[0] = (struct duo_segment){ .voice = (int16_t)voice, .to = duo_ask_length(r, voice) };
    return duo_ask_grade(r, &path, &why);
}

/* The same; no second look where the answer is just that. */
static double truth_of(const struct duo_request *r, int place)
{
    const struct duo_text_path *p = r->answer ? &r->texts[r->answer].path : NULL;

    if (p && p->n == 1 && p->ended && !p->segment[0].exit_layer && !isnan(r->row.quality) &&
        p->segment[0].voice == duo_place_voice(r->world, r, place)) return r->row.quality;
    return duo_request_alone(r, place);
}

void duo_request_emit(struct duo_request *r, int status)
{
    struct duo_world *w = r->world;
    int64_t useful = r->row.answer_tokens == DUO_NONE ? 0 : r->row.answer_tokens;

    r->row.status = r->row.arrived < w->scenario->warmup ? 3 : status;
    r->row.quality_weak = truth_of(r, DUO_DEVICE);
    r->row.quality_strong = truth_of(r, DUO_CLOUD);
    duo_money_end(r);
    r->row.wasted_tokens = r->written > useful ? r->written - useful : 0;
    if (r->row.status < 3) {
        w->answered += status == 0, w->failed += status == 1, w->pending += status == 2;
        w->cloud_calls += r->row.cloud;
        w->means.prompts++, w->means.prompt += (double)r->row.prompt_tokens;
        if (status == 0) w->means.answers++, w->means.answer += (double)useful;
    }
    duo_rows_request(w->rows, &r->row);
}

static void next_turn(void *arg);

struct duo_turn_alarm { struct duo_alarm alarm; struct duo_world *world; int query; struct duo_session *session; struct duo_turn_alarm *next; };

/* Kept by the world: a run may end before the turn comes. */
static struct duo_turn_alarm *new_turn(struct duo_world *w)
{
    struct duo_turn_alarm *t = w->spare_turns;

    if (t) w->spare_turns = t->next, *t = (struct duo_turn_alarm){ 0 };
    else   t = duo_new(1, sizeof *t), duo_world_keep(w, t);
    return t;
}

static void session_goes_on(struct duo_request *r)
{
    struct duo_world *w = r->world;
    struct duo_session *s = r->session;
    struct duo_query q = { .session = -1 };
    int next = r->query.index + 1;

    if (!s) return;
    s->live--;
    if (w->answers->n_queries == 0 || next < w->answers->n_queries) w->answers->kind->query(w->answers, next, &q);
    if (q.session == s->id && q.turn == r->query.turn + 1 && !w->devices[r->row.device].dead) {
        struct duo_turn_alarm *t = new_turn(w);
        double think = -w->scenario->arrivals.think * log1p(-duo_draw(w->spec->seed, "think", (uint64_t)next));
        t->world = w, t->query = next, t->session = s;
        s->live++;                                         /* for the turn to come */
        duo_clock_set(w->clock, &t->alarm, duo_clock_now(w->clock) + think, next_turn, t);
        w->live++;                                         /* so that the run waits for it */
    } else if (s->live == 0)
        session_drop(w, s);
}

static void next_turn(void *arg)
{
    struct duo_turn_alarm *t = arg;
    struct duo_world *w = t->world;
    struct duo_session *s = t->session;
    int query = t->query;

    t->next = w->spare_turns, w->spare_turns = t;
    w->live--;
    s->live--;
    duo_request_arrive(w, &(struct duo_arrival){ .session = -1 }, query, s);
}

void duo_request_close(struct duo_request *r)
{
    struct duo_world *w = r->world;

    if (!r->settled || r->steps || r->holds || r->delivering) return;
    if (!duo_feedback_later(r)) duo_pipe_request_over(w->pipe, r->row.id);
    duo_request_emit(r, (int)r->row.status);
    if (r->previous) r->previous->next = r->next;
    else             w->requests = r->next;
    if (r->next) r->next->previous = r->previous;
    else         w->newest = r->previous;
    session_goes_on(r);
    duo_kv_forget(w, &r->residences);
    duo_device_leave(w, r->class, r->row.device);
    duo_device_rest(w, r->row.device);
    r->n_texts = 0;
    r->next = w->spare_requests;
    w->spare_requests = r;
    w->live--;
    if (w->spec->watch) w->spec->watch->finished++;
    if (w->live == 0 && w->all_arrived) w->stop = true;
}
