/* server_step.c - iterations of a server, many at once (requirements (2), (3), (4), (9) of server.h). */
#include "sim/server_inside.h"

#include <assert.h>
#include <math.h>

/* ---- the stretch in closed form (3) ---- */

/* The root is a guess; the ends decide. */
uint64_t duo_stretch_done(const struct duo_server *s, double now)
{
    double t = now - s->t0, h = s->a - s->b / 2, guess;
    uint64_t k;

    if (!s->iterating) return 0;
    if (end_of(s, s->last) <= now) return s->last;
    guess = 2 * t / (h + sqrt(h * h + 2 * s->b * t));
    k = guess >= (double)s->last ? s->last : guess > 0 ? (uint64_t)guess : 0;
    while (k < s->last && end_of(s, k + 1) <= now) k++;
    while (k > 0 && end_of(s, k) > now) k--;
    return k;
}

/* The iteration that runs at `now`, or that ended at this very instant. */
uint64_t duo_stretch_running(const struct duo_server *s, double now, uint64_t done)
{
    return end_of(s, done) >= now ? done : done + 1;
}

void duo_stretch_alarm(struct duo_server *s)
{
    double at = s->iterating ? end_of(s, s->next) : INFINITY;
    bool busy = s->iterating || s->before.first;

    if (s->before.first && s->before.first->seconds_mark < at) at = s->before.first->seconds_mark;
    if (isinf(at)) duo_clock_cancel(s->is.clock, &s->alarm);
    else if (!s->alarm.place || s->alarm.at < at || s->alarm.at > at) duo_clock_set(s->is.clock, &s->alarm, at, s->alarm.ring, s);
    if (busy && isnan(s->busy_since)) s->busy_since = now_of(s);
    if (!busy && !isnan(s->busy_since)) s->totals.busy_seconds += now_of(s) - s->busy_since, s->busy_since = NAN;
}

/* One that began at this very instant was decided on before. */
uint64_t duo_stretch_turn(const struct duo_server *s)
{
    uint64_t done;

    if (!s->is.ahead) return 0;
    if (!s->iterating) return s->ringing && (s->n_heap || s->prompts.first) ? s->turn + 1 : 0;
    done = duo_stretch_done(s, now_of(s));
    return s->turn + done + (end_of(s, done) < now_of(s) ? 2 : 1);
}

/* An iteration that has not begun is formed anew. */
void duo_stretch_cut(struct duo_server *s, int more)
{
    double now = now_of(s);
    uint64_t k = duo_stretch_running(s, now, duo_stretch_done(s, now)) + (uint64_t)more;

    if (k == 0) {
        s->iterating = false;
        if (!s->ringing) duo_stretch_form(s);
        return;
    }
    if (k < s->last) s->last = k;
    if (s->next > s->last) s->next = s->last;
    if (!s->singly) s->next = s->last;
    if (!s->ringing) duo_stretch_alarm(s);
}

void duo_stretch_kick(struct duo_server *s)
{
    const struct duo_job *j = s->queue.first;

    if (s->ringing || !j || s->running >= s->slots) return;
    if (!s->iterating) duo_stretch_form(s);
    else if (!kv_of(j) || duo_kv_lacking(s, j) <= 0) duo_stretch_cut(s, s->is.ahead);
}

/* ---- heat (9) ---- */

static struct duo_heat *heat_of(struct duo_server *s) { return s->is.heat ? s->is.heat : &s->own_heat; }

static void cool(struct duo_server *s)
{
    const struct duo_facts *f = &s->is.cost->facts;
    struct duo_heat *h = heat_of(s);
    double rest = now_of(s) - h->at;

    if (!duo_throttles(f)) return;
    h->seconds = f->throttle_cool > 0 ? fmax(0, h->seconds - rest * (f->throttle_heat / f->throttle_cool)) : rest > 0 ? 0 : h->seconds;
    h->at = now_of(s);
    if (h->seconds <= 0) h->hot = false;
}

static void warm(struct duo_server *s, double seconds)
{
    const struct duo_facts *f = &s->is.cost->facts;
    struct duo_heat *h = heat_of(s);

    if (!duo_throttles(f)) return;
    if (seconds >= f->throttle_heat - h->seconds) h->seconds = f->throttle_heat, h->hot = true;
    else                                          h->seconds += seconds;
    h->at = now_of(s);
}

/* The first iteration of the stretch at whose end it is hot. */
static uint64_t until_hot(struct duo_server *s, uint64_t most)
{
    double left = s->is.cost->facts.throttle_heat - heat_of(s)->seconds, h = s->a - s->b / 2, guess;
    uint64_t k;

    if (!duo_throttles(&s->is.cost->facts) || heat_of(s)->hot || sum_of(s->a, s->b, most) < left) return most;
    guess = 2 * left / (h + sqrt(h * h + 2 * s->b * left));
    k = guess >= (double)most ? most : guess > 1 ? (uint64_t)guess : 1;
    while (k < most && sum_of(s->a, s->b, k) < left) k++;
    while (k > 1 && sum_of(s->a, s->b, k - 1) >= left) k--;
    return k;
}

/* ---- an iteration ---- */

static void widen(const struct duo_job *j, int *from, int *to)
{
    if (j->from_layer < *from) *from = j->from_layer;
    if (j->to_layer > *to) *to = j->to_layer;
}

/* Layers that the iteration touches. */
static void span(const struct duo_server *s, int *from, int *to)
{
    int layers = s->is.cost->facts.layers;

    *from = 0, *to = layers;
    if (s->whole || s->others) return;
    *from = layers, *to = 0;
    for (const struct duo_job *j = s->prompts.first; j && j->slot > 0 && (*from > 0 || *to < layers); j = j->next) widen(j, from, to);
    for (int i = 0; i < s->n_heap && (*from > 0 || *to < layers); i++) widen(s->heap[i].job, from, to);
}

/* The job's chunk: tokens that are left of the budget then. */
static int chunk(struct duo_server *s, struct duo_job *j, int room, struct duo_load *load)
{
    const struct duo_cost *c = s->is.cost;
    struct duo_growth growth;
    int n = j->left < room ? j->left : room;

    if (s->is.chunk && n > s->is.chunk) n = s->is.chunk;
    if ((j->slot = n) == 0) return room;
    s->chunked += n;
    add_load(load, c->kind->item(c, n, (double)input_of(j) - j->left, j->from_layer, j->to_layer, n == j->left ? j->logits : 0, &growth), 1);
    return room - n;
}

/* (2), (7): prompts of the batch, then the queue, of those whose turn it is.  true: somebody's turn is next. */
static bool take_in(struct duo_server *s, struct duo_load *load, uint64_t turn)
{
    bool preempted = duo_batch_room(s), early = false;
    int room = s->is.budget - s->n_heap - s->others;

    if (room < 1) room = 1;
    *load = s->load;
    for (struct duo_job *j = s->prompts.first; j; j = j->next) {
        if ((early = j->turn > turn)) break;
        if (!room && !j->slot) break;                             /* those behind have none, either */
        room = chunk(s, j, room, load);
    }
    while (!early && !preempted && room > 0 && s->queue.first && !(early = s->queue.first->turn > turn) && duo_batch_enter(s))
        if (s->prompts.last && !s->prompts.last->slot) room = chunk(s, s->prompts.last, room, load);
    if (s->waiting > s->totals.peak_waiting) s->totals.peak_waiting = s->waiting;
    return early || (s->waiting && s->left);
}

static void note_peak(struct duo_server *s)
{
    double share = (s->used - s->idle) / s->capacity;

    if (share > s->totals.kv_peak) s->totals.kv_peak = share;
}

void duo_stretch_form(struct duo_server *s)
{
    const struct duo_cost *c = s->is.cost;
    uint64_t preempted = s->totals.preempted;
    struct duo_load load;
    struct duo_growth growth;
    struct duo_price p;
    int from, to;
    double slower;
    bool early;

    assert(!s->iterating);
    s->chunked = 0, s->stream_left = 0, s->paid = false;
    if (s->ended < now_of(s)) s->began = now_of(s);
    early = take_in(s, &load, s->turn);
    s->left = 0;
    if (early && !s->n_heap && !s->chunked) s->began = now_of(s), early = take_in(s, &load, UINT64_MAX);   /* (10) */
    note_peak(s);
    if (!s->n_heap && !s->prompts.first) {
        duo_stretch_alarm(s);
        return;
    }
    if (s->others)
        add_load(&load, c->kind->item(c, 1, s->is.background_context - 1, 0, c->facts.layers, 1, &growth), s->others);
    span(s, &from, &to);
    p = c->kind->price(c, &load, from, to);
    assert(p.seconds >= 0 && p.per_context >= 0);
    cool(s);
    slower = heat_of(s)->hot ? 1 / c->facts.throttle_share : 1;
    s->t0 = now_of(s);
    s->growth_then = s->growth, s->decoding_then = s->n_heap, s->streaming_then = s->streaming;
    s->a = p.seconds * slower, s->b = p.per_context * s->growth * slower;
    s->joules_a = p.joules,    s->joules_b = p.joules_per_context * s->growth;
    s->members = s->n_heap + s->chunked + s->others;
    s->last = s->chunked || early || s->totals.preempted > preempted ? 1 : until_hot(s, duo_kv_steps(s, s->heap[0].step - s->steps));
    s->next = s->singly ? 1 : s->last;
    s->iterating = true;
    if (!s->chunked) s->step_seconds = s->a;
    duo_stretch_alarm(s);
}

void duo_stretch_book(struct duo_server *s, double seconds, double joules)
{
    s->seconds += seconds / s->members;
    s->joules  += joules / s->members;
    s->totals.joules += joules;
    warm(s, seconds);
}

void duo_stretch_settle(struct duo_server *s, uint64_t k)
{
    double n = (double)k, seconds = sum_of(s->a, s->b, k), tokens = n * s->decoding_then + (k ? s->chunked : 0);

    s->iterating = false;
    if (!k) return;
    duo_stretch_book(s, seconds, sum_of(s->joules_a, s->joules_b, k));
    s->totals.iterations += n;
    s->totals.tokens_in  += s->chunked;
    s->totals.tokens_out += n * s->decoding_then;
    s->left_running -= tokens;
    s->pace_tokens  = 0.95 * s->pace_tokens + tokens;
    s->pace_seconds = 0.95 * s->pace_seconds + seconds;
    s->used += duo_kv_growth(s, k);
    note_peak(s);
    s->steps += k;
    s->turn += k;
    s->began = end_of(s, k - 1), s->ended = end_of(s, k);
    s->load.context += n * s->growth_then;
    s->load.pairs   += n * s->growth_then;
    if (s->is.gaps && s->streaming_then) {                        /* who left in the last iteration did not see its token */
        duo_gaps_run(s->is.gaps, s->a, s->b, k - (s->stream_left > 0), (uint64_t)s->streaming_then);
        if (s->stream_left > 0 && s->streaming_then > s->stream_left)
            duo_gaps_add(s->is.gaps, s->a + s->b * (n - 1), (uint64_t)(s->streaming_then - s->stream_left));
    }
}

/* ---- jobs go on ---- */

static void end_decoding(struct duo_server *s)
{
    while (s->n_heap && s->heap[0].step <= s->steps) {
        struct duo_job *j = s->heap[0].job;
        int positions = j->prompt + j->output - 1;
        if (!j->seen && written_at(j, s->steps) > j->hidden) duo_batch_seen(s, j);
        if (written_at(j, s->steps) < j->output) {
            duo_batch_grow(s, j);
            continue;
        }
        duo_batch_stop(s, j, s->steps);
        duo_batch_share(s, j, 0);
        j->written = j->output;
        duo_batch_end(s, j, duo_kv_own(s, j, positions), positions);
    }
}

/* Its input is run: a token is there, the first one or, after a preemption, a later one. */
static void end_prompt(struct duo_server *s, struct duo_job *j)
{
    int positions = j->prompt + (j->output > 0 ? j->output - 1 : 0);

    unlink_job(&s->prompts, j);
    if (j->output > 0) {
        if (j->seen && j->streams && s->is.gaps) duo_gaps_add(s->is.gaps, now_of(s) - j->last_at, 1);
        if (++j->written > j->hidden && !j->seen) {
            j->seen = true;
            j->first_at = now_of(s);
            if (j->first) j->state |= FIRST_DUE;
        }
        j->last_at = now_of(s);
        s->left_running--, s->totals.tokens_out++;
    }
    if (j->written < j->output) duo_batch_decode(s, j);
    else duo_batch_end(s, j, duo_kv_own(s, j, positions), positions);
}

static void end_prompts(struct duo_server *s, double seconds, double joules)      /* of a token */
{
    struct duo_job *j, *next;

    for (j = s->prompts.first; j && j->slot > 0; j = next) {
        next = j->next;
        j->seconds += j->slot * seconds, j->joules += j->slot * joules;
        j->left -= j->slot, j->slot = 0;
        if (kv_of(j)) duo_prefix_ready(s, j, input_of(j) - j->left);
        if (!j->left) end_prompt(s, j);
    }
}

void duo_stretch_change(struct duo_server *s)
{
    bool prompts = s->chunked > 0;

    duo_stretch_settle(s, s->last);
    end_decoding(s);
    if (prompts) end_prompts(s, s->a / s->members, s->joules_a / s->members);
}
