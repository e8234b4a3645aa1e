/* server.c - one replica: what its owner may ask of it (requirements in server.h). */
#include "sim/server_inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"

static int positions(const struct duo_job *j) { return j->prompt + (j->output > 0 ? j->output - 1 : 0); }    /* that it will hold */

static void end_before(struct duo_server *s, double now)
{
    struct duo_job *j;

    while ((j = s->before.first) && j->seconds_mark <= now) {
        unlink_job(&s->before, j);
        j->seconds += j->seconds_mark - j->started_at;
        j->joules  += j->before_joules;
        s->totals.joules += j->before_joules;
        if (!in_model(j)) duo_batch_end(s, j, 0, 0);
        else j->turn = duo_stretch_turn(s), duo_batch_prompt(s, j);
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

static void ring(void *owner)
{
    struct duo_server *s = owner;
    double now = now_of(s);
    bool came = s->before.first && s->before.first->seconds_mark <= now, told;

    s->ringing = true;
    end_before(s, now);
    if (came && s->iterating) duo_stretch_cut(s, s->is.ahead);
    if (s->iterating && now >= end_of(s, s->next)) {
        if (s->next < s->last) s->next++;                         /* stepping singly */
        else                   duo_stretch_change(s);
    }
    told = s->told.first;
    tell(s);
    s->ringing = false;
    if (s->dead)            duo_server_free(s);
    else if (!s->iterating) duo_stretch_form(s);
    else {
        duo_stretch_alarm(s);
        if (told) duo_stretch_kick(s);                            /* by what the owners did */
    }
}

/* ---- the contract ---- */

struct duo_server *duo_server_new(const struct duo_server_spec *spec)
{
    int block = spec->block > 0 ? spec->block : 1;
    struct duo_server *s = duo_new(1, sizeof *s + (size_t)block * sizeof *s->taking);

    assert(spec->slots > 0 && spec->budget > 0 && spec->chunk >= 0 && spec->cost && spec->clock);
    assert(spec->id_tokens % block == 0);
    s->is = *spec;
    s->block = block;
    s->capacity = floor(spec->kv_tokens / block);
    s->alarm.ring = ring;
    s->others = (int)floor(spec->background * spec->slots + 0.5);
    if (s->others >= spec->slots) s->others = spec->slots - 1;    /* one is ours */
    s->slots = spec->slots - s->others;
    s->used = s->others * blocks_of(s, spec->background_context);
    s->busy_since = s->step_seconds = NAN;
    return s;
}

/* A job that the end of the run cut off: its KV has no home any more. */
static void forget(struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);

    if (k) k->home = NULL, k->job = NULL, k->tokens = k->shared = 0;
}

void duo_server_free(struct duo_server *s)
{
    if (!s) return;
    duo_clock_cancel(s->is.clock, &s->alarm);
    s->dead = true;
    if (s->ringing) return;                                       /* ring() comes back here */
    for (struct duo_job *j = s->queue.first; j; j = j->next)
        if (kv_of(j)) j->kv->job = NULL;
    while (s->oldest) duo_kv_shorten(s->oldest, 0);
    for (int i = 0; i < s->n_heap; i++) forget(s->heap[i].job);
    for (struct duo_job *j = s->prompts.first; j; j = j->next) forget(j);
    for (struct duo_job *j = s->before.first; j; j = j->next) forget(j);
    duo_prefix_free(s);
    free(s->heap);
    free(s);
}

/* Could it ever fit?  Beside shared blocks a sequence may begin one of its own within the last. */
static bool fits(const struct duo_server *s, const struct duo_job *j)
{
    return blocks_of(s, positions(j)) + (s->is.id_tokens > 0) + s->others * blocks_of(s, s->is.background_context) <= s->capacity;
}

bool duo_server_submit(struct duo_server *s, struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);

    assert(j->fresh >= 1 && j->cached >= 0 && j->output >= 0 && j->before >= 0);
    assert(j->from_layer >= 0 && j->from_layer <= j->to_layer && j->to_layer <= s->is.cost->facts.layers);
    assert((!k || !k->job) && "one job at a time");
    assert(j->hidden >= 0 && (j->hidden == 0 || j->hidden < j->output));
    j->seen = false;
    j->prompt = j->cached + j->fresh;
    if (k && !fits(s, j)) return false;                           /* (5) */
    if (k && k->home && k->home != s) duo_kv_drop(k);
    if (k) duo_kv_shorten(k, j->cached), k->job = j;
    j->queued_at = now_of(s);
    j->started_at = j->first_at = j->last_at = NAN;
    j->written = j->preempted = 0;
    j->joules = j->seconds = 0;
    j->left = j->fresh;
    j->number = s->number++;
    j->turn = duo_stretch_turn(s);
    duo_batch_queue(s, j);
    if (s->queue.first == j) duo_stretch_kick(s);
    if (!s->ringing && s->waiting > s->totals.peak_waiting) s->totals.peak_waiting = s->waiting;
    return true;
}

int duo_server_written(const struct duo_server *s, const struct duo_job *j)
{
    if ((j->state & STATE) == DECODE) {
        int n = written_at(j, s->steps + duo_stretch_done(s, now_of(s)));
        return n < j->output ? n : j->output;
    }
    return j->written;
}

/* The lone member of an iteration stops it: the part that ran is booked and paid (4).  `done`: ended before it. */
static double stop_alone(struct duo_server *s, uint64_t done)
{
    double length = s->a + s->b * (double)done, part = length > 0 ? (now_of(s) - end_of(s, done)) / length : 0;
    double joules = s->joules_a + s->joules_b * (double)done;

    duo_stretch_settle(s, done);
    duo_stretch_book(s, part * length, part * joules);
    s->totals.iterations++;
    s->turn++;
    return part;
}

static void cancel_prompt(struct duo_server *s, struct duo_job *j)
{
    uint64_t done = duo_stretch_done(s, now_of(s));
    bool runs = s->iterating && j->slot > 0 && (done || s->t0 < now_of(s));
    bool alone = runs && !done && s->members == j->slot && !s->paid;
    double part = 1, n = s->members, seconds = s->a, joules = s->joules_a;

    unlink_job(&s->prompts, j);
    s->left_running -= tokens_left(j) - (runs && !alone ? j->slot : 0);                 /* settling takes the chunk */
    if (alone) part = stop_alone(s, 0);
    if (runs) j->seconds += j->slot * (part * seconds / n), j->joules += j->slot * (part * joules / n), s->paid = true;
    duo_batch_leave(s, j, duo_kv_own(s, j, input_of(j)), input_of(j) - j->left);
    if (s->iterating && !runs && j->slot > 0) s->iterating = false;                     /* it had not begun */
}

static void cancel_decode(struct duo_server *s, struct duo_job *j)
{
    double now = now_of(s);
    uint64_t done = duo_stretch_done(s, now), k = s->iterating ? duo_stretch_running(s, now, done) : 0;
    int n = written_at(j, s->steps + done), n_end;
    double blocks;

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
    duo_batch_share(s, j, k);
    blocks = duo_kv_own(s, j, j->prompt + written_at(j, s->steps) - 1);
    duo_batch_stop(s, j, s->steps + k);
    duo_batch_leave(s, j, blocks, j->prompt + j->written - 1);
    if (!s->iterating) return;
    s->paid = true;
    if (j->streams && j->seen && k > done) s->stream_left++;
    duo_stretch_cut(s, 0);
}

static void cancel_before(struct duo_server *s, struct duo_job *j)
{
    double length = j->seconds_mark - j->started_at, ran = now_of(s) - j->started_at;

    j->seconds += ran;
    j->joules  += length > 0 ? ran / length * j->before_joules : 0;
    s->totals.joules += j->joules;
    s->left_running -= tokens_left(j);
    unlink_job(&s->before, j);
    duo_batch_leave(s, j, duo_kv_own(s, j, input_of(j)), input_of(j) - j->left);
}

void duo_server_cancel(struct duo_server *s, struct duo_job *j)
{
    int state = j->state & STATE;

    if (j->state & (FIRST_DUE | DONE_DUE)) unlink_job(&s->told, j);
    if (state == QUEUED) {
        duo_batch_unqueue(s, j);
        if (kv_of(j)) j->kv->job = NULL;
    } else if (state == BEFORE) {
        cancel_before(s, j);
    } else if (state == PROMPT) {
        cancel_prompt(s, j);
    } else if (state == DECODE) {
        cancel_decode(s, j);
    }
    j->state = GONE;
    if (s->ringing) return;
    if (!s->iterating) duo_stretch_form(s);
    else duo_stretch_alarm(s), duo_stretch_kick(s);
}

void duo_kv_cut(struct duo_kv *k, int tokens)
{
    struct duo_server *s = k->home;

    assert(tokens >= 0);
    duo_kv_shorten(k, tokens);
    if (s) duo_stretch_kick(s);
}

void duo_kv_drop(struct duo_kv *k) { duo_kv_cut(k, 0); }

void duo_server_figures(const struct duo_server *s, struct duo_server_figures *f)
{
    uint64_t done = duo_stretch_done(s, now_of(s));
    double left = s->left_running - (double)done * s->n_heap;
    double a = s->step_seconds + (s->iterating && !s->chunked ? s->b * (double)done : 0);
    double each = s->pace_tokens > 0 ? s->pace_seconds / s->pace_tokens : s->iterating ? s->a / s->members : 0;

    *f = (struct duo_server_figures){ .running = s->running, .waiting = s->waiting, .backlog = left + s->left_waiting,
                                      .decode_rate = 1 / a };
    f->kv_used = isinf(s->capacity) || s->capacity <= 0 ? 0 : (s->used + duo_kv_growth(s, done)) / s->capacity;
    if (s->running < s->slots && !s->waiting) return;
    if (s->running < s->slots && s->iterating && (!kv_of(s->queue.first) || duo_kv_lacking(s, s->queue.first) <= 0)) {
        double room = s->is.budget - s->n_heap - s->others;       /* only an iteration's tokens are short */
        f->wait = s->inputs_waiting / fmax(1, room) * s->a;
        return;
    }
    /* All that waits, and of what runs the first end: of R uniform remainders of mean m the least is 2 m / (R + 1). */
    f->wait = (s->left_waiting + 2 * left / (s->running + 1)) * each;
    if (s->before.first) {
        double ready = s->before.first->seconds_mark - now_of(s);
        if (left <= 0) f->wait = ready + (double)s->waiting / s->slots * s->before.first->before;
    }
}

int duo_server_prefix(const struct duo_server *s, const uint32_t *ids, int n_ids, int tokens)
{
    int there = duo_prefix_look(s, ids, n_ids, tokens).there;

    return there < tokens ? there : tokens - 1;
}

void duo_server_forget(struct duo_server *s)
{
    assert(!s->running && !s->waiting);
    while (s->oldest) duo_kv_shorten(s->oldest, 0);
    while (duo_kv_evict(s, true)) continue;                       /* shared blocks */
}

bool duo_server_idle(const struct duo_server *s)
{
    return !s->waiting && !s->running && !s->iterating && !s->told.first && s->idle <= 0 && !s->oldest;
}

double duo_server_boundary(const struct duo_server *s)
{
    uint64_t done = duo_stretch_done(s, now_of(s)), k = s->iterating ? duo_stretch_running(s, now_of(s), done) : done;

    return k > done ? end_of(s, k) : now_of(s);
}

void duo_server_totals(const struct duo_server *s, struct duo_server_totals *t)
{
    double now = now_of(s);

    *t = s->totals;
    if (isinf(s->capacity)) t->kv_peak = NAN;
    if (!isnan(s->busy_since)) t->busy_seconds += now - s->busy_since;
    if (s->iterating && s->paid) {                                /* who left has paid for it (4); settling may not come */
        uint64_t k = duo_stretch_running(s, now, duo_stretch_done(s, now));
        t->joules     += sum_of(s->joules_a, s->joules_b, k);
        t->iterations += (double)k;
        t->tokens_in  += k ? s->chunked : 0;
        t->tokens_out += (double)k * s->decoding_then;
    }
}

void duo_server_step_singly(struct duo_server *s, bool on) { s->singly = on; }
