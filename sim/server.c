/* server.c - one replica: queue, slots, iterations, KV (requirements in server.h).
 *
 * A job is in one of: the queue; `before` (fixed work, sorted by its end); `prompts` (input left to run, in order);
 * the heap of decoding jobs, ordered by the number of the step that ends them; `told` (its callback is due).
 * Between two batch changes nothing is touched: load, shares, tokens and gaps follow from the number of iterations
 * that ended, and settle() books them at the change.  s->seconds and s->joules are running integrals for one token,
 * so that a decoding job's share is a difference of two values. */
#include "sim/server_inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static void ring(void *);
static void form(struct duo_server *);

static void append(struct list *l, struct duo_job *j)
{
    j->next = NULL, j->previous = l->last;
    *(l->last ? &l->last->next : &l->first) = j;
    l->last = j;
}

static void unlink_job(struct list *l, struct duo_job *j)
{
    *(j->previous ? &j->previous->next : &l->first) = j->next;
    *(j->next ? &j->next->previous : &l->last) = j->previous;
    j->next = j->previous = NULL;
}

/* ---- the stretch in closed form (3) ---- */

static double now_of(const struct duo_server *s) { return duo_clock_now(s->is.clock); }
static double sum_of(double a, double b, uint64_t k) { return (double)k * a + b * ((double)k * ((double)k - 1) / 2); }
static double end_of(const struct duo_server *s, uint64_t k) { return s->t0 + sum_of(s->a, s->b, k); }

/* Iterations of the stretch that ended by `now`.  The root is a guess; the ends decide. */
static uint64_t done_by(const struct duo_server *s, double now)
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
static uint64_t running_at(const struct duo_server *s, double now, uint64_t done)
{
    return end_of(s, done) >= now ? done : done + 1;
}

static void set_alarm(struct duo_server *s)
{
    double at = s->iterating ? end_of(s, s->next) : INFINITY;
    bool busy = s->iterating || s->before.first;

    if (s->before.first && s->before.first->seconds_mark < at) at = s->before.first->seconds_mark;
    if (isinf(at)) duo_clock_cancel(s->is.clock, &s->alarm);
    else if (!s->alarm.place || s->alarm.at < at || s->alarm.at > at) duo_clock_set(s->is.clock, &s->alarm, at, ring, s);
    if (busy && isnan(s->busy_since)) s->busy_since = now_of(s);
    if (!busy && !isnan(s->busy_since)) s->totals.busy_seconds += now_of(s) - s->busy_since, s->busy_since = NAN;
}

/* The batch will change: no further than the running iteration.  One that has not begun is formed anew. */
static void cut_stretch(struct duo_server *s)
{
    double now = now_of(s);
    uint64_t k = running_at(s, now, done_by(s, now));

    if (k == 0) {
        s->iterating = false;
        if (!s->ringing) form(s);
        return;
    }
    if (k < s->last) s->last = k;
    if (s->next > s->last) s->next = s->last;
    if (!s->singly) s->next = s->last;
    if (!s->ringing) set_alarm(s);
}

/* ---- what a job weighs ---- */

static double tokens_of(const struct duo_job *j) { return in_model(j) ? (double)j->fresh + j->output : 0; }
static int written_at(const struct duo_job *j, uint64_t step) { return 1 + (int)(step - j->steps_mark); }

static void add_load(struct duo_load *to, struct duo_load l, double times)
{
    to->items   += times * l.items;
    to->tokens  += times * l.tokens;
    to->context += times * l.context;
    to->pairs   += times * l.pairs;
    to->logits  += times * l.logits;
}

/* The load of its next token when it has written so many; *growth as in cost.h. */
static struct duo_load step_load(const struct duo_server *s, const struct duo_job *j, int written, struct duo_growth *growth)
{
    double cached = (double)j->cached + j->fresh + written - 1;
    return s->is.cost->kind->item(s->is.cost, 1, cached, j->from_layer, j->to_layer, 1, growth);
}

static bool is_whole(const struct duo_server *s, const struct duo_job *j)
{
    return j->from_layer == 0 && j->to_layer == s->is.cost->facts.layers;
}

/* ---- entering ---- */

static void enter(struct duo_server *s, struct duo_job *j)
{
    double now = now_of(s), wait = j->before + (in_model(j) ? s->is.cost->facts.start_seconds : 0);

    duo_kv_hold(s, j);
    unlink_job(&s->queue, j);
    s->waiting--;
    s->left_waiting -= tokens_of(j), s->left_running += tokens_of(j);
    if (++s->running > s->totals.peak_running) s->totals.peak_running = s->running;
    j->started_at = now;
    j->left = j->fresh, j->slot = 0;
    if (wait > 0 || !in_model(j)) {                                /* (6): sorted by the end, from behind */
        struct duo_job *p = s->before.last;
        j->state = BEFORE;
        j->seconds_mark = now + wait;
        while (p && p->seconds_mark > j->seconds_mark) p = p->previous;
        j->previous = p, j->next = p ? p->next : s->before.first;
        *(p ? &p->next : &s->before.first) = j;
        *(j->next ? &j->next->previous : &s->before.last) = j;
    } else {
        j->state = PROMPT;
        append(&s->prompts, j);
    }
}

static void admit(struct duo_server *s)
{
    while (s->queue.first && s->running < s->slots && duo_kv_make_room(s, s->queue.first)) enter(s, s->queue.first);
    if (s->waiting > s->totals.peak_waiting) s->totals.peak_waiting = s->waiting;
}

/* Something became free, or a job came: let the head in as soon as the iteration ends. */
static void kick(struct duo_server *s)
{
    const struct duo_job *j = s->queue.first;

    if (s->ringing || !j || s->running >= s->slots) return;
    if (!s->iterating) form(s);
    else if (!kv_of(j) || duo_kv_lacking(s, j) <= s->idle) cut_stretch(s);
}

/* ---- an iteration ---- */

static void span(const struct duo_server *s, bool whole, int *from, int *to)
{
    *from = 0, *to = s->is.cost->facts.layers;
    if (whole || s->whole || s->others) return;
    *from = *to, *to = 0;
    for (int i = 0; i < s->n_heap; i++) {
        if (s->heap[i].job->from_layer < *from) *from = s->heap[i].job->from_layer;
        if (s->heap[i].job->to_layer > *to) *to = s->heap[i].job->to_layer;
    }
    for (const struct duo_job *j = s->prompts.first; j && j->slot > 0; j = j->next) {
        if (j->from_layer < *from) *from = j->from_layer;
        if (j->to_layer > *to) *to = j->to_layer;
    }
}

/* Give prompts their chunks (2); their load is added to `load`. */
static void chunk(struct duo_server *s, struct duo_load *load, bool *whole)
{
    const struct duo_cost *c = s->is.cost;
    int room = s->is.budget - s->n_heap - s->others;
    struct duo_growth growth;

    if (room < 1) room = 1;
    for (struct duo_job *j = s->prompts.first; j; j = j->next) {
        int n = j->left < room ? j->left : room;
        if (!n && !j->slot) break;                                /* those behind have none, either */
        if ((j->slot = n) == 0) continue;
        room -= n, s->chunked += n;
        add_load(load, c->kind->item(c, n, (double)j->cached + j->fresh - j->left, j->from_layer, j->to_layer,
                                     n == j->left ? j->logits : 0, &growth), 1);
        if (is_whole(s, j)) *whole = true;
    }
}

static void form(struct duo_server *s)
{
    const struct duo_cost *c = s->is.cost;
    struct duo_load load;
    struct duo_price p;
    bool whole = false;
    int from, to;
    struct duo_growth growth;

    assert(!s->iterating);
    admit(s);
    s->chunked = 0, s->stream_left = 0, s->paid = false;
    if (!s->n_heap && !s->prompts.first) {
        set_alarm(s);
        return;
    }
    load = s->load;
    if (s->prompts.first) chunk(s, &load, &whole);
    if (s->others)
        add_load(&load, c->kind->item(c, 1, s->is.background_context - 1, 0, c->facts.layers, 1, &growth), s->others);
    span(s, whole, &from, &to);
    p = c->kind->price(c, &load, from, to);
    assert(p.seconds >= 0 && p.per_context >= 0);
    s->t0 = now_of(s);
    s->growth_then = s->growth, s->decoding_then = s->n_heap, s->streaming_then = s->streaming;
    s->a = p.seconds,        s->b = p.per_context * s->growth;
    s->joules_a = p.joules,  s->joules_b = p.joules_per_context * s->growth;
    s->members = s->n_heap + s->chunked + s->others;
    s->last = s->chunked ? 1 : s->heap[0].step - s->steps;
    s->next = s->singly ? 1 : s->last;
    s->iterating = true;
    if (!s->chunked) s->step_seconds = s->a;
    set_alarm(s);
}

static void book(struct duo_server *s, double seconds, double joules)
{
    s->seconds += seconds / s->members;
    s->joules  += joules / s->members;
    s->totals.joules += joules;
}

/* k iterations of the stretch have ended, and the stretch with them. */
static void settle(struct duo_server *s, uint64_t k)
{
    double n = (double)k, seconds = sum_of(s->a, s->b, k), tokens = n * s->decoding_then + (k ? s->chunked : 0);

    s->iterating = false;
    if (!k) return;
    book(s, seconds, sum_of(s->joules_a, s->joules_b, k));
    s->totals.iterations += n;
    s->totals.tokens_in  += s->chunked;
    s->totals.tokens_out += n * s->decoding_then;
    s->left_running -= tokens;
    s->pace_tokens  = 0.95 * s->pace_tokens + tokens;
    s->pace_seconds = 0.95 * s->pace_seconds + seconds;
    s->steps += k;
    s->load.context += n * s->growth_then;
    s->load.pairs   += n * s->growth_then;
    if (s->is.gaps && s->streaming_then) {                        /* who left in the last iteration did not see its token */
        duo_gaps_run(s->is.gaps, s->a, s->b, k - (s->stream_left > 0), (uint64_t)s->streaming_then);
        if (s->stream_left > 0 && s->streaming_then > s->stream_left)
            duo_gaps_add(s->is.gaps, s->a + s->b * (n - 1), (uint64_t)(s->streaming_then - s->stream_left));
    }
}

/* ---- jobs go on ---- */

static void leave(struct duo_server *s, struct duo_job *j, int added)
{
    s->running--;
    duo_kv_release(s, j, added);
}

static void end_job(struct duo_server *s, struct duo_job *j, int added)
{
    leave(s, j, added);
    j->last_at = now_of(s);
    j->state = OVER | DONE_DUE | (j->state & FIRST_DUE);
    append(&s->told, j);
}

static void push_decode(struct duo_server *s, struct duo_job *j, uint64_t order, double tokens)
{
    uint64_t end = j->steps_mark + (uint64_t)(j->output - 1), step = end;

    if (tokens < (double)(end - s->steps)) step = s->steps + (uint64_t)tokens;
    duo_heap_push(s, (struct entry){ step, order, j });
}

static void start_decode(struct duo_server *s, struct duo_job *j)
{
    struct duo_growth growth;

    j->state = DECODE | (j->state & FIRST_DUE);
    j->steps_mark = s->steps, j->seconds_mark = s->seconds, j->joules_mark = s->joules;
    add_load(&s->load, step_load(s, j, 1, &growth), 1);
    j->growth = growth.per_token, s->growth += j->growth;
    if (is_whole(s, j)) s->whole++;
    if (j->streams) s->streaming++;
    push_decode(s, j, s->order++, growth.tokens);
    if (j->state & FIRST_DUE) append(&s->told, j);
}

/* Out of the heap and the load, as it is after `step`. */
static void stop_decode(struct duo_server *s, struct duo_job *j, uint64_t step)
{
    struct duo_growth growth;

    duo_heap_remove(s, j->slot);
    add_load(&s->load, step_load(s, j, written_at(j, step), &growth), -1);
    s->growth -= j->growth;
    if (is_whole(s, j)) s->whole--;
    if (j->streams) s->streaming--;
}

static void share(const struct duo_server *s, struct duo_job *j, uint64_t k)      /* of the stretch, k iterations */
{
    j->seconds += s->seconds - j->seconds_mark;
    j->joules  += s->joules - j->joules_mark;
    if (!k) return;
    j->seconds += sum_of(s->a, s->b, k) / s->members;
    j->joules  += sum_of(s->joules_a, s->joules_b, k) / s->members;
}

static void end_decoding(struct duo_server *s)
{
    while (s->n_heap && s->heap[0].step <= s->steps) {
        struct duo_job *j = s->heap[0].job;
        if (written_at(j, s->steps) < j->output) {                /* a window is full: its context grows otherwise */
            struct duo_growth growth;
            step_load(s, j, written_at(j, s->steps), &growth);
            s->growth += growth.per_token - j->growth, j->growth = growth.per_token;
            push_decode(s, j, duo_heap_remove(s, 0), growth.tokens);
            continue;
        }
        stop_decode(s, j, s->steps);
        share(s, j, 0);
        j->written = j->output;
        end_job(s, j, positions(j));
    }
}

static void end_prompts(struct duo_server *s, double seconds, double joules)      /* of a token */
{
    struct duo_job *j, *next;

    for (j = s->prompts.first; j && j->slot > 0; j = next) {
        next = j->next;
        j->seconds += j->slot * seconds, j->joules += j->slot * joules;
        j->left -= j->slot, j->slot = 0;
        if (j->left) continue;
        unlink_job(&s->prompts, j);
        if (j->output > 0) {
            j->written = 1;
            j->first_at = j->last_at = now_of(s);
            s->left_running--, s->totals.tokens_out++;
            if (j->first) j->state |= FIRST_DUE;
        }
        if (j->output > 1) start_decode(s, j);
        else end_job(s, j, j->fresh);
    }
}

static void end_before(struct duo_server *s, double now)
{
    struct duo_job *j;

    while ((j = s->before.first) && j->seconds_mark <= now) {
        unlink_job(&s->before, j);
        j->seconds += j->seconds_mark - j->started_at;
        j->joules  += j->before_joules;
        s->totals.joules += j->before_joules;
        if (in_model(j)) j->state = PROMPT, append(&s->prompts, j);
        else end_job(s, j, 0);
    }
}

/* Callbacks may submit, cancel, drop and free; the head is read anew each time. */
static void tell(struct duo_server *s)
{
    struct duo_job *j;

    while ((j = s->told.first) && !s->dead) {
        if (j->state & FIRST_DUE) {
            j->state &= ~FIRST_DUE;
            if (!(j->state & DONE_DUE)) unlink_job(&s->told, j);
            if (j->first) j->first(j);
            continue;
        }
        unlink_job(&s->told, j);
        j->state = GONE;
        if (j->done) j->done(j);
    }
}

/* The stretch is over. */
static void change(struct duo_server *s)
{
    bool prompts = s->chunked > 0;

    settle(s, s->last);
    end_decoding(s);
    if (prompts) end_prompts(s, s->a / s->members, s->joules_a / s->members);
}

static void ring(void *owner)
{
    struct duo_server *s = owner;
    double now = now_of(s);
    bool came = s->before.first && s->before.first->seconds_mark <= now;

    s->ringing = true;
    end_before(s, now);
    if (came && s->iterating) cut_stretch(s);
    if (s->iterating && now >= end_of(s, s->next)) {
        if (s->next < s->last) s->next++;                         /* stepping singly */
        else                   change(s);
    }
    tell(s);
    s->ringing = false;
    if (s->dead) duo_server_free(s);
    else if (!s->iterating) form(s);
    else set_alarm(s), kick(s);
}

/* ---- the contract ---- */

struct duo_server *duo_server_new(const struct duo_server_spec *spec)
{
    struct duo_server *s = duo_new(1, sizeof *s);

    assert(spec->slots > 0 && spec->budget > 0 && spec->cost && spec->clock);
    s->is = *spec;
    s->others = (int)floor(spec->background * spec->slots + 0.5);
    if (s->others >= spec->slots) s->others = spec->slots - 1;    /* one is ours */
    s->slots = spec->slots - s->others;
    s->used = (double)s->others * spec->background_context;
    s->busy_since = s->step_seconds = NAN;
    return s;
}

/* A job that the end of the run cut off: its KV has no home any more. */
static void forget(struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);

    if (k) k->home = NULL, k->tokens = k->reserved = k->running = 0;
}

void duo_server_free(struct duo_server *s)
{
    if (!s) return;
    duo_clock_cancel(s->is.clock, &s->alarm);
    s->dead = true;
    if (s->ringing) return;                                       /* ring() comes back here */
    while (s->oldest) duo_kv_shorten(s->oldest, 0);
    for (int i = 0; i < s->n_heap; i++) forget(s->heap[i].job);
    for (struct duo_job *j = s->prompts.first; j; j = j->next) forget(j);
    for (struct duo_job *j = s->before.first; j; j = j->next) forget(j);
    free(s->heap);
    free(s);
}

bool duo_server_submit(struct duo_server *s, struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);

    assert(j->fresh >= 1 && j->cached >= 0 && j->output >= 0 && j->before >= 0);
    assert(j->from_layer >= 0 && j->from_layer <= j->to_layer && j->to_layer <= s->is.cost->facts.layers);
    if (k && (double)j->cached + positions(j) + (double)s->others * s->is.background_context > s->is.kv_tokens)
        return false;                                             /* (5) */
    if (k && k->home && k->home != s) duo_kv_drop(k);
    if (k && !k->running) duo_kv_shorten(k, j->cached);
    if (k) k->reserved += positions(j);
    j->queued_at = now_of(s);
    j->started_at = j->first_at = j->last_at = NAN;
    j->written = 0;
    j->joules = j->seconds = 0;
    j->state = QUEUED;
    append(&s->queue, j);
    s->waiting++;
    s->left_waiting += tokens_of(j);
    if (s->queue.first == j) kick(s);
    if (!s->ringing && s->waiting > s->totals.peak_waiting) s->totals.peak_waiting = s->waiting;
    return true;
}

int duo_server_written(const struct duo_server *s, const struct duo_job *j)
{
    if ((j->state & STATE) == DECODE) {
        int n = written_at(j, s->steps + done_by(s, now_of(s)));
        return n < j->output ? n : j->output;
    }
    return j->written;
}

/* The lone member of an iteration stops it: the part that ran is booked and paid (4).  `done`: ended before it. */
static double stop_alone(struct duo_server *s, uint64_t done)
{
    double length = s->a + s->b * (double)done, part = length > 0 ? (now_of(s) - end_of(s, done)) / length : 0;
    double joules = s->joules_a + s->joules_b * (double)done;

    settle(s, done);
    book(s, part * length, part * joules);
    s->totals.iterations++;
    return part;
}

static void cancel_prompt(struct duo_server *s, struct duo_job *j)
{
    uint64_t done = done_by(s, now_of(s));
    bool runs = s->iterating && j->slot > 0 && (done || s->t0 < now_of(s));
    bool alone = runs && !done && s->members == j->slot && !s->paid;
    double part = 1, n = s->members, seconds = s->a, joules = s->joules_a;

    unlink_job(&s->prompts, j);
    s->left_running -= (double)j->left + j->output - (runs && !alone ? j->slot : 0);    /* settle() takes the chunk */
    if (alone) part = stop_alone(s, 0);
    if (runs) j->seconds += j->slot * (part * seconds / n), j->joules += j->slot * (part * joules / n), s->paid = true;
    leave(s, j, j->fresh - j->left);
    if (s->iterating && !runs && j->slot > 0) s->iterating = false;                     /* it had not begun */
}

static void cancel_decode(struct duo_server *s, struct duo_job *j)
{
    double now = now_of(s);
    uint64_t done = done_by(s, now), k = s->iterating ? running_at(s, now, done) : 0;
    int n = written_at(j, s->steps + done), n_end;

    j->written = n < j->output ? n : j->output;
    if (s->iterating) j->last_at = end_of(s, done);
    if (k > done && s->members == 1 && !s->paid) {
        stop_alone(s, done);
        k = 0;
    } else if (!k) {
        s->iterating = false;
    }
    n_end = written_at(j, s->steps + k);
    s->left_running -= j->output - n_end;
    s->totals.tokens_out -= n_end > j->written ? n_end - j->written : 0;
    share(s, j, k);
    stop_decode(s, j, s->steps + k);
    leave(s, j, j->fresh + j->written - 1);
    if (!s->iterating) return;
    s->paid = true;
    if (j->streams && k > done) s->stream_left++;
    cut_stretch(s);
}

static void cancel_before(struct duo_server *s, struct duo_job *j)
{
    double length = j->seconds_mark - j->started_at, ran = now_of(s) - j->started_at;

    j->seconds += ran;
    j->joules  += length > 0 ? ran / length * j->before_joules : 0;
    s->totals.joules += j->joules;
    s->left_running -= tokens_of(j);
    unlink_job(&s->before, j);
    leave(s, j, 0);
}

void duo_server_cancel(struct duo_server *s, struct duo_job *j)
{
    int state = j->state & STATE;

    if (j->state & (FIRST_DUE | DONE_DUE)) unlink_job(&s->told, j);
    if (state == QUEUED) {
        unlink_job(&s->queue, j);
        s->waiting--;
        s->left_waiting -= tokens_of(j);
        if (kv_of(j)) j->kv->reserved -= positions(j);
    } else if (state == BEFORE) {
        cancel_before(s, j);
    } else if (state == PROMPT) {
        cancel_prompt(s, j);
    } else if (state == DECODE) {
        cancel_decode(s, j);
    }
    j->state = GONE;
    if (s->ringing) return;
    if (!s->iterating) form(s);
    else set_alarm(s), kick(s);
}

void duo_kv_cut(struct duo_kv *k, int tokens)
{
    struct duo_server *s = k->home;

    assert(tokens >= 0);
    duo_kv_shorten(k, tokens);
    if (s) kick(s);
}

void duo_kv_drop(struct duo_kv *k) { duo_kv_cut(k, 0); }

void duo_server_figures(const struct duo_server *s, struct duo_server_figures *f)
{
    uint64_t done = done_by(s, now_of(s));
    double left = s->left_running - (double)done * s->n_heap;
    double a = s->step_seconds + (s->iterating && !s->chunked ? s->b * (double)done : 0);
    double each = s->pace_tokens > 0 ? s->pace_seconds / s->pace_tokens : s->iterating ? s->a / s->members : 0;

    *f = (struct duo_server_figures){ .running = s->running, .waiting = s->waiting, .backlog = left + s->left_waiting,
                                      .decode_rate = 1 / a };
    f->kv_used = isinf(s->is.kv_tokens) || s->is.kv_tokens <= 0 ? 0 : s->used / s->is.kv_tokens;
    if (s->running < s->slots && !s->waiting) return;
    /* All that waits, and of what runs the first end: of R uniform remainders of mean m the least is 2 m / (R + 1). */
    f->wait = (s->left_waiting + 2 * left / (s->running + 1)) * each;
    if (s->before.first) {
        double ready = s->before.first->seconds_mark - now_of(s);
        if (left <= 0) f->wait = ready + (double)s->waiting / s->slots * s->before.first->before;
    }
}

bool duo_server_idle(const struct duo_server *s)
{
    return !s->waiting && !s->running && !s->iterating && !s->told.first && !s->oldest;
}

void duo_server_totals(const struct duo_server *s, struct duo_server_totals *t)
{
    double now = now_of(s);

    *t = s->totals;
    if (!isnan(s->busy_since)) t->busy_seconds += now - s->busy_since;
    if (s->iterating && s->paid) {                                /* who left has paid for it (4); settle() may not come */
        uint64_t k = running_at(s, now, done_by(s, now));
        t->joules     += sum_of(s->joules_a, s->joules_b, k);
        t->iterations += (double)k;
        t->tokens_in  += k ? s->chunked : 0;
        t->tokens_out += (double)k * s->decoding_then;
    }
}

void duo_server_step_singly(struct duo_server *s, bool on) { s->singly = on; }
